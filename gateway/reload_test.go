package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Who asks for a reload may go away in the middle of it: the house has its
// devices all the same.
func TestReloadGoesOnWithoutItsSender(t *testing.T) {
	next := planOf(t, stories)
	plan := planOf(t, stories)
	synctest.Test(t, func(t *testing.T) {
		h := runHouse(t, plan, nil, func(o *Options) { o.Reload = func() (*Plan, error) { return next, nil } })
		defer h.stop()
		time.Sleep(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.Reload(ctx); err != nil {
			t.Errorf("reload: %v", err)
		}
		time.Sleep(15 * time.Second)
		h.isOnline("kitchen.climate", 11*time.Second)
		othersAreWell(t, h)
	})
}

// A board that cannot be made, and a file with faults, leave the old
// configuration running.
func TestReloadIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	plan, next, again := planIn(t, dir, stories), planIn(t, dir, stories), planIn(t, dir, stories)
	synctest.Test(t, func(t *testing.T) {
		refuse := errors.New("no such bus")
		boards := 0
		h := runHouse(t, plan, nil, func(o *Options) {
			o.Reload = func() (*Plan, error) { next, again = again, next; return again, nil }
			make := o.Board
			o.Board = func(parts map[string][]drivers.Part) (drivers.Board, error) {
				if boards++; boards == 2 {
					return nil, refuse
				}
				return make(parts)
			}
		})
		defer h.stop()
		time.Sleep(time.Second)
		if o := h.set("hall.lamp", "state", home.BooleanOf(true)); o.Result != home.Applied {
			t.Errorf("%+v", o)
		}
		if err := h.Reload(t.Context()); !errors.Is(err, refuse) {
			t.Errorf("reload: %v, want %v", err, refuse)
		}
		time.Sleep(15 * time.Second)
		h.isOnline("kitchen.climate", 11*time.Second)
		if err := h.Reload(t.Context()); err != nil {
			t.Errorf("reload: %v", err)
		}
		time.Sleep(time.Second)
		if !h.board.Level("GPIO17") {
			t.Error("the lamp was on before the reload and is off after it")
		}
	})
}

// The state outlives the process: device sequences go on, the last readings are
// there before anything is measured.
func TestStateOutlivesTheGateway(t *testing.T) {
	first, second := planOf(t, stories), planOf(t, stories)
	journal := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := runHouse(t, first, nil, func(o *Options) { o.Journal = journal })
		time.Sleep(time.Minute)
		before := h.device("kitchen.climate")
		h.stop()
		h = runHouse(t, second, nil, func(o *Options) {
			o.Journal = journal
			p := o.Plan.devices[0].spec.Open
			o.Plan.devices[0].spec.Open = func(ctx context.Context, b drivers.Board) (drivers.Device, error) {
				time.Sleep(2 * time.Second) // not yet measured
				return p(ctx, b)
			}
		})
		defer h.stop()
		next := h.House.Follow()
		sameValue := cmp.Comparer(func(a, b home.Value) bool { return a == b })
		if diff := cmp.Diff(before.Readings, h.device("kitchen.climate").Readings, sameValue, cmpopts.EquateApproxTime(time.Millisecond)); diff != "" {
			t.Errorf("the last readings (-before +after):\n%s", diff)
		}
		for {
			ev, _, err := next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if ev.Device == "kitchen.climate" && ev.Kind == home.KindReading {
				if ev.DSeq < 20 || ev.Seq < 30 {
					t.Errorf("the numbers begin anew: seq %d, dseq %d", ev.Seq, ev.DSeq)
				}
				return
			}
		}
	})
}

// A second gateway cannot have the journal of a running one, and says why.
func TestJournalIsLocked(t *testing.T) {
	first, second := planOf(t, stories), planOf(t, stories)
	journal := t.TempDir()
	h := runHouse(t, first, nil, func(o *Options) { o.Journal = journal })
	defer h.stop()
	err := Run(t.Context(), Options{Plan: second, Journal: journal})
	if err == nil || !strings.Contains(err.Error(), "is another hogar running?") {
		t.Errorf("the second gateway: %v", err)
	}
}
