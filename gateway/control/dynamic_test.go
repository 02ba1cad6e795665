package control

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hogar/gateway/home"
)

// place is an actuator at one of several brokers. hangs keeps each Set until its context
// ends.
type place struct {
	name  string
	hangs bool
	used  *used
}

type used struct {
	mu    sync.Mutex
	sets  []string
	under map[string]int // Sets under way, by place
}

func (p place) Set(ctx context.Context, property string, v home.Value) ([]home.Event, error) {
	p.used.mu.Lock()
	p.used.under[p.name]++
	p.used.sets = append(p.used.sets, p.name+" "+property+"="+v.String())
	p.used.mu.Unlock()
	defer func() {
		p.used.mu.Lock()
		p.used.under[p.name]--
		p.used.mu.Unlock()
	}()
	if p.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, nil
}

func (u *used) all() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return fmt.Sprint(u.sets)
}

// results keeps what became of commands, by id: several goroutines say so.
type results struct {
	mu sync.Mutex
	of map[string]home.Result
}

// note returns a function that takes the outcome of the command.
func (r *results) note(id string) func(home.Outcome) {
	return func(o home.Outcome) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.of == nil {
			r.of = make(map[string]home.Result)
		}
		r.of[id] = o.Result
	}
}

func (r *results) all() map[string]home.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.of)
}

func (u *used) underWay() map[string]int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.under)
}

// found is a house without devices: they are discovered later.
func found(t *testing.T) (*Control, *fakeHub, *used) {
	t.Helper()
	h := &fakeHub{}
	h.control = New(h, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	live(t, h, House{Devices: map[string]Device{}})
	return h.control, h, &used{under: make(map[string]int)}
}

// serve serves hall.lamp until the test ends.
func serve(t *testing.T, c *Control) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var served sync.WaitGroup
	served.Go(func() {
		if err := c.Serve(ctx, "hall.lamp"); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); served.Wait() })
}

// A device that moved to another broker is commanded there, with the settings of there.
func TestAMovedDeviceIsCommandedWhereItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, u := found(t)
		c.Add("hall.lamp", Device{Properties: lampProperties, Actuator: place{"A", false, u}})
		serve(t, c)
		submit(t, c, home.Command{Device: "hall.lamp", Set: set("state", "on")})
		c.Add("hall.lamp", Device{Properties: lampProperties, Actuator: place{"B", true, u}, Timeout: time.Second})
		if o := submit(t, c, home.Command{Device: "hall.lamp", Set: set("state", "off")}); o.Error != "no answer from hall.lamp within 1s" {
			t.Errorf("the timeout is not that of B: %+v", o)
		}
		if got := u.all(); got != "[A state=on B state=off]" {
			t.Error(got)
		}
	})
}

// What is under way at the old broker, which hangs, is done at the new one at once, with
// all that waits behind it; a toggle, which may have arrived, is not.
func TestADeviceThatMovesDuringACommand(t *testing.T) {
	for value, want := range map[string]string{
		"on":     "[A state=on B state=on B brightness=7] applied applied",
		"toggle": "[A state=on B brightness=7] failed applied",
	} {
		synctest.Test(t, func(t *testing.T) {
			c, h, u := found(t)
			c.Add("hall.lamp", Device{Properties: lampProperties, Actuator: place{"A", true, u}, Timeout: time.Hour})
			h.read("hall.lamp", "state", home.BooleanOf(false))
			serve(t, c)
			var got [2]home.Outcome
			c.Submit(home.Command{ID: "1", Device: "hall.lamp", Set: set("state", value)}, func(o home.Outcome) { got[0] = o })
			c.Submit(home.Command{ID: "2", Device: "hall.lamp", Set: set("brightness", 7)}, func(o home.Outcome) { got[1] = o })
			synctest.Wait()
			began := time.Now()
			c.Add("hall.lamp", Device{Properties: lampProperties, Actuator: place{"B", false, u}})
			synctest.Wait()
			if seen := fmt.Sprint(u.all(), " ", got[0].Result, " ", got[1].Result); seen != want || time.Since(began) > 0 {
				t.Errorf("%s: %s after %s, want %s (%s)", value, seen, time.Since(began), want, got[0].Error)
			}
		})
	}
}

// The same actuator with other properties does not end what is under way; what waits and
// no longer fits is refused, and the rest is carried out.
func TestADeviceThatChangesDuringACommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, u := found(t)
		l := &lamp{block: make(chan struct{})}
		c.Add("hall.lamp", Device{Properties: lampProperties, Actuator: l, Timeout: time.Hour})
		serve(t, c)
		got := make(map[string]home.Outcome)
		for _, cmd := range []home.Command{
			{ID: "under way", Set: set("state", "on")}, {ID: "too bright", Set: set("brightness", 90)},
			{ID: "gone", Set: set("blink", "once")}, {ID: "fits", Set: set("state", "off")},
		} {
			cmd.Device = "hall.lamp"
			c.Submit(cmd, func(o home.Outcome) { got[o.ID] = o })
			synctest.Wait()
		}
		c.Add("hall.lamp", Device{Properties: lampProperties[:2], Actuator: l, Timeout: time.Hour,
			Safety: &Safety{Switch: "state", Range: map[string]Range{"brightness": {0, 50}}}})
		synctest.Wait()
		close(l.block)
		synctest.Wait()
		for id, want := range map[string]home.Result{"under way": home.Applied, "too bright": home.Rejected, "gone": home.Rejected, "fits": home.Applied} {
			if o := got[id]; o.Result != want {
				t.Errorf("%s: %+v", id, o)
			}
		}
		if s := fmt.Sprint(l.seen(), u.all()); s != "[state=on state=off][]" {
			t.Error(s)
		}
	})
}

// A device is removed while it is commanded, and added again: one command is under way at a
// time, and each has its outcome.
func TestADeviceThatIsRemovedAndAddedDuringACommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, u := found(t)
		c.Add("hall.lamp", Device{Properties: lampProperties, Actuator: place{"A", true, u}, Timeout: time.Hour})
		serve(t, c)
		got := new(results)
		send := func(id, value string) {
			c.Submit(home.Command{ID: id, Device: "hall.lamp", Set: set("state", value)}, got.note(id))
			synctest.Wait()
		}
		send("under way", "on")
		send("waits", "off")
		c.Remove("hall.lamp")
		c.Add("hall.lamp", Device{Properties: lampProperties, Actuator: place{"A", false, u}})
		serve(t, c)
		send("new", "on")
		if s := fmt.Sprint(got.all(), u.all(), u.underWay()); s != "map[new:applied under way:failed waits:failed][A state=on A state=on]map[A:0]" {
			t.Error(s)
		}
	})
}

// A device that came, left and came again before anybody served it is served once.
func TestADeviceIsServedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, u := found(t)
		for range 2 {
			c.Remove("hall.lamp")
			c.Add("hall.lamp", Device{Properties: lampProperties, Actuator: place{"A", true, u}, Timeout: time.Hour})
		}
		serve(t, c)
		serve(t, c)
		for _, p := range []string{"state", "brightness"} {
			c.Submit(home.Command{Device: "hall.lamp", Set: set(p, 1)}, nil)
		}
		synctest.Wait()
		if n := u.underWay()["A"]; n != 1 {
			t.Errorf("%d commands are under way at once", n)
		}
	})
}
