package control

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// again is a new gateway over the first n records, which are read as the journal
// has them.
func again(t *testing.T, records []home.Event) *fakeHub {
	t.Helper()
	h := &fakeHub{}
	shows := clock.New(time.Now(), 1)
	if len(records) > 0 {
		newest := clock.Mark{At: records[len(records)-1].At, Elapsed: records[len(records)-1].At}
		shows.Resume(newest, newest)
	}
	h.control = New(h, shows, slog.New(slog.NewTextHandler(t.Output(), nil)))
	for _, ev := range records {
		body, err := ev.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		read, err := home.ParseEvent(ev.Kind, body)
		if err != nil {
			t.Fatal(err)
		}
		read.At = ev.At
		h.control.Apply(&read, false)
	}
	return h
}

func lampHouse(l *lamp, verify time.Duration) House {
	return House{Devices: map[string]Device{"hall.lamp": {Properties: lampProperties, Actuator: l, Verify: verify}}}
}

// outcomes returns the outcome records, one a line.
func (h *fakeHub) outcomes() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []string
	for _, ev := range h.records {
		if o := ev.Outcome; o != nil {
			list = append(list, o.ID+" "+string(o.Result))
		}
	}
	return strings.Join(list, ", ")
}

func intentOf(id string, age time.Duration, values ...any) home.Event {
	at := time.Now().Add(-age)
	return home.Event{Kind: home.KindCommand, Device: "hall.lamp", At: at, Time: at, Command: &home.Command{ID: id, Device: "hall.lamp",
		Set: accepted(set(values...)), Received: at, Expires: at.Add(time.Minute)}}
}

// accepted turns values as they are written into those of the lamp.
func accepted(set home.Settings) home.Settings {
	for i, s := range set {
		for _, p := range lampProperties {
			if p.Name == s.Property {
				set[i].Value, _ = p.Accept(s.Value)
			}
		}
	}
	return set
}

func outcomeOf(id string, r home.Result, values ...any) home.Event {
	return home.Event{Kind: home.KindOutcome, Device: "hall.lamp", At: time.Now(),
		Outcome: &home.Outcome{ID: id, Device: "hall.lamp", Set: accepted(set(values...)), Result: r}}
}

func readingOf(property string, v home.Value) home.Event {
	return home.Event{Kind: home.KindReading, Device: "hall.lamp", Property: property, Value: v, Time: time.Now(), At: time.Now()}
}

