package simboard

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/simboard/world"
)

// faulty is a board with one of each: a chip, another on its bus, one on another bus, a
// 1-wire sensor, a relay, a contact.
func faulty(t *testing.T) (*Board, *world.World) {
	t.Helper()
	w := world.New(world.Options{})
	b, err := New(w, time.Now, map[string][]drivers.Part{
		"hall.air":    {{Chip: "sht4x", Bus: "I2C1", Address: 0x44}},
		"hall.light":  {{Chip: "bh1750", Bus: "I2C1", Address: 0x23}},
		"attic.air":   {{Chip: "bme280", Bus: "I2C3", Address: 0x76}},
		"boiler.flow": {{Chip: "ds18b20", Kernel: "w1/28-000000000001"}},
		"hall.heater": {{Chip: "relay", Pin: "GPIO17"}},
		"hall.door":   {{Chip: "contact", Pin: "GPIO27"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b, w
}

func breaks(t *testing.T, b *Board, name string, f Fault) {
	t.Helper()
	if err := b.Fault(name, f); err != nil {
		t.Fatal(err)
	}
}

// measured is what a DS18B20 shows, in °C.
func measured(t *testing.T, b *Board) float64 {
	t.Helper()
	milli, err := drivers.ReadNumber(b.Files(), "sys/bus/w1/devices/28-000000000001/temperature")
	if err != nil {
		t.Fatal(err)
	}
	return milli / 1000
}

func TestMeasurementsThatLie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, w := faulty(t)
		w.Hold("boiler", "temperature", 50)
		breaks(t, b, "boiler.flow", Noisy)
		sum, most := 0.0, 0.0
		for range 200 {
			off := measured(t, b) - 50
			sum, most = sum+off, max(most, math.Abs(off))
		}
		if math.Abs(sum/200) > 1 || most < 3 || most > 15 {
			t.Errorf("noise: mean %.2f, largest %.2f °C off", sum/200, most)
		}
		breaks(t, b, "boiler.flow", Drifting)
		if first := measured(t, b); first != 50 {
			t.Errorf("drift begins with %v °C", first)
		}
		time.Sleep(2 * time.Hour)
		if later := measured(t, b); math.Abs(later-56) > 0.1 {
			t.Errorf("after two hours it shows %v °C, want 56", later)
		}
		breaks(t, b, "boiler.flow", Frozen)
		_ = measured(t, b)
		w.Hold("boiler", "temperature", 70)
		if got := measured(t, b); got != 50 {
			t.Errorf("frozen, it shows %v °C", got)
		}
		breaks(t, b, "boiler.flow", PowerOn)
		if got := measured(t, b); got != 85 {
			t.Errorf("with its power-on value it shows %v °C", got)
		}
		breaks(t, b, "boiler.flow", NoFault)
		if got := measured(t, b); got != 70 {
			t.Errorf("mended, it shows %v °C", got)
		}
		slave := "sys/bus/w1/devices/28-000000000001/w1_slave"
		breaks(t, b, "boiler.flow", Checksum)
		if text, err := b.Files().ReadFile(slave); err != nil || len(text) != 0 {
			t.Errorf("with a wrong checksum the kernel says %q, %v", text, err)
		}
		// From real sensors and w1_therm.c: what a bus at ground reads as, and what is held before a measurement.
		for f, want := range map[Fault]string{
			Zeros:   "00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n",
			PowerOn: "50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n",
		} {
			breaks(t, b, "boiler.flow", f)
			if text, err := b.Files().ReadFile(slave); string(text) != want || err != nil {
				t.Errorf("%s: the kernel says %q, %v", f, text, err)
			}
		}
	})
}

// Table 1 of the DS18B20's datasheet, as the kernel tells it: thousandths, cut.
func TestThermometer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, w := faulty(t)
		for celsius, want := range map[float64]float64{125: 125, 85: 85, 25.0625: 25.062, 10.125: 10.125, 0.5: 0.5, 0: 0,
			-0.5: -0.5, -10.125: -10.125, -25.0625: -25.062, -55: -55, 20.03: 20, 20.04: 20.062} {
			w.Hold("boiler", "temperature", celsius)
			if got := measured(t, b); got != want {
				t.Errorf("%v °C shows as %v, want %v", celsius, got, want)
			}
		}
	})
}

func TestUnpluggedBus(t *testing.T) {
	b, _ := faulty(t)
	answers := func(bus string, address uint16) bool { return b.Probe(bus, address) == nil }
	for _, name := range []string{"hall.light", "I2C1"} {
		breaks(t, b, name, Unplugged)
		if answers("I2C1", 0x44) || answers("I2C1", 0x23) || !answers("I2C3", 0x76) {
			t.Errorf("with %s unplugged, the chips of I2C1 answer or those of I2C3 do not", name)
		}
		if diff := cmp.Diff(map[string]Fault{"I2C1": Unplugged}, b.Broken()); diff != "" {
			t.Error(diff)
		}
		breaks(t, b, name, NoFault)
		if !answers("I2C1", 0x44) || len(b.Broken()) != 0 {
			t.Error("it is not mended")
		}
	}
}

