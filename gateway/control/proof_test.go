package control

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"hogar/gateway/home"
)

// teller is a lamp that tells its state by itself, some time after it was set.
type teller struct {
	lamp
	hub   *fakeHub
	after time.Duration // <0: never; 0: before Set returns
}

func (l *teller) Set(ctx context.Context, property string, v home.Value) ([]home.Event, error) {
	if _, err := l.lamp.Set(ctx, property, v); err != nil {
		return nil, err
	}
	tell := func() { l.hub.Accept([]home.Event{readingOf(property, v)}, nil) }
	switch {
	case l.after == 0:
		tell()
	case l.after > 0:
		time.AfterFunc(l.after, tell)
	}
	return nil, nil
}

func TestVerified(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		want  home.Result
		took  time.Duration
	}{
		{0, home.Verified, 0}, {time.Second, home.Verified, time.Second}, {-1, home.Applied, 5 * time.Second}, {time.Minute, home.Applied, 5 * time.Second},
	} {
		t.Run(c.after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &teller{after: c.after}
				h := again(t, nil)
				l.hub = h
				live(t, h, House{Devices: map[string]Device{"hall.lamp": {Properties: lampProperties, Actuator: l, Verify: 5 * time.Second}}})
				began := time.Now()
				o := submit(t, h.control, home.Command{Device: "hall.lamp", Set: set("brightness", 7, "state", "on")})
				if o.Result != c.want || time.Since(began) != c.took {
					t.Errorf("after %v: %+v", time.Since(began), o)
				}
				if shows := o.Reading.String(); (c.want == home.Verified) != (shows == "brightness: 7, state: on") {
					t.Errorf("it shows %q", shows)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestWhoWaitsForAProof sends more commands while the device has not told yet: a
// set need not wait for that, a toggle must.
func TestWhoWaitsForAProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &teller{after: -1}
		h := again(t, nil)
		l.hub = h
		live(t, h, House{Devices: map[string]Device{"hall.lamp": {Properties: lampProperties, Actuator: l, Verify: 5 * time.Second}}})
		began := time.Now()
		for i, v := range []any{"on", "off", "toggle"} {
			h.control.Submit(home.Command{ID: fmt.Sprint(i), Device: "hall.lamp", Set: set("state", v)}, nil)
			synctest.Wait()
		}
		if got := fmt.Sprint(l.seen()); got != "[state=on state=off]" || h.outcomes() != "0 applied" {
			t.Errorf("%s, outcomes %s", got, h.outcomes())
		}
		time.Sleep(5*time.Second - time.Since(began))
		synctest.Wait()
		if got := fmt.Sprint(l.seen()); got != "[state=on state=off state=on]" || h.outcomes() != "0 applied, 1 applied" {
			t.Errorf("%s, outcomes %s", got, h.outcomes())
		}
		time.Sleep(time.Minute)
	})
}