// TestCutOff starts a gateway over the journal of one that was killed.
func TestCutOff(t *testing.T) {
	on, off := home.BooleanOf(true), home.BooleanOf(false)
	for _, c := range []struct {
		name    string
		records func() []home.Event
		verify  time.Duration
		reads   home.Value // what the device tells after the start
		want    string
		sets    string
	}{
		{name: "absolute", records: func() []home.Event { return []home.Event{intentOf("a", time.Second, "state", "on")} },
			want: "a applied", sets: "[state=on]"},
		{name: "too old", records: func() []home.Event { return []home.Event{intentOf("a", time.Hour, "state", "on")} },
			want: "a expired", sets: "[]"},
		{name: "too old, and it had acted", records: func() []home.Event { return []home.Event{intentOf("a", time.Hour, "state", "on")} },
			reads: on, want: "a verified", sets: "[]"},
		{name: "the clock lost its time", records: func() []home.Event { return []home.Event{intentOf("a", -time.Hour, "state", "on")} },
			want: "a expired", sets: "[]"},
		{name: "two, the newer counts", records: func() []home.Event {
			return []home.Event{intentOf("a", time.Second, "state", "on"), intentOf("b", time.Second, "state", "off")}
		}, want: "a superseded, b applied", sets: "[state=off]"},
		{name: "a newer one was done", records: func() []home.Event {
			return []home.Event{intentOf("a", time.Second, "state", "on"), intentOf("b", time.Second, "state", "off"), outcomeOf("b", home.Applied, "state", "off")}
		}, want: "a superseded", sets: "[]"},
		{name: "a newer one was done in part", records: func() []home.Event {
			return []home.Event{intentOf("a", time.Second, "state", "on", "brightness", 10), intentOf("b", time.Second, "state", "off"), outcomeOf("b", home.Applied, "state", "off")}
		}, want: "a applied", sets: "[brightness=10]"},
		{name: "a newer one was refused", records: func() []home.Event {
			return []home.Event{intentOf("a", time.Second, "state", "on"), intentOf("b", time.Second, "state", "off"), outcomeOf("b", home.Expired, "state", "off")}
		}, want: "a applied", sets: "[state=on]"},
		{name: "toggle of what was unknown", records: func() []home.Event { return []home.Event{intentOf("a", time.Second, "state", "toggle")} },
			want: "a unknown", sets: "[]"},
		{name: "toggle, never told", records: func() []home.Event {
			return []home.Event{outcomeOf("z", home.Applied, "state", "off"), intentOf("a", time.Second, "state", "toggle")}
		}, want: "a unknown", sets: "[]"},
		{name: "toggle, had acted", verify: 5 * time.Second, reads: on, records: func() []home.Event {
			return []home.Event{intentOf("z", time.Second, "state", "off"), outcomeOf("z", home.Applied, "state", "off"), intentOf("a", time.Second, "state", "toggle")}
		}, want: "a verified", sets: "[]"},
		{name: "toggle, shows what it did before", verify: 5 * time.Second, reads: off, records: func() []home.Event {
			return []home.Event{intentOf("z", time.Second, "state", "off"), outcomeOf("z", home.Applied, "state", "off"), intentOf("a", time.Second, "state", "toggle")}
		}, want: "a unknown", sets: "[]"},
		{name: "a press", records: func() []home.Event { return []home.Event{intentOf("a", time.Second, "blink", "twice")} },
			want: "a unknown", sets: "[]"},
		{name: "a press at a device that is not there any more", records: func() []home.Event {
			ev := intentOf("a", time.Second, "blink", "twice")
			ev.Command.Device, ev.Command.Anew = "gone.lamp", true
			return []home.Event{ev}
		}, want: "a unknown", sets: "[]"},
		{name: "a press that was done, and none after it", records: func() []home.Event {
			return []home.Event{intentOf("a", time.Second, "blink", "twice"), intentOf("b", time.Second, "state", "on"), outcomeOf("a", home.Applied, "blink", "twice")}
		}, want: "b applied", sets: "[state=on]"},
		{name: "nothing is open", records: func() []home.Event {
			return []home.Event{intentOf("a", time.Second, "state", "on"), outcomeOf("a", home.Applied, "state", "on")}
		}, want: "", sets: "[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &lamp{}
				h := again(t, c.records())
				live(t, h, lampHouse(l, c.verify))
				if c.reads.Known() {
					h.Accept([]home.Event{readingOf("state", c.reads)}, nil)
				}
				time.Sleep(10 * time.Second)
				if got := h.outcomes(); got != c.want {
					t.Errorf("outcomes %q, want %q", got, c.want)
				}
				if got := fmt.Sprint(l.seen()); got != c.sets {
					t.Errorf("sets %s, want %s", got, c.sets)
				}
			})
		})
	}
}

