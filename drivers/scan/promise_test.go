package scan_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/drivers/bh1750"
	"hogar/drivers/bme280"
	"hogar/drivers/drivertest"
	"hogar/drivers/scan"
	"hogar/drivers/scd4x"
	"hogar/drivers/sht3x"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/drivers/tmp102"
)

// TestNothingIsWritten: a scan that does not ask transfers nothing but a read at 0x38; one that
// asks transfers to each chip only what is harmless to it.
func TestNothingIsWritten(t *testing.T) {
	for name, scans := range map[string]func(context.Context, scan.Board, map[string][]drivers.Part) (scan.Report, error){"look": scan.Look, "probe": scan.Probe} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parts := crowd()
				chips := make(map[string]string)
				for _, p := range parts {
					chips[fmt.Sprint(p[0].Bus, p[0].Address)] = p[0].Chip
				}
				asked := make(map[string]bool) // what is said to be written, by address
				for _, q := range scan.Asked() {
					for w := range strings.SplitSeq(q.Writes, " or ") {
						for a := q.First; a <= q.Last; a++ {
							asked[fmt.Sprint(a, w)] = true
						}
					}
				}
				b := watched{newBoard(t, parts), func(bus string, address uint16, w []byte) {
					chip := chips[fmt.Sprint(bus, address)]
					if len(w) > 0 && !asked[fmt.Sprint(address, fmt.Sprintf("% X", w))] {
						t.Errorf("W[% X] to %#x is not among what is said to be written", w, address)
					}
					if !harmless(chip, w) || name == "look" && (len(w) > 0 || address != 0x38) {
						t.Errorf("%s: W[% X] to the %s at %#x on %s", name, w, chip, address, bus)
					}
				}}
				report, err := scans(t.Context(), b, nil)
				if err != nil || len(onBus(t, report)) != len(parts) {
					t.Errorf("%d of %d chips, %v", len(onBus(t, report)), len(parts), err)
				}
			})
		})
	}
}

// TestChipsAreNamed: what answers to a question, and what does not.
func TestChipsAreNamed(t *testing.T) {
	for _, one := range []struct {
		chip    string
		address uint16
		want    string
	}{
		{"ina3221", 0x40, "ina3221"}, // FE is 5449 and FF is 3220: Adafruit_INA3221
		{"ina260", 0x45, "ina260"},   // 2270: tinygo's registers.go
		{"bmp388", 0x77, "bmp388"},   // 00 is 50: ESPHome's bmp3xx_base.h
		{"bmp390", 0x76, "bmp390"},
		{"tca9548a", 0x70, "tca9548a or pca9685"},
		{"tca9548a", 0x76, "ms5611 or tca9548a"},
		{"ms5611", 0x77, "ms5611 or tca9548a"},
		{"htu21d", 0x40, "ina219 or ina226 or htu21d or pca9685"},
		{"pcf8591", 0x48, "ads1115 or tmp102 or lm75 or ina219 or pcf8591"},
		{"pca9633", 0x62, "scd4x"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBoard(t, map[string][]drivers.Part{"hall.a": {{Chip: one.chip, Bus: "I2C1", Address: one.address}}})
			if got := onBus(t, probe(t, b, nil)); len(got) != 1 || got[0].Chip != one.want {
				t.Errorf("the %s at %#x is found as %+v", one.chip, one.address, got)
			}
		})
	}
}

// TestModesOfAConverter: a PCF8591 keeps its mode in each of its modes, also where two inputs come in turn.
func TestModesOfAConverter(t *testing.T) {
	for mode := range 0x80 {
		synctest.Test(t, func(t *testing.T) {
			b := newBoard(t, map[string][]drivers.Part{"hall.a": {{Chip: "pcf8591", Bus: "I2C1", Address: 0x48}}})
			bus, err := b.I2C("I2C1")
			if err != nil {
				t.Fatal(err)
			}
			if err := bus.Tx(0x48, []byte{byte(mode), 200}, nil); err != nil {
				t.Fatal(err)
			}
			want, _, _ := strings.Cut(b.Chip("hall.a"), "channel")
			probe(t, b, nil)
			if got, _, _ := strings.Cut(b.Chip("hall.a"), "channel"); got != want {
				t.Errorf("mode %#02x: %s after the scan, %s before", mode, got, want)
			}
		})
	}
}