func TestBrownOutLosesSettings(t *testing.T) {
	b, _ := faulty(t)
	bus, err := b.I2C("I2C3")
	if err != nil {
		t.Fatal(err)
	}
	read := []byte{0}
	for want, do := range map[byte]func(){
		5: func() {},
		0: func() { breaks(t, b, "attic.air", BrownOut) },
	} {
		if err := bus.Tx(0x76, []byte{bmeCtrlHum, 5}, nil); err != nil {
			t.Fatal(err)
		}
		do()
		if err := bus.Tx(0x76, []byte{bmeCtrlHum}, read); err != nil || read[0] != want {
			t.Errorf("ctrl_hum is %d, %v; want %d", read[0], err, want)
		}
	}
	if len(b.Broken()) != 0 {
		t.Error("a brown-out lasts")
	}
}

func TestWeldedRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, w := faulty(t)
		l, err := b.Line(drivers.LineOptions{Pin: "GPIO17", Output: true})
		if err != nil {
			t.Fatal(err)
		}
		warms := func() bool { // in ten minutes
			before := w.Temperature("hall")
			time.Sleep(10 * time.Minute)
			w.Advance(time.Now())
			return w.Temperature("hall") > before+0.5
		}
		if warms() {
			t.Error("it warms while it is off")
		}
		breaks(t, b, "hall.heater", Welded)
		if err := l.Set(true); err != nil || !warms() {
			t.Error("welded, it does not warm when it is on", err)
		}
		if err := l.Set(false); err != nil || !warms() {
			t.Error("welded, it does not warm when it is off", err)
		}
		if on, err := l.Get(); on || err != nil {
			t.Errorf("its pin shows %v, %v", on, err)
		}
		breaks(t, b, "hall.heater", NoFault)
		if warms() {
			t.Error("mended, it warms while it is off")
		}
	})
}

func TestBouncingContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := faulty(t)
		breaks(t, b, "hall.door", Bouncing)
		for debounce, want := range map[time.Duration]int{0: 2 * (1 + bounces), 30 * time.Millisecond: 2} {
			l, err := b.Line(drivers.LineOptions{Pin: "GPIO27", Pull: drivers.PullDown, Debounce: debounce})
			if err != nil {
				t.Fatal(err)
			}
			for _, act := range []func(string) error{b.Press, b.Release} {
				if err := act("GPIO27"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
			}
			edges := 0
			for {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err := l.Next(ctx)
				cancel()
				if err != nil {
					break
				}
				edges++
			}
			if edges != want {
				t.Errorf("with a debouncing of %v there are %d edges, want %d", debounce, edges, want)
			}
			_ = l.Close()
		}
	})
}

func TestFaultsThatCannotBe(t *testing.T) {
	b, _ := faulty(t)
	for says, one := range map[string]struct {
		name string
		f    Fault
	}{
		"hall.light is a bh1750, which cannot be crc: it can be absent, nak, ": {"hall.light", Checksum},
		"hall.heater is a relay, which cannot be noisy":                        {"hall.heater", Noisy},
		"hall.air is a sht4x, which cannot be welded":                          {"hall.air", Welded},
		"I2C1 is a bus, which cannot be frozen":                                {"I2C1", Frozen},
		"no device hall.lamp":                                                  {"hall.lamp", Absent},
		"no device hall.lihgt (did you mean hall.light?)":                      {"hall.lihgt", Absent},
		`no fault "broken"`:                                                    {"hall.air", "broken"},
	} {
		if err := b.Fault(one.name, one.f); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	for name, want := range map[string]Fault{"none": NoFault, "brown_out": BrownOut, "nak": BusError} {
		if got, err := ParseFault(name); got != want || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if _, err := ParseFault("weldet"); err == nil || !strings.Contains(err.Error(), "did you mean welded?") {
		t.Error(err)
	}
}

// The same seed breaks the same devices at the same times, all of them some time; each is
// mended.
func TestRandomFaults(t *testing.T) {
	run := func(seed int64, kinds ...Fault) (told []string) {
		synctest.Test(t, func(t *testing.T) {
			b, _ := faulty(t)
			ctx, cancel := context.WithCancel(t.Context())
			begin := time.Now()
			b.Wear(Random{Every: 15 * time.Second, Lasts: 20 * time.Second, Seed: seed, Kinds: kinds, Told: func(device string, f Fault) {
				told = append(told, fmt.Sprintf("%v %s %s", time.Since(begin).Round(time.Second), device, f))
			}})
			done := make(chan error, 1)
			go func() { done <- b.Run(ctx) }()
			time.Sleep(40 * time.Minute)
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return told
	}
	first := run(1)
	if diff := cmp.Diff(first, run(1)); diff != "" {
		t.Errorf("the same seed breaks otherwise:\n%s", diff)
	}
	if cmp.Equal(first, run(2)) {
		t.Error("another seed breaks the same")
	}
	all := strings.Join(first, "\n")
	for _, device := range []string{"hall.air", "hall.light", "attic.air", "boiler.flow", "hall.heater", "hall.door"} {
		if !strings.Contains(all, device) {
			t.Errorf("%s never breaks", device)
		}
	}
	if len(first) < 250 {
		t.Errorf("in forty minutes there were only %d faults and mendings", len(first))
	}
	for _, one := range run(1, Absent, Welded) {
		if !strings.HasSuffix(one, "absent") && !strings.HasSuffix(one, "welded") && !strings.HasSuffix(one, " ") {
			t.Errorf("of other kinds: %s", one)
		}
	}
}
