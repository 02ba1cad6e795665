package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// entry is what the gateway says became of the events of one class.
type entry struct {
	Sampled   uint64            `json:"sampled"`
	Filtered  uint64            `json:"filtered"`
	Refused   map[string]uint64 `json:"refused"`
	Accepted  uint64            `json:"accepted"`
	Confirmed uint64            `json:"confirmed"`
	Waiting   int64             `json:"waiting"`
	Dropped   map[string]uint64 `json:"dropped"`
	SetAside  uint64            `json:"set_aside"`
}

// books is what `hogar outbox --json` prints, as far as it is looked at.
type books struct {
	Ledger struct {
		All     entry            `json:"all"`
		Classes map[string]entry `json:"classes"`
	} `json:"ledger"`
}

func sum(m map[string]uint64) (n uint64) {
	for _, v := range m {
		n += v
	}
	return n
}

// off is by how much the two sums of the ledger are wrong.
func (e entry) off() int {
	in := int(e.Sampled) - int(e.Filtered+e.Accepted+sum(e.Refused))
	out := int(e.Accepted) - (int(e.Confirmed) + int(e.Waiting) + int(sum(e.Dropped)+e.SetAside))
	return max(in, -in) + max(out, -out)
}

// compareLedger asks the gateway as a user would, when nothing waits, and holds its
// books against what the oracles have counted.
func (r *rig) compareLedger(ctx context.Context, limit time.Duration) {
	var b books
	err := r.until(ctx, limit, "the ledger says that nothing of MQTT and of commands waits", func() bool {
		out, err := r.gate.command("outbox", "--json", "--socket", r.gate.path).Output()
		if err != nil || json.Unmarshal(out, &b) != nil {
			r.story.add("hogar outbox: %v %s", err, out)
			return false
		}
		r.story.add("the ledger: %s", out)
		return b.Ledger.Classes["mqtt"].Waiting == 0 && b.Ledger.Classes["control"].Waiting == 0
	})
	if err != nil {
		r.complain("%v", err)
		return
	}
	all := b.Ledger.All
	r.gaps = int(sum(all.Dropped) + sum(all.Refused))
	for class, e := range b.Ledger.Classes {
		if off := e.off(); off > r.flipped() { // nobody knows of what class a record was that cannot be read
			r.complain("the ledger is wrong by %d for %s: %+v", off, class, e)
		}
	}
	if off := all.off(); off > r.flipped() {
		r.complain("the ledger is wrong by %d: %+v", off, all)
	}
	// A kill may take what was sampled and left no record with it, and nothing else.
	sampled := b.Ledger.Classes["mqtt"].Sampled
	if acked, given := r.source.counts(); sampled > given || sampled+uint64(r.flipped()) < acked {
		r.complain("the ledger has sampled %d messages of MQTT devices; %d were given to the gateway, and it acknowledged %d", sampled, given, acked)
	}
	got, want := b.Ledger.Classes["mqtt"].Confirmed+b.Ledger.Classes["control"].Confirmed, r.consumer.distinct()
	if got != want {
		r.complain("the ledger has %d confirmed messages of MQTT devices and commands, %d have arrived", got, want)
	}
}

// flipped is how many records were damaged.
func (r *rig) flipped() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, numbers := range r.damaged {
		n += len(numbers)
	}
	return n
}

// compareHoles: a device's messages are numbered, so that a number which is missing
// is a message that is gone. The ledger has to own up to each.
func (r *rig) compareHoles(v *verdict) {
	if most := r.gaps + r.flipped(); v.holes > most {
		v.complain("%d numbers of devices are missing, and the ledger knows of %d messages that were dropped or refused", v.holes, most)
	}
}

// distinct counts the readings of MQTT devices and the outcomes of commands, once each.
func (c *consumer) distinct() uint64 {
	ids := make(map[string]bool)
	for _, d := range c.all() {
		chip := strings.HasSuffix(d.device, ".climate") || d.device == "porch.lamp" // at a pin
		if d.kind == "reading" && !chip || d.kind == "outcome" {
			ids[d.id] = true
		}
	}
	return uint64(len(ids))
}
