package board

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
)

// ready is what the guest says when it waits for the host to move something.
const ready = "THE GUEST IS READY"

// bounces is how many edges a contact makes that closes, and bounced what the guest says after each: QEMU's model of the
// AST2600 never ends its interrupt when an edge comes before the last was served.
const (
	bounces = 5
	bounced = "THE GUEST HEARD BOUNCE %d\n"
)

// guest prepares the first process of a machine that TestRealKernel boots and
// returns a board whose header is the chip with the label.
func guest(t *testing.T, label string) *Board {
	t.Helper()
	if os.Getpid() != 1 {
		t.Skip("runs inside a machine that TestRealKernel boots")
	}
	for kind, at := range map[string]string{"proc": "/proc", "sysfs": "/sys", "devtmpfs": "/dev"} {
		if err := errors.Join(os.MkdirAll(at, 0o755), syscall.Mount(kind, at, kind, 0, "")); err != nil {
			t.Fatal(err)
		}
	}
	modules, err := filepath.Glob("/modules/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range modules {
		file, err := os.Open(module)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.FinitModule(int(file.Fd()), "", 0); err != nil {
			t.Fatalf("%s: %v", module, err)
		}
		file.Close()
	}
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	b.headers = []string{label}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// A PL061 with 8 lines; no bus.
func TestGuestPins(t *testing.T) {
	b := guest(t, "9030000.pl061")
	guestOutputs(t, b)
	guestBusy(t, b)
	guestEdges(t, b)
	if _, err := b.I2C("I2C1"); err == nil || !strings.Contains(err.Error(), "raspi-config") {
		t.Errorf("I2C1 = %v, want advice", err)
	}
}

// An AST2600 with many buses, a TMP105 at 0x48 on one, and a GPIO chip.
func TestGuestBus(t *testing.T) {
	b := guest(t, "1e780000.gpio")
	door := mustTake(t, b, drivers.LineOptions{Pin: "GPIO3", Consumer: "door"})
	paths, err := filepath.Glob("/dev/i2c-*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no buses: %v", err)
	}
	// A chip has three timers to debounce with: the fourth time is refused, and hogar debounces itself. QEMU's model of the
	// chip takes the timers and does not debounce, so that only that can be tried here.
	for i := range 3 {
		mustTake(t, b, drivers.LineOptions{Pin: fmt.Sprintf("GPIO%d", 113+i), Debounce: time.Duration(i+1) * 10 * time.Millisecond})
	}
	bell := mustTake(t, b, drivers.LineOptions{Pin: "GPIO112", Consumer: "bell", Debounce: 3 * time.Second})
	if bell.(*line).settle == 0 {
		t.Error("the chip has taken a fourth time")
	}
	var sensor i2c.Bus
	for _, path := range paths {
		bus, err := b.I2C(path)
		if err != nil {
			t.Fatal(err)
		}
		switch err := bus.Tx(0x48, []byte{0}, make([]byte, 2)); {
		case err == nil:
			sensor = bus
		case !errors.Is(err, syscall.ENXIO) && !errors.Is(err, syscall.EREMOTEIO):
			t.Errorf("absent chip: %v", err)
		}
	}
	if sensor == nil {
		t.Fatalf("none of %d buses has the sensor", len(paths))
	}
	fmt.Println(ready)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if e, err := door.Next(ctx); err != nil || !e.Active || time.Since(e.Time) > time.Second || time.Since(e.Time) < 0 {
		t.Errorf("edge %+v, %v", e, err)
	}
	if active, err := door.Get(); !active || err != nil {
		t.Errorf("Get = %v, %v after the edge", active, err)
	}
	raw := make([]byte, 2) // of 1/256 °C
	if err := sensor.Tx(0x48, []byte{0}, raw); err != nil || raw[0] != 23 || raw[1] != 0x80 {
		t.Errorf("the sensor tells % x, %v; want 17 80, which is 23.5 °C", raw, err)
	}
	if err := sensor.Tx(0x48, []byte{2, 0x12, 0x30}, nil); err != nil { // T_low
		t.Error(err)
	}
	if err := sensor.Tx(0x48, []byte{2}, raw); err != nil || raw[0] != 0x12 || raw[1] != 0x30 {
		t.Errorf("read back % x, %v; want 12 30", raw, err)
	}
	t.Logf("%d buses, the sensor is on %s", len(paths), sensor)
	guestBounces(t, bell)
}

