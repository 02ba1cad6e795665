package board

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
)

func textLog(to *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(to, nil)) }

// asked is a request in short, for comparing.
type asked struct {
	Offset, Lines, Attrs uint32
	Flags                uint64
	Consumer             string
	ID                   uint32
	Value, Mask          uint64
}

func inShort(r lineRequest) asked {
	first := r.config.attrs[0]
	return asked{r.offsets[0], r.count, r.config.count, r.config.flags, textOf(r.consumer),
		first.attr.id, first.attr.value, first.mask}
}

func TestLineIsRequestedInOneGo(t *testing.T) {
	long := strings.Repeat("x", 40)
	for name, c := range map[string]struct {
		options drivers.LineOptions
		want    asked
	}{
		"active-low relay that begins on": {
			drivers.LineOptions{Pin: "GPIO17", Consumer: "hall.lamp", Output: true, Initial: true, ActiveLow: true},
			asked{17, 1, 1, lineOutput | lineActiveLow, "hall.lamp", attrValues, 1, 1},
		},
		"relay that begins off": {
			drivers.LineOptions{Pin: "GPIO0", Output: true},
			asked{0, 1, 1, lineOutput, "hogar", attrValues, 0, 1},
		},
		"contact with all it can have": {
			drivers.LineOptions{Pin: "GPIO27", Consumer: long, Pull: drivers.PullUp, ActiveLow: true, Debounce: 50 * time.Millisecond},
			asked{27, 1, 1, lineInput | lineActiveLow | lineEdgeRising | lineEdgeFalling | linePullUp, long[:31], attrDebounce, 50_000, 1},
		},
		"contact without a pull": {
			drivers.LineOptions{Pin: "GPIO4", Pull: drivers.PullNone},
			asked{4, 1, 0, lineInput | lineEdgeRising | lineEdgeFalling | linePullNone, "hogar", 0, 0, 0},
		},
		"contact that keeps its pull": {
			drivers.LineOptions{Pin: "GPIO4"},
			asked{4, 1, 0, lineInput | lineEdgeRising | lineEdgeFalling, "hogar", 0, 0, 0},
		},
		"contact pulled down": {
			drivers.LineOptions{Pin: "GPIO4", Pull: drivers.PullDown},
			asked{4, 1, 0, lineInput | lineEdgeRising | lineEdgeFalling | linePullDown, "hogar", 0, 0, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, k, _ := newTestBoard(t)
			mustTake(t, b, c.options)
			if diff := cmp.Diff([]asked{c.want}, []asked{inShort(k.requests[0])}); diff != "" || len(k.requests) != 1 {
				t.Errorf("%d requests; want -, got +\n%s", len(k.requests), diff)
			}
		})
	}
}

// TestKeepLeavesAnOutputAsItIs asks for a pin that is an output already: no
// request may give it another level, not for a moment.
func TestKeepLeavesAnOutputAsItIs(t *testing.T) {
	for _, bits := range []uint64{0, 1} {
		b, k, _ := newTestBoard(t)
		k.output, k.bits = true, bits
		mustTake(t, b, drivers.LineOptions{Pin: "GPIO17", Output: true, Keep: true, Initial: bits == 0, ActiveLow: true})
		if got := k.requests[0].config; got.flags != lineActiveLow || got.count != 0 {
			t.Errorf("level %d: requested with flags %#x and %d attributes, want as it is", bits, got.flags, got.count)
		}
		want := lineConfig{flags: lineOutput | lineActiveLow}
		want.add(attrValues, bits)
		if len(k.configs) != 1 || k.configs[0] != want {
			t.Errorf("level %d: then set to %+v, want %+v", bits, k.configs, want)
		}
	}
	b, k, _ := newTestBoard(t) // an input becomes an output at Initial
	mustTake(t, b, drivers.LineOptions{Pin: "GPIO17", Output: true, Keep: true, Initial: true})
	if got := k.requests[0].config; got.flags != lineOutput || got.attrs[0].attr.value != 1 || k.configs != nil {
		t.Errorf("an input: requested with %+v, then %+v", got, k.configs)
	}
}

