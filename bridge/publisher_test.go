package bridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
	"hogar/gateway/ledger"
)

func TestReadingOnTheWire(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true, Version: "1.2"}, &door{})
	h.until("connected", func() bool { return h.Status().Connected })
	c := dialClient(t, h.url)
	c.bind("reader", "hogar", "casa.#")
	h.event(home.Event{Kind: home.KindReading, Device: "kitchen.climate", Property: "temperature", Value: home.NumberOf(21.37),
		Unit: "°C", DSeq: 4711, Flags: home.FlagPublished | home.FlagLate, Time: time.Date(2026, 11, 22, 20, 15, 4, 123e6, time.UTC)})
	d := c.consume("reader", 1)[0]
	type wire struct {
		Exchange, Key, Body, ContentType, Type, AppID, UserID, MessageID string
		Mode                                                             uint8
		Headers                                                          amqp.Table
	}
	got := wire{d.Exchange, d.RoutingKey, string(d.Body), d.ContentType, d.Type, d.AppId, d.UserId, d.MessageId, d.DeliveryMode, d.Headers}
	want := wire{"hogar", "casa.reading.kitchen.climate.temperature",
		`{"device":"kitchen.climate","property":"temperature","value":21.37,"unit":"°C","time":"2026-11-22T20:15:04.123Z","dseq":4711}`,
		"application/json", "hogar.reading.v1", "hogar/1.2", "guest", h.journal.ID() + "-1", 2,
		amqp.Table{"seq": int64(1), "dseq": int64(4711), "late": true, "simulated": false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if age := time.Since(d.Timestamp); age < 0 || age > 10*time.Second {
		t.Errorf("timestamp is %s ago", age)
	}
	h.until("the cursor is at 1", func() bool { return h.journal.Cursor() == 1 })
}

// TestClockOnTheWire sends what was recorded before the clock was trusted: as it is, and put right.
func TestClockOnTheWire(t *testing.T) {
	t.Parallel()
	worth := []string{"", home.ClockUntrusted, home.ClockCorrected, home.ClockCorrected, ""}
	h := runBridge(t, Options{Declare: true, Worth: func(seq uint64) (string, time.Duration) {
		if worth[seq] == home.ClockCorrected {
			return worth[seq], 3*time.Hour + 4*time.Second
		}
		return worth[seq], 0
	}}, &door{})
	h.until("connected", func() bool { return h.Status().Connected })
	c := dialClient(t, h.url)
	c.bind("reader", "hogar", "casa.#")
	at := time.Date(1970, 1, 1, 0, 0, 7, 5e6, time.UTC)
	for dseq := range uint64(4) {
		h.event(home.Event{Kind: home.KindReading, Device: "kitchen.climate", Property: "temperature", Value: home.NumberOf(21.37), DSeq: dseq + 1,
			Flags: home.FlagPublished | home.FlagUntrusted, At: at, Time: at})
	}
	var got []string
	for _, d := range c.consume("reader", 4) {
		ev, err := home.ParseEvent(home.KindReading, d.Body)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%v %s %v %d", d.Headers["clock"], ev.Time.UTC().Format(time.RFC3339Nano), time.Until(d.Timestamp).Round(time.Hour), ev.DSeq))
	}
	want := []string{"untrusted 1970-01-01T00:00:07.005Z 0s 1", "corrected 1970-01-01T03:00:11.005Z 3h0m0s 2",
		"corrected 1970-01-01T03:00:11.005Z 3h0m0s 3", "<nil> 1970-01-01T00:00:07.005Z 0s 4"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestKinds sends one of each kind; what is not published is passed over.
func TestKinds(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true, Simulated: true}, &door{})
	h.until("connected", func() bool { return h.Status().Connected })
	c := dialClient(t, h.url)
	c.bind("reader", "hogar", "#")
	c.bind("others", "amq.topic", "doorbell.#")
	for _, e := range []home.Event{
		{Kind: home.KindVariable, Name: "kept"},
		{Kind: home.KindEvent, Device: "hall.button", Property: "action", Value: home.TextOf("single"), DSeq: 1},
		{Kind: home.KindStatus, Device: "hall.button", State: home.Online, DSeq: 2},
		{Kind: home.KindOutcome, Device: "hall.lamp", Outcome: &home.Outcome{ID: "1", Device: "hall.lamp", Result: home.Applied}, DSeq: 3},
		{Kind: home.KindOutcome, Device: "No Name!", Outcome: &home.Outcome{ID: "2", Device: "No Name!", Result: home.Rejected}},
		{Kind: home.KindRule, Name: "hall_light", State: "done"},
		{Kind: home.KindPublish, Name: "bell", Message: &home.Message{Exchange: "amq.topic", Key: "doorbell.rang", Body: json.RawMessage(`{"a":1}`)}},
		{Kind: home.KindPublish, Name: "bell", Message: &home.Message{Exchange: "nowhere", Key: "lost", Body: json.RawMessage(`1`)}},
		{Kind: home.KindGateway, Name: "started"},
		{Kind: home.KindCatalog, Device: "hall.lamp", Catalog: &home.Catalog{}, DSeq: 4},
		{Kind: home.KindVariable, Name: "kept"},
	} {
		if e.Kind != home.KindVariable {
			e.Flags = home.FlagPublished
		}
		h.event(e)
	}
	var got []string
	for _, d := range c.consume("reader", 7) {
		got = append(got, fmt.Sprint(d.RoutingKey, " ", d.Type, " ", d.Headers["dseq"], " ", d.Headers["simulated"]))
	}
	want := []string{
		"casa.event.hall.button.action hogar.event.v1 1 true",
		"casa.status.hall.button hogar.status.v1 2 true",
		"casa.outcome.hall.lamp hogar.outcome.v1 3 true",
		"casa.outcome.unknown hogar.outcome.v1 <nil> true",
		"casa.rule.hall_light hogar.rule.v1 <nil> true",
		"casa.gateway.started hogar.gateway.v1 <nil> true",
		"casa.catalog.hall.lamp hogar.catalog.v1 4 true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if d := c.consume("others", 1)[0]; string(d.Body) != `{"a":1}` || d.RoutingKey != "doorbell.rang" {
		t.Errorf("a rule's message arrived as %s %s", d.RoutingKey, d.Body)
	}
	h.until("the cursor is at the end", func() bool { return h.journal.Cursor() == h.journal.Durable() })
	if st := h.Status(); st.Dropped != 0 || st.SetAside != 1 || st.Held != "" {
		t.Errorf("status %+v, want the message to a missing exchange set aside", st)
	}
}

func TestUnroutedIsKept(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true, History: "none"}, &door{})
	h.event(home.Event{Kind: home.KindStatus, Device: "a", State: home.Online, Flags: home.FlagPublished, Class: home.ClassGateway}) // dropped
	for i := range 300 {
		h.reading("a", "temperature", uint64(i+1))
	}
	h.until("the key is held", func() bool {
		return strings.HasPrefix(h.Status().Held, "casa.reading.a.temperature: no queue takes it")
	})
	if st, cursor := h.Status(), h.journal.Cursor(); cursor != 1 || st.Dropped != 1 {
		t.Errorf("the cursor is at %d and %d are dropped, want 1 and 1", cursor, st.Dropped)
	}
	c := dialClient(t, h.url)
	c.bind("reader", "hogar", "casa.reading.#")
	checkReadings(t, c.consume("reader", 300), h.journal.ID(), 300, false)
	h.until("nothing is held", func() bool { return h.journal.Cursor() == 301 && h.Status().Held == "" })
	if n := h.opts.Ledger.Counts().Classes["gateway"]; n.Dropped[ledger.Unrouted] != 1 || n.Confirmed != 0 {
		t.Errorf("the ledger has %+v", n)
	}
	if sent := h.Status().Published; sent > 300+1+2*128 {
		t.Errorf("%d messages were sent for 301", sent)
	}
}