// TestEveryCrashPoint kills the gateway after each record of a day's work, sends
// the same commands again, and counts what the lamp saw.
func TestEveryCrashPoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		commands := []home.Command{
			{ID: "1", Set: set("state", "on")}, {ID: "2", Set: set("state", "toggle")}, {ID: "3", Set: set("brightness", 30, "state", true)},
			{ID: "4", Set: set("state", "toggle", "brightness", 4)}, {ID: "5", Set: set("state", "maybe")},
		}
		send := func(h *fakeHub) {
			for _, cmd := range commands {
				cmd.Device = "hall.lamp"
				submit(t, h.control, cmd)
			}
		}
		first := again(t, nil)
		l := &lamp{}
		live(t, first, lampHouse(l, 0))
		send(first)
		for n := range first.records {
			h := again(t, first.records[:n])
			saved, err := h.control.Save() // as well from a checkpoint
			if err != nil {
				t.Fatal(err)
			}
			h = again(t, nil)
			if err := h.control.Restore(saved); err != nil {
				t.Fatal(err)
			}
			l := &lamp{}
			live(t, h, lampHouse(l, 0))
			if n%2 == 0 { // redelivered before it is settled, or after
				time.Sleep(10 * time.Second)
			}
			send(h)
			h.once(t, first.records[:n])
			toggles := 0
			for _, ev := range first.records[:n] {
				if ev.Kind == home.KindCommand && ev.Command.Anew {
					toggles++ // from here on it may have acted
				}
			}
			for _, s := range l.seen() {
				if toggles == 2 && s == "brightness=4" {
					t.Errorf("cut after %d records: the toggle was carried out again: %v", n, l.seen())
				}
			}
		}
	})
}

// once checks that every command has one outcome over both lives.
func (h *fakeHub) once(t *testing.T, before []home.Event) {
	t.Helper()
	count := make(map[string]int)
	for _, ev := range slices.Concat(before, h.records) {
		if ev.Kind == home.KindOutcome {
			count[ev.Outcome.ID]++
			if ev.Outcome.Result == home.Undecided && !slices.ContainsFunc(ev.Outcome.Set, func(s home.Setting) bool { return s.Value == home.Toggle }) {
				t.Errorf("%s can be done again, and is unknown", ev.Outcome.ID)
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"1": 1, "2": 1, "3": 1, "4": 1, "5": 1}, count); diff != "" {
		t.Errorf("cut after %d records: outcomes (-want +got):\n%s", len(before), diff)
	}
}

func TestAToggleWaitsForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lamp{}
		door, h := house(t, l)
		h.read("hall.lamp", "state", home.BooleanOf(false))
		h.slow = true
		for i, v := range []string{"off", "toggle", "off"} {
			door.Submit(home.Command{ID: fmt.Sprint(i), Device: "hall.lamp", Set: set("state", v)}, nil)
			synctest.Wait()
		}
		if got := fmt.Sprint(l.seen()); got != "[state=off]" {
			t.Errorf("before the intent is durable: %s", got)
		}
		h.sync()
		synctest.Wait()
		if got := fmt.Sprint(l.seen()); got != "[state=off state=on state=off]" {
			t.Errorf("then: %s", got)
		}
	})
}

// A press waits for the disk as a toggle does, is waited for by no reading, takes no
// other's place in the queue, and makes no state that something could go back to.
func TestAPressIsDoneOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lamp{}
		h := again(t, nil)
		live(t, h, lampHouse(l, 5*time.Second))
		h.slow = true
		var results []home.Result
		for range 3 {
			h.control.Submit(home.Command{Device: "hall.lamp", Set: set("blink", "twice")}, func(o home.Outcome) { results = append(results, o.Result) })
		}
		synctest.Wait()
		if got := fmt.Sprint(l.seen()); got != "[]" {
			t.Errorf("before the intents are durable: %s", got)
		}
		h.sync()
		synctest.Wait()
		h.sync()
		synctest.Wait()
		h.sync()
		if got := fmt.Sprint(l.seen()); got != "[blink=twice blink=twice blink=twice]" || fmt.Sprint(results) != "[applied applied applied]" {
			t.Errorf("then: %s, %v", got, results)
		}
		if want := h.control.Desired("hall.lamp"); len(want) > 0 {
			t.Errorf("desired: %s", want)
		}
		h.slow = false
		o := submit(t, h.control, home.Command{ID: "x", OwnID: true, Redelivered: true, Device: "hall.lamp", Set: set("blink", "twice")})
		if o.Result != home.Undecided || len(l.seen()) != 3 {
			t.Errorf("delivered again without an id: %+v, %v", o, l.seen())
		}
	})
}

