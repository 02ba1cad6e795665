package veml7700

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Wrong:      []string{"address: 0x48", "bus: 1", "gain: 2"},
		Resolution: map[string]float64{"illuminance": 0.01},
	})
}

// chip gives one count after the other, the last for ever, and notes the configurations that are written without the
// shutdown. Its registers have the lower byte first (Zephyr's veml7700.c: sys_get_le16; Linux: REGMAP_ENDIAN_LITTLE).
type chip struct {
	drivers.Board
	i2c.Bus
	counts   []uint16
	reg      [7][2]byte
	settings []string
}

func (c *chip) I2C(string) (i2c.Bus, error) { return c, nil }
func (c *chip) Tx(_ uint16, w, r []byte) error {
	if len(w) == 3 {
		c.reg[w[0]] = [2]byte{w[1], w[2]}
		if w[0] == 0 && w[1]&1 == 0 {
			c.settings = append(c.settings, fmt.Sprintf("% x", w[1:]))
		}
		return nil
	}
	copy(r, c.reg[w[0]][:])
	if w[0] == 4 {
		r[0], r[1] = byte(c.counts[0]), byte(c.counts[0]>>8)
		if len(c.counts) > 1 {
			c.counts = c.counts[1:]
		}
	}
	return nil
}

func measured(t *testing.T, board drivers.Board) (float64, error) {
	t.Helper()
	spec, _ := drivertest.Decode(New, "")
	dev, err := spec.Open(t.Context(), board)
	if err != nil {
		t.Fatal(err)
	}
	readings, err := dev.(drivers.Sensor).Sense(t.Context())
	if err != nil {
		return 0, err
	}
	return readings[0].Value.Number(), nil
}

// The bits of gain and time are those of Linux' veml6030.c (1/8 is 0x1000, 2 is 0x800; 25 ms 0x300, 800 ms 0xC0), its resolution
// of 0.5376 lx at 1/8 and 100 ms, too; the formula is that of Adafruit_VEML7700::computeLux and ESPHome's veml7700.cpp, worked out by
// another program.
func TestRangesThatSuitTheLight(t *testing.T) {
	const bright, usual, dim, dark = "00 13", "00 10", "00 08", "c0 08"
	for name, one := range map[string]struct {
		counts   []uint16
		want     float64
		err      error
		settings []string
	}{
		"a room":                       {[]uint16{1000}, 561, nil, []string{usual}},
		"the brightest of it":          {[]uint16{10000}, 6786.4, nil, []string{usual}},
		"the darkest of it":            {[]uint16{101}, 54.7, nil, []string{usual}},
		"the lower byte first":         {[]uint16{0x0103}, 141.1, nil, []string{usual}},
		"the sun":                      {[]uint16{40000, 10000}, 94427, nil, []string{usual, bright}},
		"saturated before":             {[]uint16{0xFFFF, 5000}, 16559, nil, []string{usual, bright}},
		"more than it can measure":     {[]uint16{0xFFFF, 11170}, 0, errSaturated, []string{usual, bright}},
		"saturated":                    {[]uint16{0xFFFF}, 0, errSaturated, []string{usual, bright}},
		"a lamp":                       {[]uint16{100, 1500}, 50.4, nil, []string{usual, dim}},
		"moonlight":                    {[]uint16{0, 6, 50}, 0.21, nil, []string{usual, dim, dark}},
		"dark":                         {[]uint16{0}, 0, nil, []string{usual, dim, dark}},
		"the light is switched on":     {[]uint16{0, 0xFFFF, 1000}, 561, nil, []string{usual, dim, usual}},
		"and comes late":               {[]uint16{0, 0, 0xFFFF, 0xFFFF, 20000, 5000}, 16559, nil, []string{usual, dim, dark, dim, usual, bright}},
		"it is switched on and off":    {[]uint16{0, 0xFFFF, 3}, 1.6, nil, []string{usual, dim, usual}},
		"it is switched off meanwhile": {[]uint16{40000, 0}, 0, nil, []string{usual, bright}},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &chip{counts: one.counts}
			got, err := measured(t, c)
			if got != one.want || !errors.Is(err, one.err) || (err == nil) != (one.err == nil) {
				t.Errorf("%s: %v, %v, want %v, %v", name, got, err, one.want, one.err)
			}
			if diff := cmp.Diff(one.settings, c.settings); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		})
	}
}