// TestFirstGoesAlone has all that waits without a queue. If a window were on its way when
// the queue is bound, its end would arrive before its beginning.
func TestFirstGoesAlone(t *testing.T) {
	t.Parallel()
	j := openJournal(t)
	for i := range 300 {
		e := home.Event{Kind: home.KindReading, Device: "a", Property: "temperature", Value: home.NumberOf(21.5), DSeq: uint64(i + 1), Flags: home.FlagPublished}
		if err := appendEvent(j, e); err != nil {
			t.Fatal(err)
		}
	}
	h := runOn(t, Options{Declare: true, History: "none"}, &door{}, j)
	h.until("the key is held", func() bool { return h.Status().Held != "" })
	if sent := h.Status().Published; sent > 30 { // one each time
		t.Errorf("%d messages were sent before one was taken", sent)
	}
}

// TestRefusedIsKept fills a queue that then refuses (fault F11).
func TestRefusedIsKept(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true, History: "none"}, &door{})
	h.until("connected", func() bool { return h.Status().Connected })
	c := dialClient(t, h.url)
	if _, err := c.ch.QueueDeclare("small", true, false, false, false, amqp.Table{"x-max-length": int64(10), "x-overflow": "reject-publish"}); err != nil {
		t.Fatal(err)
	}
	if err := c.ch.QueueBind("small", "#", "hogar", false, nil); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		h.reading("a", "temperature", uint64(i+1))
	}
	h.until("it is held", func() bool { return strings.Contains(h.Status().Held, "refuses") })
	first := make(map[string]bool)
	deliveries, err := c.ch.Consume("small", "", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	for len(first) < 100 {
		select {
		case d := <-deliveries:
			first[d.MessageId] = true
		case <-time.After(30 * time.Second):
			t.Fatalf("%d of 100 arrived", len(first))
		}
	}
	h.until("the cursor is at 100", func() bool { return h.journal.Cursor() == 100 })
}