// TestMultiplexer: with whatever channels are on, at each of its addresses.
func TestMultiplexer(t *testing.T) {
	for address := uint16(0x70); address <= 0x77; address++ {
		synctest.Test(t, func(t *testing.T) {
			b := newBoard(t, map[string][]drivers.Part{"hall.mux": {{Chip: "tca9548a", Bus: "I2C1", Address: address}}})
			bus, err := b.I2C("I2C1")
			if err != nil {
				t.Fatal(err)
			}
			for mask := range 256 {
				if err := bus.Tx(address, []byte{byte(mask)}, nil); err != nil {
					t.Fatal(err)
				}
				probe(t, b, nil)
				got := make([]byte, 1)
				if err := bus.Tx(address, nil, got); err != nil || got[0] != byte(mask) {
					t.Fatalf("at %#x the channels are %#02x after the scan, %#02x before, %v", address, got[0], mask, err)
				}
			}
		})
	}
}

// TestLightUnderWay is hardware.md's vector of E2: 500 lx were measured, then 20 lx are, and a scan comes 50 ms after the begin.
func TestLightUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, bh1750.New, "address: 0x5c")
		dev := rig.Open(t).(drivers.Sensor)
		rig.World.Hold("kitchen", "illuminance", 500)
		if readings, err := dev.Sense(t.Context()); err != nil || readings[0].Value.Number() < 499 {
			t.Fatalf("%v, %v", readings, err)
		}
		rig.World.Hold("kitchen", "illuminance", 20)
		scanned := make(chan struct{})
		go func() {
			defer close(scanned)
			time.Sleep(50 * time.Millisecond)
			look(t, rig.Board, nil)
			probe(t, rig.Board, nil)
		}()
		readings, err := dev.Sense(t.Context())
		if err != nil || readings[0].Value.Number() < 19 || readings[0].Value.Number() > 21 {
			t.Errorf("%v, %v, want 20 lx", readings, err)
		}
		<-scanned
	})
}

// scansInARow is how often the board is looked at while a gateway measures.
const scansInARow = 1000

// TestScannedWhileMeasured: a thousand scans of a crowded board, each at another moment of what a gateway measures, which is
// always what there is; and chips that the gateway does not have hold what they held.
func TestScannedWhileMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parts, devices := crowd(), make(map[string]drivers.Spec)
		for name, one := range map[string]struct {
			driver  drivers.Driver
			options string
		}{
			"room.light": {bh1750.New, "bus: I2C8, address: 0x5c"}, "room.climate": {bme280.New, "bus: I2C8, address: 0x76"},
			"room.probe": {tmp102.New, "bus: I2C8, address: 0x48"}, "room.damp": {sht3x.New, "bus: I2C8, address: 0x44"}, "room.air": {scd4x.New, "bus: I2C8"},
		} {
			spec, faults := drivertest.Decode(one.driver, one.options)
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			devices[name], parts[name] = spec, spec.Parts
		}
		known := make(map[string][]drivers.Part)
		for name, spec := range devices {
			known[name] = spec.Parts
		}
		w := world.New(world.Options{})
		b, err := simboard.New(w, time.Now, parts)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		right := map[string]float64{"temperature": 20, "humidity": 50, "pressure": 1000, "illuminance": 500, "co2": 700}
		for quantity, value := range right {
			w.Hold("room", quantity, value)
			w.Hold("hall", quantity, value)
		}
		held := make(map[string]string)
		for name, part := range crowd() {
			held[name] = holds(t, b, name, part[0])
		}
		ctx, cancel := context.WithCancel(t.Context())
		var measuring sync.WaitGroup
		for name, spec := range devices {
			measuring.Go(func() { measure(ctx, t, b, name, spec, right) })
		}
		for n := range scansInARow {
			time.Sleep(time.Duration(n*7919%331) * time.Millisecond)
			look(t, b, nil) // also where the configuration is not known
			probe(t, b, known)
		}
		cancel()
		measuring.Wait()
		for name, want := range held {
			if got := holds(t, b, name, crowd()[name][0]); got != want {
				t.Errorf("%s holds %s after the scans, %s before", name, got, want)
			}
		}
	})
}

// measure measures over and over, as a gateway does.
func measure(ctx context.Context, t *testing.T, b *simboard.Board, name string, spec drivers.Spec, right map[string]float64) {
	dev, err := spec.Open(ctx, b)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	defer dev.Close()
	for n := 0; ctx.Err() == nil; n++ {
		readings, err := dev.(drivers.Sensor).Sense(ctx)
		if err != nil && ctx.Err() == nil {
			t.Errorf("%s, measurement %d: %v", name, n, err)
			return
		}
		for _, r := range readings {
			if off := r.Value.Number() - right[r.Property]; off > 1 || off < -1 {
				t.Errorf("%s, measurement %d: %s is %v", name, n, r.Property, r.Value)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}
