package control

import (
	stdcmp "cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// fakeHub takes events at once, gives them to control, and keeps them as the
// journal would.
type fakeHub struct {
	control *Control
	mu      sync.Mutex
	kinds   []string
	records []home.Event
	refuses error // the journal takes nothing
	slow    bool  // what is appended becomes durable in sync only
	waiting []func(error)
}

func (h *fakeHub) Accept(events []home.Event, done func(error)) {
	h.mu.Lock()
	for i := range events {
		h.kinds = append(h.kinds, events[i].Kind.String())
		events[i].At = time.Now()
		h.records = append(h.records, events[i])
	}
	refuses, slow := h.refuses, h.slow
	if slow && done != nil {
		h.waiting = append(h.waiting, done)
	}
	h.mu.Unlock()
	for i := range events {
		h.control.Apply(&events[i], true)
	}
	if !slow && done != nil {
		done(refuses)
	}
}

// sync makes durable what was appended.
func (h *fakeHub) sync() {
	h.mu.Lock()
	waiting := h.waiting
	h.waiting = nil
	h.mu.Unlock()
	for _, done := range waiting {
		done(nil)
	}
}

func (h *fakeHub) Do(_ context.Context, fn func()) error { fn(); return nil }

// read makes a reading happen.
func (h *fakeHub) read(device, property string, v home.Value) {
	h.Accept([]home.Event{{Kind: home.KindReading, Device: device, Property: property, Value: v, Time: time.Now()}}, nil)
}

// lamp remembers what it was set to; block, when not nil, holds each Set.
type lamp struct {
	device string // "": hall.lamp
	mu     sync.Mutex
	sets   []string
	block  chan struct{}
	err    error
}

func (l *lamp) Set(ctx context.Context, property string, v home.Value) ([]home.Event, error) {
	if l.block != nil {
		select {
		case <-l.block:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.err
	}
	l.sets = append(l.sets, property+"="+v.String())
	return []home.Event{{Kind: home.KindReading, Device: stdcmp.Or(l.device, "hall.lamp"), Property: property, Value: v, Time: time.Now()}}, nil
}

// seen is what it was set to.
func (l *lamp) seen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.sets)
}

var lampProperties = []home.Property{
	{Name: "state", Type: home.TypeBoolean, Settable: true},
	{Name: "brightness", Type: home.TypeNumber, Min: new(0.0), Max: new(100.0), Unit: "%", Settable: true},
	{Name: "power", Type: home.TypeNumber, Unit: "W"},
	{Name: "blink", Type: home.TypeChoice, Options: []string{"once", "twice"}, Settable: true, Momentary: true},
}

// house is a control with one lamp that is served until the test ends.
func house(t *testing.T, l *lamp) (*Control, *fakeHub) {
	t.Helper()
	h := &fakeHub{}
	h.control = New(h, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	live(t, h, House{Devices: map[string]Device{"hall.lamp": {Properties: lampProperties, Actuator: l},
		"hall.light": {Properties: []home.Property{{Name: "illuminance", Type: home.TypeNumber}}}}})
	return h.control, h
}

// live attaches the house and serves its actuators until the test ends.
func live(t *testing.T, h *fakeHub, what House) {
	t.Helper()
	h.control.Attach(what)
	ctx, cancel := context.WithCancel(t.Context())
	var served sync.WaitGroup
	for name, d := range what.Devices {
		if d.Actuator != nil {
			served.Go(func() {
				if err := h.control.Serve(ctx, name); err != nil {
					t.Error(err)
				}
			})
		}
	}
	t.Cleanup(func() { cancel(); served.Wait() })
}

func set(values ...any) home.Settings {
	var s home.Settings
	for i := 0; i < len(values); i += 2 {
		v, _ := json.Marshal(values[i+1])
		value, _ := home.ParseValue(v)
		s = append(s, home.Setting{Property: values[i].(string), Value: value})
	}
	return s
}

func submit(t *testing.T, c *Control, cmd home.Command) home.Outcome {
	t.Helper()
	answer := make(chan home.Outcome, 1)
	c.Submit(cmd, func(o home.Outcome) { answer <- o })
	return <-answer
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		name string
		cmd  home.Command
		want string // outcome, error, hint
		sets []string
	}{
		{"plain", home.Command{Device: "hall.lamp", Set: set("state", "on")}, "applied||", []string{"state=on"}},
		{"several, in order", home.Command{Device: "hall.lamp", Set: set("brightness", 40, "state", true)}, "applied||", []string{"brightness=40", "state=on"}},
		{"unknown device", home.Command{Device: "hall.lmap", Set: set("state", "on")}, `rejected|there is no device "hall.lmap"|did you mean hall.lamp?`, nil},
		{"unknown property", home.Command{Device: "hall.lamp", Set: set("colour", "red")}, `rejected|hall.lamp has no property "colour"|what can be set: state, brightness, blink`, nil},
		{"not settable", home.Command{Device: "hall.lamp", Set: set("power", 3)}, "rejected|hall.lamp.power cannot be set|what can be set: state, brightness, blink", nil},
		{"a sensor", home.Command{Device: "hall.light", Set: set("illuminance", 3)}, "rejected|hall.light.illuminance cannot be set|nothing of hall.light can be set", nil},
		{"out of range", home.Command{Device: "hall.lamp", Set: set("brightness", 400)}, "rejected|hall.lamp.brightness: 400 is not between 0 and 100 %|send a number between 0 and 100 %", nil},
		{"wrong type", home.Command{Device: "hall.lamp", Set: set("state", "maybe")}, "rejected|hall.lamp.state: maybe is not on, off or toggle|send on, off or toggle", nil},
		{"all or nothing", home.Command{Device: "hall.lamp", Set: set("state", "on", "brightness", -1)}, "rejected|hall.lamp.brightness: -1 is not between 0 and 100 %|send a number between 0 and 100 %", nil},
		{"nothing", home.Command{Device: "hall.lamp"}, "rejected|the command sets nothing|set at least one of state, brightness, blink", nil},
		{"too late", home.Command{Device: "hall.lamp", Set: set("state", "on"), Deadline: time.Now().Add(-time.Second)}, "expired|its time was over when it came|", nil},
		{"too late by the clock", home.Command{Device: "hall.lamp", Set: set("state", "on"), Expires: time.Now().Add(-time.Second)}, "expired|its time was over when it came|", nil},
		{"toggle of what is unknown", home.Command{Device: "hall.lamp", Set: set("state", "toggle")}, "failed|toggle hall.lamp.state: its state is unknown; set it on or off|", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &lamp{}
			door, _ := house(t, l)
			o := submit(t, door, c.cmd)
			if got := fmt.Sprintf("%s|%s|%s", o.Result, o.Error, o.Hint); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if diff := cmp.Diff(c.sets, l.sets); diff != "" {
				t.Errorf("the lamp was set (-want +got):\n%s", diff)
			}
			if o.ID == "" {
				t.Error("no id was given")
			}
		})
	}
}