// checkReadings wants n readings of one device, each first time in order, and
// the same message under the same id.
func checkReadings(t *testing.T, got []amqp.Delivery, journalID string, n int, resent bool) {
	t.Helper()
	seen := make(map[string]string)
	next := int64(1)
	for _, d := range got {
		if body, again := seen[d.MessageId]; again {
			if !resent || body != string(d.Body) {
				t.Fatalf("message %s came twice: %s and %s", d.MessageId, body, d.Body)
			}
			continue
		}
		seen[d.MessageId] = string(d.Body)
		if want := fmt.Sprintf("%s-%d", journalID, d.Headers["seq"]); d.MessageId != want {
			t.Fatalf("message id %s, want %s", d.MessageId, want)
		}
		if d.Headers["dseq"] != next {
			t.Fatalf("dseq %d, want %d", d.Headers["dseq"], next)
		}
		next++
	}
	if int(next-1) != n {
		t.Fatalf("%d readings, want %d", next-1, n)
	}
}

// TestBrokerKilled kills the broker in the middle of a stream of readings, and
// stops and starts the bridge, too. It is the broker of all tests: what runs in
// parallel waits until this one is over.
func TestBrokerKilled(t *testing.T) {
	url, r := rabbit(t), broker.RabbitMQ
	const n = 6000
	j := openJournal(t)
	l := ledger.New(time.Now())
	o := Options{Declare: true, URLs: []string{"amqp://guest:guest@127.0.0.1:1/", url}, Coalesce: true, Ledger: l}
	h := runOn(t, o, &door{}, j)
	h.until("connected", func() bool { return h.Status().Connected })
	dialClient(t, url).bind("reader", "hogar", "casa.reading.#")
	go func() {
		for i := range n {
			if err := appendEvent(j, home.Event{Kind: home.KindReading, Device: "a", Property: "x", Value: home.NumberOf(float64(i)),
				DSeq: uint64(i + 1), Flags: home.FlagPublished, Class: home.ClassPoll}); err != nil {
				t.Error(err)
				return
			}
			if i%20 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	h.until("a thousand are confirmed", func() bool { return j.Cursor() > 1000 })
	r.Kill()
	h.until("the loss is noticed", func() bool { return !h.Status().Connected && h.Status().Error != "" })
	h.until("it is said what to do", func() bool { return strings.Contains(h.Status().Error, "is RabbitMQ running at") })
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.until("half are confirmed", func() bool { return j.Cursor() > n/2 })
	h.stop()
	h = runOn(t, o, &door{}, j)
	h.until("all are confirmed", func() bool { return j.Cursor() == n })
	kept := ledger.New(time.Now())
	if err := kept.RestoreNote(j.Note()); err != nil {
		t.Error(err)
	}
	for what, counts := range map[string]ledger.Counts{"runs": l.Counts(), "is kept with the cursor": kept.Counts()} {
		if got := counts.All.Confirmed; got != n { // what was sent again counts once
			t.Errorf("the ledger that %s has %d confirmed, want %d", what, got, n)
		}
	}
	c := dialClient(t, url)
	info, err := c.ch.QueueDeclarePassive("reader", true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if info.Messages > n+4*128 {
		t.Errorf("%d messages for %d readings", info.Messages, n)
	}
	checkReadings(t, c.consume("reader", info.Messages), j.ID(), n, true)
}

// watermark is rabbitmqctl set_vm_memory_high_watermark.
func watermark(t testing.TB, limit string) {
	t.Helper()
	eval(t, "ok = vm_memory_monitor:set_vm_memory_high_watermark(%s).", limit)
}

func TestSubjectOf(t *testing.T) {
	for body, want := range map[string]subject{
		`{"device":"a.b","property":"x","value":1,"time":"t","dseq":7}`:     {Device: "a.b", Property: "x", DSeq: 7},
		`{"device":"a","property":"x","value":{"p":1,"dseq":5},"time":"t"}`: {Device: "a", Property: "x"},
		`{"device":"a","property":"x","value":"\",\"dseq\":5}","time":"t"}`: {Device: "a", Property: "x"},
		`{"device":"a","status":"online","time":"t","dseq":8}`:              {Device: "a", DSeq: 8},
		`{"rule":"r","state":"done","time":"t"}`:                            {Rule: "r"},
		`{"gateway":"started","time":"t"}`:                                  {Gateway: "started"},
		`{"device":"\u0061","property":"x","value":1,"time":"t","dseq":7}`:  {Device: "a", Property: "x", DSeq: 7},
		`not json`: {},
	} {
		if diff := cmp.Diff(want, subjectOf([]byte(body))); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}

func TestWindow(t *testing.T) {
	var w window
	var gone []uint64
	leave := func(e *entry) { gone = append(gone, e.seq) }
	if w.pass(1) {
		t.Error("an empty window has nothing to wait for")
	}
	for i := range uint64(3) {
		w.push(&message{seq: 10 + i}, i+1)
	}
	w.pass(13)
	w.byTag(2).done, w.bySeq(12).done = true, true
	if got := w.advance(leave); got != 0 || w.len() != 3 {
		t.Errorf("advanced to %d before the first is done", got)
	}
	w.byTag(1).done = true
	if got := w.advance(leave); got != 13 || w.len() != 0 {
		t.Errorf("advanced to %d with %d left, want 13 and 0", got, w.len())
	}
	if diff := cmp.Diff([]uint64{10, 11, 12}, gone); diff != "" || len(w.entries) != 0 {
		t.Errorf("gone: %s, %d entries", diff, len(w.entries))
	}
}

// FuzzSubjectOf holds the short way of reading a reading against what was written.
func FuzzSubjectOf(f *testing.F) {
	f.Add("hall.lamp", "state", "on", uint64(3))
	f.Add("a", "b", `","dseq":5}`, uint64(0))
	f.Add("a\"", "b\\", `{"dseq":1}`, uint64(1))
	f.Fuzz(func(t *testing.T, device, property, text string, dseq uint64) {
		value := home.TextOf(text)
		if v, err := home.ParseValue([]byte(text)); err == nil {
			value = v
		}
		e := home.Event{Kind: home.KindReading, Device: device, Property: property, Value: value, DSeq: dseq, At: time.Now()}
		body, err := e.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		var want subject
		if err := json.Unmarshal(body, &want); err != nil {
			t.Skip("not JSON: ", err)
		}
		if diff := cmp.Diff(want, subjectOf(body)); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
		subjectOf([]byte(text)) // must not panic
	})
}
