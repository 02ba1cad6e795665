package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/api"
	"hogar/gateway/home"
	"hogar/gateway/journal"
	"hogar/gateway/ledger"
)

// compareLedger holds what a gateway that was stopped has counted, over all its
// kills, against what arrived and what its journal has, class by class.
func compareLedger(t *testing.T, dir string, arrived []amqp.Delivery) {
	t.Helper()
	v, err := journal.Look(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	ids := make(map[string]bool)
	for _, d := range arrived {
		ids[d.MessageId] = true
	}
	want := make(map[string]ledger.Entry)
	for rec, err := range v.Scan(0) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Class == 0 {
			continue
		}
		class := home.Class(rec.Class).String()
		e := want[class]
		e.Accepted++
		if ids[fmt.Sprintf("%s-%d", v.ID(), rec.Seq)] {
			e.Confirmed++
		}
		want[class] = e
	}
	got := checkpointed(t, v)
	for class, e := range want {
		have := got.Classes[class]
		if have.Accepted != e.Accepted || have.Confirmed != e.Confirmed || have.Waiting != 0 {
			t.Errorf("ledger, %s: %+v; the journal has %d, and %d arrived", class, have, e.Accepted, e.Confirmed)
		}
	}
	if s, a := got.All.Missing(); s != 0 || a != 0 {
		t.Errorf("the ledger does not add up: %d sampled, %d accepted: %+v", s, a, got)
	}
	t.Logf("ledger: %+v", got.All)
}

// checkpointed is the ledger that the last stop has left.
func checkpointed(t *testing.T, v *journal.View) ledger.Counts {
	t.Helper()
	_, data := v.Checkpoint()
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		t.Fatal(err)
	}
	l := ledger.New(time.Time{})
	if err := l.Restore(parts["ledger"]); err != nil {
		t.Fatal(err)
	}
	return l.Counts()
}

func outboxOf(t *testing.T, g *gate) api.Outbox {
	t.Helper()
	o, err := g.Outbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}
