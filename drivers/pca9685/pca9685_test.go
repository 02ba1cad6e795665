package pca9685

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
	"hogar/gateway/home"
)

func TestContract(t *testing.T) {
	wrong := []string{"", "out0: sofa, address: 0x70", "out16: sofa", "out0: sofa, out1: sofa", "out0: Sofa", "out0: sofa, frequency: 23",
		"out0: sofa, on_exit: maybe"}
	for _, options := range []string{
		"out0: sofa, out15: window",
		"out3: sofa, address: 0x7f, frequency: 200, active_low: true, on_start: keep, on_exit: off",
		"out3: sofa, bus: I2C1, on_start: on",
	} {
		t.Run(options, func(t *testing.T) {
			drivertest.Run(t, drivertest.Case{Driver: New, Options: options, Wrong: wrong,
				Resolution: map[string]float64{"sofa": 0.1, "window": 0.1}})
		})
	}
}

// A chip of 27 MHz, as Adafruit's library assumes (issues 72 and 11 have 23 to 27), makes 50 Hz with 131 and not with 121.
func TestOscillator(t *testing.T) {
	for oscillator, want := range map[float64]byte{23e6: 111, 25e6: 121, 27e6: 131} {
		if got := divide(50, oscillator); got != want {
			t.Errorf("50 Hz of %v Hz is %d, want %d", oscillator, got, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "out0: servo, frequency: 50, oscillator: 27")
		rig.Open(t)
		bus, err := rig.Board.I2C("I2C1")
		scale := make([]byte, 1)
		if err == nil {
			err = bus.Tx(0x40, []byte{prescale}, scale)
		}
		if err != nil || scale[0] != 131 {
			t.Errorf("the prescaler is %d, %v", scale[0], err)
		}
	})
}

// The datasheet's example: 200 Hz is a prescaler of 1E (§7.3.5); and its limits.
func TestDivide(t *testing.T) {
	for hertz, want := range map[float64]byte{200: 0x1E, 24: 253, 1526: 3, 1000: 5} {
		if got := divide(hertz, 25e6); got != want {
			t.Errorf("%v Hz is %#x, want %#x", hertz, got, want)
		}
	}
}

func TestCodes(t *testing.T) {
	for percent := range 1001 {
		want := float64(percent) / 10
		b := encode(want)
		if got := decode(b[:]); math.Abs(got-want) > 0.0501 {
			t.Errorf("%v %% is % x, which is %v %%", want, b, got)
		}
	}
	// Example 1 of §7.3.3: on at 199h, off at 4CCh are 20 %.
	if got := decode([]byte{0x99, 0x01, 0xCC, 0x04}); got != 20 {
		t.Errorf("the datasheet's 20 %% are %v %%", got)
	}
	// Example 2: on at E65h, off at 4CBh (of the next period) are 40 %.
	if got := decode([]byte{0x65, 0x0E, 0xCB, 0x04}); got != 40 {
		t.Errorf("the datasheet's 40 %% are %v %%", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(byte(0), byte(0x10), byte(0), byte(0x10))
	f.Fuzz(func(t *testing.T, a, b, c, d byte) {
		if v := decode([]byte{a, b, c, d}); v < 0 || v > 100 {
			t.Errorf("%v %%", v)
		}
	})
}

// After a loss of its supply the chip is dark: that is told, and opening it again
// brings back what it was set to.
func TestLostSupply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "out7: sofa, out8: shelf")
		dev := rig.Open(t)
		if _, err := dev.(drivers.Actuator).Set(t.Context(), "shelf", home.NumberOf(25)); err != nil {
			t.Fatal(err)
		}
		_ = rig.Board.Fault(drivertest.Device, simboard.Absent)
		_, _ = dev.(drivers.Sensor).Sense(t.Context())
		_ = rig.Board.Fault(drivertest.Device, simboard.NoFault)
		if _, err := dev.(drivers.Sensor).Sense(t.Context()); err == nil || !strings.Contains(err.Error(), "restarted") {
			t.Errorf("after a loss of its supply: %v", err)
		}
		readings, err := rig.Open(t).(drivers.Sensor).Sense(t.Context())
		if err != nil || readings[0].Value != home.NumberOf(0) || readings[1].Value != home.NumberOf(25) {
			t.Errorf("opened again: %v, %v", readings, err)
		}
	})
}

// What is dimmed lights the room.
func TestDimsTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spec, _ := drivertest.Decode(New, "out0: sofa")
		rig := drivertest.NewRig(t, New, "out0: sofa")
		board, err := simboard.New(rig.World, time.Now, map[string][]drivers.Part{"cellar.lights": spec.Parts})
		if err != nil {
			t.Fatal(err)
		}
		dev, err := spec.Open(t.Context(), board)
		if err != nil {
			t.Fatal(err)
		}
		before := rig.World.Illuminance("cellar")
		if _, err := dev.(drivers.Actuator).Set(t.Context(), "sofa", home.NumberOf(50)); err != nil {
			t.Fatal(err)
		}
		if got := rig.World.Illuminance("cellar") - before; got < 80 || got > 100 {
			t.Errorf("half a lamp gives %v lx", got)
		}
	})
}