// From the dark to the sun; what is asked for is a hundredth, and 0.01 lx.
func TestReadsBackTheWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "")
		dev := rig.Open(t).(drivers.Sensor)
		for _, lx := range []float64{0, 0.05, 1, 3.3, 3.5, 20, 53, 55, 432, 1000, 6700, 6900, 20_000, 99_999, 139_900} {
			rig.World.Hold("kitchen", "illuminance", lx)
			readings, err := dev.Sense(t.Context())
			if err != nil || len(readings) != 1 || abs(readings[0].Value.Number()-lx) > lx/100+0.01 {
				t.Errorf("at %v lx: %v, %v", lx, readings, err)
			}
		}
		rig.World.Hold("kitchen", "illuminance", 141_000)
		if readings, err := dev.Sense(t.Context()); !errors.Is(err, errSaturated) {
			t.Errorf("at 141,000 lx: %v, %v", readings, err)
		}
	})
}

func abs(f float64) float64 { return max(f, -f) }

// Another program uses the chip, or its supply dips: what it measures then is never a value, and the
// next measurement is right.
func TestOtherPrograms(t *testing.T) {
	for _, at := range []time.Duration{0, 50 * time.Millisecond, 204 * time.Millisecond, time.Second} {
		for _, fault := range []simboard.Fault{simboard.Periodic, simboard.Asleep, simboard.BrownOut} {
			for _, light := range []float64{2, 20, 3000, 50_000} {
				synctest.Test(t, func(t *testing.T) {
					rig := drivertest.NewRig(t, New, "")
					dev := rig.Open(t).(drivers.Sensor)
					rig.World.Hold("kitchen", "illuminance", 500)
					if _, err := dev.Sense(t.Context()); err != nil {
						t.Fatal(err)
					}
					rig.World.Hold("kitchen", "illuminance", light)
					go func() {
						time.Sleep(at)
						_ = rig.Board.Fault(drivertest.Device, fault)
					}()
					readings, err := dev.Sense(t.Context())
					if err == nil && abs(readings[0].Value.Number()-light) > light/100+0.01 {
						t.Errorf("%s after %v: it reads %v at %v lx", fault, at, readings[0].Value, light)
					}
					synctest.Wait()
					time.Sleep(time.Second)
					readings, err = dev.Sense(t.Context())
					if err != nil || abs(readings[0].Value.Number()-light) > light/100+0.01 {
						t.Errorf("%s after %v: then it reads %v at %v lx, %v", fault, at, readings, light, err)
					}
				})
			}
		}
	}
}

// stubborn is a chip whose configuration, or power saving, cannot be written.
type stubborn struct {
	*chip
	register byte
}

func (c stubborn) I2C(string) (i2c.Bus, error) { return c, nil }
func (c stubborn) Tx(a uint16, w, r []byte) error {
	if len(w) == 3 && w[0] == c.register {
		return nil
	}
	return c.chip.Tx(a, w, r)
}

// A chip that does not keep what is written is another one.
func TestOtherChips(t *testing.T) {
	for register, holds := range map[byte][2]byte{configuration: {}, saving: {1, 0}} {
		synctest.Test(t, func(t *testing.T) {
			c := &chip{counts: []uint16{1000}}
			c.reg[register] = holds
			if got, err := measured(t, stubborn{c, register}); err == nil || !strings.Contains(err.Error(), "no VEML7700") {
				t.Errorf("register %d: %v, %v", register, got, err)
			}
		})
	}
}

func FuzzIlluminance(f *testing.F) {
	f.Add(uint16(0))
	f.Add(uint16(0xFFFF))
	f.Fuzz(func(t *testing.T, counts uint16) {
		for i, r := range ranges() {
			lux := r.illuminance(counts)
			if lux < 0 || counts > 0 && lux < r.illuminance(counts-1) {
				t.Errorf("in range %d %d are %v lx, and one less %v", i, counts, lux, r.illuminance(counts-1))
			}
		}
	})
}