func TestTheIntentStandsBeforeTheOutcome(t *testing.T) {
	door, h := house(t, &lamp{})
	submit(t, door, home.Command{Device: "hall.lamp", Set: set("state", "on")})
	if diff := cmp.Diff([]string{"command", "reading", "outcome"}, h.kinds); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestToggleIsTheOtherState(t *testing.T) {
	l := &lamp{}
	door, _ := house(t, l)
	for _, v := range []string{"off", "toggle", "toggle"} {
		if o := submit(t, door, home.Command{Device: "hall.lamp", Set: set("state", v)}); !o.Result.OK() {
			t.Fatal(o.Error)
		}
	}
	if diff := cmp.Diff([]string{"state=off", "state=on", "state=off"}, l.sets); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTheSameIDActsOnce(t *testing.T) {
	l := &lamp{}
	door, _ := house(t, l)
	cmd := home.Command{ID: "x", Device: "hall.lamp", Set: set("state", "on")}
	first := submit(t, door, cmd)
	again := submit(t, door, cmd)
	if first.Result != home.Applied || cmp.Diff(first, again, cmp.AllowUnexported(home.Value{})) != "" {
		t.Errorf("first %+v, again %+v", first, again)
	}
	other := submit(t, door, home.Command{ID: "x", Device: "hall.lamp", Set: set("state", "off")})
	if other.Result != home.Rejected {
		t.Errorf("the id with another body: %+v", other)
	}
	if len(l.sets) != 1 {
		t.Errorf("the lamp was set %v", l.sets)
	}
}

// An id that is used for another wish has the outcome of the first, and the refusal
// stands in the journal under an id of the gateway's.
func TestAnIDOfAnotherCommand(t *testing.T) {
	l := &lamp{}
	door, h := house(t, l)
	submit(t, door, home.Command{ID: "x", Device: "hall.lamp", Set: set("state", "on"), Source: "amqp:app"})
	o := submit(t, door, home.Command{ID: "x", Device: "hall.lamp", Set: set("state", "off"), Source: "amqp:eve", Reason: "mine"})
	if o.ID != "x" || o.Result != home.Rejected || len(l.seen()) != 1 {
		t.Errorf("%+v, the lamp was set %v", o, l.seen())
	}
	last := h.records[len(h.records)-1].Outcome
	if last == nil || last.ID == "x" || !last.OwnID || last.Source != "amqp:eve" || last.Reason != "mine" || !strings.Contains(last.Error, `id "x" was used`) {
		t.Errorf("recorded %+v", last)
	}
}

func TestIDsAreRememberedAcrossARestart(t *testing.T) {
	door, _ := house(t, &lamp{})
	cmd := home.Command{ID: "x", Device: "hall.lamp", Set: set("state", "on")}
	submit(t, door, cmd)
	saved, err := door.Save()
	if err != nil {
		t.Fatal(err)
	}
	l := &lamp{}
	next, _ := house(t, l)
	if err := next.Restore(saved); err != nil {
		t.Fatal(err)
	}
	if o := submit(t, next, cmd); o.Result != home.Applied || len(l.sets) != 0 {
		t.Errorf("outcome %s, the lamp was set %v", o.Result, l.sets)
	}
}

func TestANewerSetTakesThePlaceOfAWaitingOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lamp{block: make(chan struct{})}
		door, _ := house(t, l)
		outcomes := make(chan string, 4)
		for _, c := range []home.Command{
			{ID: "1", Set: set("state", "on")}, // under way
			{ID: "2", Set: set("state", "off")},
			{ID: "3", Set: set("brightness", 10)},
			{ID: "4", Set: set("state", "on")},
		} {
			c.Device = "hall.lamp"
			door.Submit(c, func(o home.Outcome) { outcomes <- o.ID + " " + string(o.Result) })
			synctest.Wait()
		}
		close(l.block)
		var got []string
		for range 4 {
			got = append(got, <-outcomes)
		}
		want := []string{"2 superseded", "1 applied", "3 applied", "4 applied"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestTogglesArePatientButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lamp{block: make(chan struct{})}
		door, h := house(t, l)
		h.read("hall.lamp", "state", home.BooleanOf(false))
		busy := 0
		outcomes := make(chan home.Outcome, 30)
		for range 20 {
			door.Submit(home.Command{Device: "hall.lamp", Set: set("state", "toggle")}, func(o home.Outcome) { outcomes <- o })
			synctest.Wait()
		}
		close(l.block)
		for range 20 {
			if o := <-outcomes; o.Result == home.Rejected {
				busy++
			}
		}
		if busy != 20-1-queueMax {
			t.Errorf("%d were rejected as busy", busy)
		}
	})
}

func TestAHangingActuatorFailsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lamp{block: make(chan struct{})}
		door, _ := house(t, l)
		began := time.Now()
		o := submit(t, door, home.Command{Device: "hall.lamp", Set: set("state", "on")})
		if o.Result != home.Failed || o.Error != "no answer from hall.lamp within 5s" || time.Since(began) != 5*time.Second {
			t.Errorf("after %v: %+v", time.Since(began), o)
		}
	})
}

func TestACommandExpiresInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lamp{block: make(chan struct{})}
		door, _ := house(t, l)
		results := make(chan string, 2)
		for i, ttl := range []time.Duration{time.Minute, time.Second} {
			door.Submit(home.Command{ID: fmt.Sprint(i), Device: "hall.lamp", Set: set("brightness", i, "state", "toggle"),
				Deadline: time.Now().Add(ttl)}, func(o home.Outcome) { results <- o.ID + " " + string(o.Result) })
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		close(l.block)
		got := []string{<-results, <-results}
		if diff := cmp.Diff([]string{"0 failed", "1 expired"}, got); diff != "" { // 0: the toggle of an unknown state
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestAFailureIsTold(t *testing.T) {
	door, _ := house(t, &lamp{err: errors.New("pin GPIO17: broken")})
	o := submit(t, door, home.Command{Device: "hall.lamp", Set: set("state", "on")})
	if o.Result != home.Failed || o.Error != "pin GPIO17: broken" {
		t.Errorf("%+v", o)
	}
}

func TestWhatWaitsWhenTheDeviceGoesFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lamp{block: make(chan struct{})}
		door, _ := house(t, l)
		results := make(chan home.Result, 2)
		for range 2 {
			door.Submit(home.Command{Device: "hall.lamp", Set: set("state", "toggle")}, func(o home.Outcome) { results <- o.Result })
			synctest.Wait()
		}
		door.Attach(House{})
		if r := <-results; r != home.Failed {
			t.Errorf("the waiting one: %s", r)
		}
		if o := submit(t, door, home.Command{Device: "hall.lamp", Set: set("state", "on")}); o.Result != home.Rejected {
			t.Errorf("a new one: %+v", o)
		}
		close(l.block)
		<-results
	})
}

func TestRefusedOnesHaveAnOutcomeToo(t *testing.T) {
	door, h := house(t, &lamp{})
	answer := make(chan home.Outcome, 1)
	door.Refuse(home.Command{Device: "hall.lamp"}, "the body is empty", "send on or off", func(o home.Outcome) { answer <- o })
	if o := <-answer; o.Result != home.Rejected || o.Error != "the body is empty" || o.Hint != "send on or off" {
		t.Errorf("%+v", o)
	}
	if diff := cmp.Diff([]string{"outcome"}, h.kinds); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory()
	now := time.Now()
	for i := range 2 * rememberMax {
		m.put(&home.Outcome{ID: fmt.Sprint(i), Source: fmt.Sprint("amqp:", i%2)}, now)
	}
	if a, b := m.of("amqp:0", now).of, m.of("amqp:1", now).of; a != rememberMax || b != rememberMax || len(m.byKey) != 2*rememberMax {
		t.Errorf("%d and %d outcomes, %d ids", a, b, len(m.byKey))
	}
	if _, _, ok := m.get(&home.Command{ID: "0", Source: "amqp:1"}); !ok {
		t.Error("the oldest is forgotten")
	}
	m.put(&home.Outcome{ID: "tomorrow"}, now.Add(25*time.Hour))
	if len(m.list) != 1 || len(m.byKey) != 1 || len(m.senders) != 1 || len(m.sayings) != 1 {
		t.Errorf("%d are left after a day, of %d senders", len(m.list), len(m.senders))
	}
}
