package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// open opens a journal and a hub on it, with what is in the folder recovered.
func open(t *testing.T, dir string, parts map[string]Part) (*Hub, *journal.Journal) {
	t.Helper()
	j, err := journal.Open(dir, journal.Options{MaxSize: 8 << 20, SegmentSize: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	h := New(Options{Journal: j, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	for name, p := range parts {
		h.Attach(name, p)
	}
	h.Recover()
	return h, j
}

// run runs h until the returned function is called, which waits for its end.
func run(t *testing.T, h *Hub, j *journal.Journal) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- h.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

// accept hands events in and waits until they are durable.
func accept(t *testing.T, h *Hub, events ...home.Event) {
	t.Helper()
	done := make(chan error, 1)
	h.Accept(events, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// written lists the journal's records as "kind body", without the times.
func written(t *testing.T, j *journal.Journal) []string {
	t.Helper()
	var lines []string
	for r, err := range j.Scan(0) {
		if err != nil {
			t.Fatal(err)
		}
		var body map[string]any
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		delete(body, "time")
		plain, _ := json.Marshal(body)
		lines = append(lines, fmt.Sprintf("%s %s", home.Kind(r.Kind), plain))
	}
	return lines
}

func reading(device, property string, v float64) home.Event {
	return home.Event{Kind: home.KindReading, Device: device, Property: property, Value: home.NumberOf(v), Unit: "°C"}
}

// counter is a part that counts events, and remembers those that were live.
type counter struct {
	Count int
	live  []string
}

func (c *counter) Apply(ev *home.Event, live bool) {
	if ev.Kind == 0 {
		return
	}
	c.Count++
	if live {
		c.live = append(c.live, ev.Kind.String())
	}
}
func (c *counter) Save() (json.RawMessage, error)  { return json.Marshal(c) }
func (c *counter) Restore(b json.RawMessage) error { return json.Unmarshal(b, c) }

func TestAReadingBecomesPartOfTheHouse(t *testing.T) {
	h, j := open(t, t.TempDir(), nil)
	stop := run(t, h, j)
	defer stop()
	h.Accept([]home.Event{{Kind: home.KindCatalog, Device: "kitchen.climate", Catalog: &home.Catalog{
		Properties: []home.Property{{Name: "temperature", Type: home.TypeNumber, Unit: "°C"}, {Name: "humidity", Type: home.TypeNumber, Unit: "%"}}}}}, nil)
	accept(t, h, reading("kitchen.climate", "temperature", 21.5))
	accept(t, h, reading("kitchen.climate", "temperature", 21.6))
	want := []string{
		`catalog {"device":"kitchen.climate","dseq":1,"properties":[{"property":"temperature","type":"number","unit":"°C"},{"property":"humidity","type":"number","unit":"%"}]}`,
		`status {"device":"kitchen.climate","dseq":2,"status":"online"}`,
		`reading {"device":"kitchen.climate","dseq":3,"property":"temperature","unit":"°C","value":21.5}`,
		`reading {"device":"kitchen.climate","dseq":4,"property":"temperature","unit":"°C","value":21.6}`,
	}
	if diff := cmp.Diff(want, written(t, j)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	got := h.Devices("kitchen.climate")
	if len(got) != 1 || got[0].Status != home.Online || len(got[0].Readings) != 2 {
		t.Fatalf("devices: %+v", got)
	}
	if r := got[0].Readings; r[0].Value != home.NumberOf(21.6) || r[1].Unknown != "never measured" {
		t.Errorf("readings: %+v", r)
	}
	if got := h.Devices("*.climate.humidity"); len(got) != 1 || len(got[0].Readings) != 1 {
		t.Errorf("by pattern: %+v", got)
	}
	if got := h.Devices("cellar.#"); got != nil {
		t.Errorf("cellar: %+v", got)
	}
}

func TestAnOfflineDeviceIsUnknown(t *testing.T) {
	h, j := open(t, t.TempDir(), nil)
	stop := run(t, h, j)
	defer stop()
	off := home.Event{Kind: home.KindStatus, Device: "a", State: home.Offline, Reason: "no chip answers"}
	accept(t, h, reading("a", "t", 1))
	h.Accept([]home.Event{off}, nil)
	h.Accept([]home.Event{off}, nil) // says nothing new
	accept(t, h, reading("a", "t", 2))
	want := []string{
		`status {"device":"a","dseq":1,"status":"online"}`,
		`reading {"device":"a","dseq":2,"property":"t","unit":"°C","value":1}`,
		`status {"device":"a","dseq":3,"reason":"no chip answers","status":"offline"}`,
		`reading {"device":"a","dseq":4,"property":"t","unit":"°C","unknown":"offline: no chip answers","value":null}`,
		`status {"device":"a","dseq":5,"status":"online"}`,
		`reading {"device":"a","dseq":6,"property":"t","unit":"°C","value":2}`,
	}
	if diff := cmp.Diff(want, written(t, j)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

// TestStateSurvives restarts the house twice: by the checkpoint of a clean stop,
// and by the journal alone.
func TestStateSurvives(t *testing.T) {
	dir := t.TempDir()
	first := &counter{}
	h, j := open(t, dir, map[string]Part{"counter": first})
	stop := run(t, h, j)
	accept(t, h, reading("a", "t", 1))
	stop()

	second := &counter{}
	h, j = open(t, dir, map[string]Part{"counter": second})
	if second.Count != 2 || second.live != nil { // the reading and the status that came with it
		t.Errorf("after a clean stop: %+v", second)
	}
	if h.Last("a", "t") != home.NumberOf(1) {
		t.Errorf("last value %s", h.Last("a", "t"))
	}
	// What comes now is in the journal, but no checkpoint is saved.
	h.Accept([]home.Event{reading("a", "t", 2)}, nil)
	h.drain()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	third := &counter{}
	h, j = open(t, dir, map[string]Part{"counter": third})
	defer j.Close()
	if third.Count != 4 || third.live != nil { // told anew after the start: online, and the reading
		t.Errorf("after a kill: %+v", third)
	}
	if h.Last("a", "t") != home.NumberOf(2) {
		t.Errorf("last value %s", h.Last("a", "t"))
	}
	done := make(chan error, 1)
	h.Accept([]home.Event{reading("a", "t", 3)}, func(err error) { done <- err })
	h.drain()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	lines := written(t, j)
	if last := lines[len(lines)-1]; !strings.Contains(last, `"dseq":6`) {
		t.Errorf("the device's count does not go on: %s", last)
	}
}

// What is not on the disk yet when a checkpoint is taken belongs to it all the same.
func TestACheckpointHasItsNumber(t *testing.T) {
	dir := t.TempDir()
	first := &counter{}
	h, j := open(t, dir, map[string]Part{"counter": first})
	stop := run(t, h, j)
	for i := range 1000 {
		h.Accept([]home.Event{reading("a", "t", float64(i))}, nil)
	}
	stop()
	second := &counter{}
	_, j = open(t, dir, map[string]Part{"counter": second})
	defer j.Close()
	if second.Count != first.Count || second.Count < 1000 {
		t.Errorf("%d events are in the state, %d happened", second.Count, first.Count)
	}
}

func TestADamagedCheckpointCostsNothing(t *testing.T) {
	dir := t.TempDir()
	h, j := open(t, dir, nil)
	h.Accept([]home.Event{reading("a", "t", 1)}, nil)
	h.drain()
	if err := j.SaveCheckpoint(j.Last(), []byte("no JSON")); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	h, j = open(t, dir, nil)
	defer j.Close()
	if h.Last("a", "t") != home.NumberOf(1) {
		t.Errorf("last value %s", h.Last("a", "t"))
	}
}

func TestAFullJournalStopsNobody(t *testing.T) {
	h, j := open(t, t.TempDir(), nil)
	if err := j.Close(); err != nil { // it takes nothing any more
		t.Fatal(err)
	}
	var told error
	h.Accept([]home.Event{reading("a", "t", 1)}, func(err error) { told = err })
	h.drain()
	if !errors.Is(told, journal.ErrClosed) {
		t.Errorf("the source was told %v", told)
	}
	if h.Last("a", "t") != home.NumberOf(1) {
		t.Error("the house did not take the reading")
	}
	if n := h.state.devices["a"].Seq; n != 0 {
		t.Errorf("the device is at number %d, want 0: what was not recorded uses none", n)
	}
}

func TestLateReadingsDoNotTakeThePlaceOfNewerOnes(t *testing.T) {
	h, j := open(t, t.TempDir(), nil)
	defer j.Close()
	now := time.Now()
	old, fresh := reading("a", "t", 1), reading("a", "t", 2)
	old.Time, fresh.Time = now.Add(-time.Minute), now
	f := h.Follow()
	h.Accept([]home.Event{fresh, old}, nil)
	h.drain()
	if h.Last("a", "t") != home.NumberOf(2) {
		t.Errorf("last value %s", h.Last("a", "t"))
	}
	var late []bool
	for range 3 {
		ev, _, err := f.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		late = append(late, ev.Late())
	}
	if diff := cmp.Diff([]bool{false, false, true}, late); diff != "" {
		t.Errorf("late (-want +got):\n%s", diff)
	}
}

func TestInventedDevicesAreForgotten(t *testing.T) {
	h, j := open(t, t.TempDir(), nil)
	defer j.Close()
	h.Accept([]home.Event{{Kind: home.KindOutcome, Device: "no.such", Outcome: &home.Outcome{ID: "1", Device: "no.such"}}}, nil)
	h.drain()
	if len(h.state.devices) != 0 {
		t.Errorf("remembered: %v", h.state.devices)
	}
}

func TestASlowFollowerIsToldWhatItMissed(t *testing.T) {
	h, j := open(t, t.TempDir(), nil)
	defer j.Close()
	f := h.Follow()
	const n = ringSize + 100
	for i := range n {
		h.Accept([]home.Event{reading("a", "t", float64(i))}, nil)
	}
	h.drain()
	ev, lost, err := f.Next(t.Context())
	if err != nil || lost != 101 || ev.Value != home.NumberOf(100) { // the status came first
		t.Errorf("got %s, lost %d, %v", ev.Value, lost, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.Follow().Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("at the end: %v", err)
	}
}

// A follower of what the house says has lost nothing when raw measurements have passed it by:
// it wants none. One that follows them has lost them.
func TestAFollowerCountsWhatItWanted(t *testing.T) {
	h, j := open(t, t.TempDir(), nil)
	defer j.Close()
	reading, measurement := &home.Event{Kind: home.KindReading}, &home.Event{Kind: home.KindReading, Flags: home.FlagRaw}
	add := func(ev *home.Event, n int) {
		for range n {
			h.recent.add(ev)
		}
	}
	add(measurement, 100)
	plain, raw := h.Follow(), h.FollowRaw()
	check := func(what string, wantPlain, wantRaw uint64) {
		t.Helper()
		_, ofPlain, err := plain.Next(t.Context())
		_, ofRaw, err2 := raw.Next(t.Context())
		if ofPlain != wantPlain || ofRaw != wantRaw || err != nil || err2 != nil {
			t.Errorf("%s: lost %d and raw %d, want %d and %d", what, ofPlain, ofRaw, wantPlain, wantRaw)
		}
	}
	add(measurement, 2000)
	add(&home.Event{Kind: home.KindStatus}, 1)
	check("2,000 measurements and one status", 0, 2001-ringSize)
	add(measurement, 700)
	add(reading, 300)
	add(measurement, 700)
	add(reading, 500)
	check("800 readings in between, of which 500 are there", 300, ringSize-1+2200-ringSize)
	add(reading, ringSize+50)
	check("too many readings", 499+50, ringSize-1+ringSize+50-ringSize)
	drain(t, plain)
	add(measurement, 3*ringSize)
	if _, lost, _, ok := plain.try(); ok || lost != 0 {
		t.Errorf("nothing but measurements: %v, lost %d", ok, lost)
	}
	add(reading, 1)
	check("and one reading", 0, ringSize-1+3*ringSize+1-ringSize)
}

func BenchmarkAccept(b *testing.B) {
	j, err := journal.Open(b.TempDir(), journal.Options{Sync: journal.OS, MaxSize: 4 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	h := New(Options{Journal: j, Log: slog.New(slog.DiscardHandler)})
	b.ReportAllocs()
	for b.Loop() {
		h.Accept([]home.Event{reading("kitchen.climate", "temperature", 21.5)}, nil)
		h.drain()
	}
}