func TestLineFaults(t *testing.T) {
	b, k, _ := newTestBoard(t)
	k.held[17] = "gpio-keys"
	k.held[18] = ""
	for name, c := range map[string]struct {
		options drivers.LineOptions
		refuse  error
		is      error
		says    string
	}{
		"held":          {drivers.LineOptions{Pin: "GPIO17"}, nil, drivers.ErrBusy, "GPIO17 is held by gpio-keys: the pin is busy"},
		"held silently": {drivers.LineOptions{Pin: "GPIO18"}, nil, drivers.ErrBusy, "GPIO18 is held by somebody without a name: the pin is busy"},
		"not a pin":     {drivers.LineOptions{Pin: "P1_11"}, nil, nil, `pin "P1_11": expected a name like GPIO17`},
		"bare prefix":   {drivers.LineOptions{Pin: "GPIO"}, nil, nil, "expected a name like GPIO17"},
		"leading zero":  {drivers.LineOptions{Pin: "GPIO017"}, nil, nil, "expected a name like GPIO17"},
		"beyond":        {drivers.LineOptions{Pin: "GPIO54"}, nil, nil, "the header's chip has GPIO0 to GPIO53"},
		"pull":          {drivers.LineOptions{Pin: "GPIO2", Pull: "sideways"}, nil, nil, "expected none, up or down"},
		"debounce":      {drivers.LineOptions{Pin: "GPIO2", Debounce: -time.Second}, nil, nil, "out of range"},
		"old kernel":    {drivers.LineOptions{Pin: "GPIO2"}, syscall.EINVAL, syscall.EINVAL, "older than 5.10"},
		"no interrupt":  {drivers.LineOptions{Pin: "GPIO2", Debounce: time.Millisecond}, syscall.ENXIO, syscall.ENXIO, "interrupt pin has to be wired"},
		"other":         {drivers.LineOptions{Pin: "GPIO2"}, syscall.EIO, syscall.EIO, "take GPIO2: input/output error"},
	} {
		k.refuse = c.refuse
		_, err := b.Line(c.options)
		if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v; want %q wrapping %v", name, err, c.says, c.is)
		}
	}
}

func TestNoHeader(t *testing.T) {
	b, k, _ := newTestBoard(t)
	delete(k.chips, "gpiochip10")
	_, err := b.Line(drivers.LineOptions{Pin: "GPIO17"})
	const found = "found gpiochip0 (gpio-brcmstb), gpiochip10 (inappropriate ioctl for device)"
	if err == nil || !strings.Contains(err.Error(), found) || !strings.Contains(err.Error(), "--simulate") {
		t.Errorf("got %v, want %q", err, found)
	}
	if err := os.RemoveAll(b.path("dev")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Line(drivers.LineOptions{Pin: "GPIO17"}); err == nil || !strings.Contains(err.Error(), "found none") {
		t.Errorf("got %v, want found none", err)
	}
}

func TestNoPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may open everything")
	}
	b, _, _ := newTestBoard(t)
	for _, device := range []string{"dev/gpiochip10", "dev/i2c-1"} {
		if err := os.Chmod(b.path(device), 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Line(drivers.LineOptions{Pin: "GPIO17"}); err == nil || !strings.Contains(err.Error(), "group gpio") {
		t.Errorf("got %v, want the group named", err)
	}
	if _, err := b.I2C("I2C1"); err == nil || !strings.Contains(err.Error(), "group i2c") {
		t.Errorf("got %v, want the group named", err)
	}
}

func TestGetAndSet(t *testing.T) {
	b, k, _ := newTestBoard(t)
	lamp := mustTake(t, b, drivers.LineOptions{Pin: "GPIO17", Output: true})
	for _, want := range []bool{true, false, true} {
		if err := lamp.Set(want); err != nil {
			t.Fatal(err)
		}
		if got, err := lamp.Get(); got != want || err != nil || k.bits != bit(want) {
			t.Errorf("Get = %v, %v after Set(%v)", got, err, want)
		}
	}
	if len(k.requests) != 1 {
		t.Errorf("the line was requested %d times; reading must not change it", len(k.requests))
	}
	if _, err := lamp.Next(t.Context()); err == nil {
		t.Error("Next of an output gave no error")
	}
	motion := mustTake(t, b, drivers.LineOptions{Pin: "GPIO27"})
	if err := motion.Set(true); err == nil {
		t.Error("Set of an input gave no error")
	}
}

func TestEdges(t *testing.T) {
	b, k, log := newTestBoard(t)
	motion := mustTake(t, b, drivers.LineOptions{Pin: "GPIO27"})

	before := time.Now()
	stamp := monotonic()
	after := time.Now()
	k.edge(lineEvent{nanoseconds: uint64(stamp), id: eventRising, count: 1})
	k.edge(lineEvent{nanoseconds: uint64(stamp + time.Millisecond), id: 2, count: 2})
	k.edge(lineEvent{nanoseconds: uint64(stamp + 2*time.Millisecond), id: eventRising, count: 6})
	for i, active := range []bool{true, false, true} {
		e, err := motion.Next(t.Context())
		if err != nil || e.Active != active {
			t.Fatalf("edge %d is %+v, %v; want active %v", i, e, err, active)
		}
		// The conversion reads two clocks one after the other.
		if i == 0 && (e.Time.Before(before.Add(-time.Millisecond)) || e.Time.After(after.Add(50*time.Millisecond))) {
			t.Errorf("edge at %s, want between %s and %s", e.Time, before, after)
		}
	}
	if got := log.String(); !strings.Contains(got, "edges were lost") || !strings.Contains(got, "count=3") ||
		!strings.Contains(got, "pin=GPIO27") {
		t.Errorf("log %q, want three lost edges told", got)
	}
}

func TestNextEndsWithContext(t *testing.T) {
	b, k, _ := newTestBoard(t)
	motion := mustTake(t, b, drivers.LineOptions{Pin: "GPIO27"})
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if _, err := motion.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Next = %v, want the context's error", err)
		}
		if _, err := motion.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Next = %v with an ended context, want its error", err)
		}
		cancel()
	}
	k.edge(lineEvent{nanoseconds: uint64(monotonic()), id: eventRising, count: 1})
	if e, err := motion.Next(t.Context()); err != nil || !e.Active {
		t.Errorf("Next = %+v, %v; an edge after the end of a context must be heard", e, err)
	}
}

