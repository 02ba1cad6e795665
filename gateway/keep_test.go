package gateway

import (
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/gateway/home"
)

// watchedBoard counts how often its pins are taken and given back.
type watchedBoard struct {
	*simboard.Board
	mu    sync.Mutex
	taken map[string]int
	given map[string]int
}

func (b *watchedBoard) Line(o drivers.LineOptions) (drivers.Line, error) {
	l, err := b.Board.Line(o)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken[o.Pin]++
	return &watchedLine{l, b, o.Pin}, err
}

type watchedLine struct {
	drivers.Line
	board *watchedBoard
	pin   string
}

func (l *watchedLine) Close() error {
	l.board.mu.Lock()
	defer l.board.mu.Unlock()
	l.board.given[l.pin]++
	return l.Line.Close()
}

// TestReloadLeavesUnchangedDevicesAlone reloads with another rule, another relay and a
// device less. What did not change keeps its line, its state and its readings' numbers;
// on_exit does not act.
func TestReloadLeavesUnchangedDevicesAlone(t *testing.T) {
	const before = `
gateway: casa
devices:
  hall.lamp:   {driver: relay, pin: GPIO17, on_exit: off}
  hall.motion: {driver: contact, pin: GPIO27, property: occupancy, pull: down}
  shed.lamp:   {driver: relay, pin: GPIO22}
  shed.fan:    {driver: relay, pin: GPIO23, on_exit: off}
`
	const after = `
gateway: casa
devices:
  hall.lamp:   {driver: relay, pin: GPIO17, on_exit: off, label: The lamp}
  hall.motion: {driver: contact, pin: GPIO27, property: occupancy, pull: down}
  shed.lamp:   {driver: relay, pin: GPIO22, on_exit: on}
rules:
  light: {when: hall.motion.occupancy, do: [{set: {shed.lamp.state: on}}]}
`
	dir := t.TempDir()
	plan, next := planIn(t, dir, before), planIn(t, dir, after)
	synctest.Test(t, func(t *testing.T) {
		b := &watchedBoard{taken: make(map[string]int), given: make(map[string]int)}
		h := runHouse(t, plan, nil, func(o *Options) {
			o.Reload = func() (*Plan, error) { return next, nil }
			o.Board = func(parts map[string][]drivers.Part) (drivers.Board, error) {
				var err error
				if b.Board == nil {
					b.Board, err = simboard.New(world.New(world.Options{}), time.Now, parts)
				}
				return b, err
			}
		})
		time.Sleep(time.Second)
		h.set("hall.lamp", "state", home.BooleanOf(true))

		was := h.device("hall.lamp").Readings
		if err := h.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.mu.Lock()
		taken, given := maps.Clone(b.taken), maps.Clone(b.given)
		b.mu.Unlock()
		if diff := cmp.Diff(map[string]int{"GPIO17": 1, "GPIO27": 1, "GPIO22": 2, "GPIO23": 1}, taken); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]int{"GPIO22": 1, "GPIO23": 1}, given); diff != "" {
			t.Errorf("given back (-want +got):\n%s", diff)
		}
		if !b.Level("GPIO17") || !cmp.Equal(was, h.device("hall.lamp").Readings, cmp.Comparer(func(a, b home.Value) bool { return a == b })) {
			t.Error("the lamp noticed")
		}
		if len(h.device("shed.fan").Readings) != 0 {
			t.Error("the fan is still there")
		}
		// It can be set and heard as before, by the new rule as well.
		if err := b.Press("GPIO27"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if o := h.set("hall.lamp", "state", home.BooleanOf(false)); o.Result != home.Applied || b.Level("GPIO17") || !b.Level("GPIO22") {
			t.Errorf("after the reload: %+v, lamp %v, shed %v", o, b.Level("GPIO17"), b.Level("GPIO22"))
		}
		h.stop()
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.given["GPIO17"] != 1 || b.given["GPIO27"] != 1 {
			t.Errorf("at the end given back: %v", b.given)
		}
	})
}