// guestBounces hears one edge of those that the host makes, one after the other has come.
func guestBounces(t *testing.T, bell drivers.Line) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	told := make(chan struct{})
	go func() {
		defer close(told)
		for n := 1; n <= bounces && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			if interrupts(t, "bell") == n {
				fmt.Printf(bounced, n)
				n++
			}
		}
	}()
	if e, err := bell.Next(ctx); err != nil || !e.Active {
		t.Errorf("a bouncing contact tells %+v, %v", e, err)
	}
	<-told
	short, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if e, err := bell.Next(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after it has settled it tells %+v, %v", e, err)
	}
	if n := interrupts(t, "bell"); n != bounces {
		t.Errorf("the kernel has heard %d edges, the host made %d", n, bounces)
	}
}

// interrupts is how many the kernel has counted for a line, by its consumer's name.
func interrupts(t *testing.T, consumer string) int {
	table, err := os.ReadFile("/proc/interrupts")
	if err != nil {
		t.Error(err)
	}
	for entry := range strings.Lines(string(table)) {
		words := strings.Fields(entry)
		if len(words) > 2 && words[len(words)-1] == consumer {
			n, _ := strconv.Atoi(words[1]) // of the one processor
			return n
		}
	}
	return 0
}

// guestOutputs sees that an output begins as asked for and stays one when read.
func guestOutputs(t *testing.T, b *Board) {
	for _, activeLow := range []bool{false, true} {
		for _, initial := range []bool{true, false} {
			l := mustTake(t, b, drivers.LineOptions{Pin: "GPIO1", Output: true, Initial: initial, ActiveLow: activeLow})
			for _, want := range []bool{initial, !initial, initial} {
				if err := l.Set(want); err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if got, err := l.Get(); got != want || err != nil {
						t.Errorf("active-low %v: Get = %v, %v; want %v", activeLow, got, err, want)
					}
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	high := mustTake(t, b, drivers.LineOptions{Pin: "GPIO2", Output: true, Initial: true})
	if got, err := high.Get(); !got || err != nil {
		t.Errorf("Get = %v, %v before the first Set, want the initial level", got, err)
	}
}

func guestBusy(t *testing.T, b *Board) {
	mustTake(t, b, drivers.LineOptions{Pin: "GPIO0", Consumer: "hall.lamp", Output: true})
	_, err := b.Line(drivers.LineOptions{Pin: "GPIO0"})
	if !errors.Is(err, drivers.ErrBusy) || !strings.HasPrefix(err.Error(), "GPIO0 is held by hall.lamp") {
		t.Errorf("second request: %v", err)
	}
	if _, err := b.Line(drivers.LineOptions{Pin: "GPIO8"}); err == nil || !strings.Contains(err.Error(), "GPIO0 to GPIO7") {
		t.Errorf("GPIO8: %v", err)
	}
}

// guestEdges hears the pulse that the host sends on line 3.
func guestEdges(t *testing.T, b *Board) {
	l := mustTake(t, b, drivers.LineOptions{Pin: "GPIO3", Consumer: "door", Pull: drivers.PullUp, Debounce: 2 * time.Millisecond})
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.Next(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Next = %v without an edge, want the deadline", err)
	}
	long, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	fmt.Println(ready)
	var times [2]time.Time
	for i, active := range []bool{true, false} {
		e, err := l.Next(long)
		if err != nil || e.Active != active {
			t.Fatalf("edge %d is %+v, %v; want active %v", i, e, err, active)
		}
		if age := time.Since(e.Time); age < 0 || age > time.Second {
			t.Errorf("edge %d is %s old", i, age)
		}
		times[i] = e.Time
	}
	width := times[1].Sub(times[0])
	t.Logf("a pulse of %s, the second edge told after %s", width, time.Since(times[1]))
	if width < 50*time.Millisecond || width > time.Second {
		t.Errorf("the pulse was %s long, want about 100 ms", width)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := l.Next(long)
		ended <- err
	}()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("Next = %v after Close", err)
	}
}