func TestCloseEndsNext(t *testing.T) {
	for name, closing := range map[string]func(*Board, drivers.Line) error{
		"line":  func(_ *Board, l drivers.Line) error { return l.Close() },
		"board": func(b *Board, _ drivers.Line) error { return b.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			b, _, _ := newTestBoard(t)
			motion := mustTake(t, b, drivers.LineOptions{Pin: "GPIO27"})
			ended := make(chan error)
			go func() {
				_, err := motion.Next(context.WithoutCancel(t.Context()))
				ended <- err
			}()
			for range 2 { // a second Close does nothing
				if err := closing(b, motion); err != nil {
					t.Fatal(err)
				}
			}
			if err := <-ended; !errors.Is(err, os.ErrClosed) {
				t.Errorf("Next = %v, want that the file is closed", err)
			}
			if err := motion.Close(); err != nil {
				t.Errorf("Close after Close: %v", err)
			}
		})
	}
}

func TestClosedBoardRefuses(t *testing.T) {
	b, _, _ := newTestBoard(t)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Line(drivers.LineOptions{Pin: "GPIO17"}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Line = %v, want closed", err)
	}
	if _, err := b.I2C("I2C1"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("I2C = %v, want closed", err)
	}
}

// Who is held up between asking the two clocks does not shift an edge by that: 1 ms is 17 cm of an echo.
func TestHeldUpBetweenTheClocks(t *testing.T) {
	start := time.Now()
	for name, heldUp := range map[string][]time.Duration{
		"not":             {},
		"before the time": {3 * time.Millisecond},
		"after the time":  {0, 3 * time.Millisecond},
		"more than once":  {time.Millisecond, time.Millisecond, 2 * time.Millisecond, time.Millisecond},
	} {
		var passed time.Duration // since start, which is 1 h of the monotonic clock
		step := func() {
			passed += time.Microsecond
			if len(heldUp) > 0 {
				passed, heldUp = passed+heldUp[0], heldUp[1:]
			}
		}
		got := timeOf(time.Hour-time.Second, func() time.Duration { defer step(); return time.Hour + passed },
			func() time.Time { defer step(); return start.Add(passed) })
		if off := got.Sub(start.Add(-time.Second)).Abs(); off > 20*time.Microsecond {
			t.Errorf("held up %s: %v off", name, off)
		}
	}
}