func TestAFullJournalStopsTogglesOnly(t *testing.T) {
	l := &lamp{}
	door, h := house(t, l)
	h.refuses = errors.New("journal is full")
	if o := submit(t, door, home.Command{Device: "hall.lamp", Set: set("state", "on")}); o.Result != home.Applied {
		t.Errorf("%+v", o)
	}
	if o := submit(t, door, home.Command{Device: "hall.lamp", Set: set("state", "toggle")}); o.Result != home.Failed ||
		!strings.Contains(o.Error, "journal is full") {
		t.Errorf("%+v", o)
	}
	if got := fmt.Sprint(l.seen()); got != "[state=on]" {
		t.Errorf("the lamp was set %s", got)
	}
}

func TestRedeliveredWithoutAnID(t *testing.T) {
	l := &lamp{}
	door, h := house(t, l)
	h.read("hall.lamp", "state", home.BooleanOf(false))
	for _, c := range []struct {
		value string
		own   bool
		want  home.Result
	}{{"on", true, home.Applied}, {"toggle", true, home.Undecided}, {"toggle", false, home.Applied}} {
		o := submit(t, door, home.Command{ID: "x" + c.value + fmt.Sprint(c.own), Device: "hall.lamp", Set: set("state", c.value),
			OwnID: c.own, Redelivered: true})
		if o.Result != c.want {
			t.Errorf("%s, own %v: %s", c.value, c.own, o.Result)
		}
	}
	if got := fmt.Sprint(l.seen()); got != "[state=on state=off]" {
		t.Errorf("the lamp was set %s", got)
	}
}

func TestWithoutRoomForIDsNothingNewIsTaken(t *testing.T) {
	l := &lamp{}
	door, _ := house(t, l)
	now := time.Now()
	for i := range rememberMax {
		door.fold.ended.put(&home.Outcome{ID: fmt.Sprint(i)}, now)
	}
	if o := submit(t, door, home.Command{ID: "new", Device: "hall.lamp", Set: set("state", "on")}); o.Result != home.Rejected {
		t.Errorf("%+v", o)
	}
	if o := submit(t, door, home.Command{Device: "hall.lamp", Set: set("state", "on")}); o.Result != home.Applied {
		t.Errorf("without an id: %+v", o)
	}
}

// TestADuplicateOfWhatIsNotYetDurable asks again between the outcome and the disk.
func TestADuplicateOfWhatIsNotYetDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lamp{}
		door, h := house(t, l)
		h.slow = true
		told := 0
		for range 2 {
			door.Submit(home.Command{ID: "x", Device: "hall.lamp", Set: set("state", "on")}, func(home.Outcome) { told++ })
			synctest.Wait()
		}
		saved, err := door.Save()
		next, _ := house(t, &lamp{})
		if err := errors.Join(err, next.Restore(saved)); err != nil {
			t.Fatal(err)
		}
		if _, same, ok := next.fold.ended.get(&home.Command{ID: "x", Device: "hall.lamp", Set: set("state", true)}); !ok || !same || len(next.fold.open) > 0 {
			t.Errorf("the checkpoint forgets the outcome: %s", saved)
		}
		if told != 0 {
			t.Errorf("%d were told before it was durable", told)
		}
		h.sync()
		if told != 2 || len(l.seen()) != 1 {
			t.Errorf("%d were told, the lamp was set %v", told, l.seen())
		}
	})
}

func TestOneAndOnAreTheSameWish(t *testing.T) {
	l := &lamp{}
	door, _ := house(t, l)
	for _, v := range []any{1, "on", true} {
		if o := submit(t, door, home.Command{ID: "x", Device: "hall.lamp", Set: set("state", v)}); o.Result != home.Applied {
			t.Errorf("%v: %+v", v, o)
		}
	}
	if len(l.seen()) != 1 {
		t.Errorf("the lamp was set %v", l.seen())
	}
}
