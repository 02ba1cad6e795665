package scd4x

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
	"hogar/gateway/home"
)

// chip answers what was put down for its last command, and acknowledges all commands but those refused.
type chip struct {
	drivers.Board
	i2c.Bus
	answers map[string][]byte
	refuses func(command string) bool
	written []string
	last    string
}

func (c *chip) I2C(string) (i2c.Bus, error) { return c, nil }
func (c *chip) Tx(_ uint16, w, r []byte) error {
	if len(w) > 0 {
		command := fmt.Sprintf("%x", w)
		c.written, c.last = append(c.written, command), command[:4]
		if c.refuses != nil && c.refuses(c.last) {
			return syscall.ENXIO
		}
	}
	copy(r, c.answers[c.last])
	return nil
}

// with is a chip with a measurement.
func with(measurement ...byte) *chip {
	return &chip{answers: map[string][]byte{"e4b8": {0x80, 0x06, 0x04}, "ec05": measurement, "202f": checked(0x1408), "2322": checked(1950)}}
}

func checked(w uint16) []byte {
	b := []byte{byte(w >> 8), byte(w)}
	return append(b, drivers.CRC8(b))
}

func measured(t *testing.T, options string, c *chip) (string, error) {
	t.Helper()
	spec, faults := drivertest.Decode(New, options)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	dev, err := spec.Open(t.Context(), c)
	if err != nil {
		return "", err
	}
	readings, err := dev.(drivers.Sensor).Sense(t.Context())
	var values []string
	for _, r := range readings {
		values = append(values, r.Value.String())
	}
	return strings.Join(values, " "), err
}

func TestMeasurements(t *testing.T) {
	for name, one := range map[string]struct {
		bytes []byte
		want  string
		says  string
	}{
		"datasheet §3.5.2 (from memory)":    {[]byte{0x01, 0xF4, 0x33, 0x66, 0x67, 0xA2, 0x5E, 0xB9, 0x3C}, "500 25 37", ""},
		"a real chip: periph scd4x_test.go": {[]byte{0x02, 0x2C, 0xA3, 0x67, 0x0D, 0x36, 0x4D, 0x08, 0xF1}, "556 25.45 30.09", ""},
		// Sensirion/arduino-i2c-scd4x #28, #47, #52; sparkfun SCD4x #2.
		"no CO2":               {[]byte{0x00, 0x00, 0x81, 0x66, 0x67, 0xA2, 0x5E, 0xB9, 0x3C}, "", "no CO2 at all"},
		"zeros":                {make([]byte, 9), "", "wrong checksum 0x00"},
		"zeros with checksums": {slices.Concat(checked(0), checked(0), checked(0)), "", "no CO2"},
		"ones":                 {[]byte{255, 255, 255, 255, 255, 255, 255, 255, 255}, "", "wrong checksum 0xff"},
		"ones with checksums":  {slices.Concat(checked(0xFFFF), checked(0xFFFF), checked(0xFFFF)), "", "co2 of 65535"},
		"no temperature":       {slices.Concat(checked(500), checked(0), checked(0x5EB9)), "", "temperature of -45"},
	} {
		synctest.Test(t, func(t *testing.T) {
			got, err := measured(t, "", with(one.bytes...))
			if got != one.want || (err == nil) != (one.says == "") || err != nil && !strings.Contains(err.Error(), one.says) {
				t.Errorf("%s: %q, %v, want %q, %q", name, got, err, one.want, one.says)
			}
		})
	}
}

// What is written for the options: 2427 07 9e of the datasheet's 1,950 m (periph scd4x_test.go), the
// others by the formulas of §3.7 and of ESPHome's scd4x.cpp.
func TestOptions(t *testing.T) {
	offset := func(raw uint16) string { return fmt.Sprintf("241d%x", checked(raw)) }
	for options, want := range map[string][]string{
		"":                                       {"2427000081", "21b1"},
		"altitude: 1950":                         {"2427079e09", "21b1"},
		"pressure: 987":                          {fmt.Sprintf("e000%x", checked(987)), "21b1"},
		"self_calibration: false":                {"2427000081", "2416000081", "21b1"},
		"self_calibration: true":                 {"2427000081", "24160001b0", "21b1"},
		"temperature_offset: 0":                  {"2427000081", offset(0), "21b1"},
		"temperature_offset: 5.4":                {"2427000081", offset(2022), "21b1"},
		"single_shot: true":                      {"2427000081", "202f", "219d", "2427000081", "219d"},
		"single_shot: true, altitude: 1950":      {"2427079e09", "202f", "219d", "2427079e09", "219d"},
		"forced_calibration: true, altitude: 10": {fmt.Sprintf("2427%x", checked(10)), "21b1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := with(0x01, 0xF4, 0x33, 0x66, 0x67, 0xA2, 0x5E, 0xB9, 0x3C)
			if got, err := measured(t, options, c); got != "500 25 37" || err != nil {
				t.Errorf("%q: %v, %v", options, got, err)
			}
			want := slices.Concat([]string{"36f6", "3f86"}, want, []string{"e4b8", "ec05"})
			if options == "single_shot: true, altitude: 1950" { // in the end whether it still has that: 2322 of §3.7.3
				want = append(want, "2322")
			}
			if diff := cmp.Diff(want, c.written); diff != "" {
				t.Errorf("%q: %s", options, diff)
			}
		})
	}
}

// An SCD41 that sleeps acknowledges nothing, nor its wake-up: Sensirion's exampleUsage.ino.
func TestAsleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, awake := with(0x01, 0xF4, 0x33, 0x66, 0x67, 0xA2, 0x5E, 0xB9, 0x3C), false
		c.refuses = func(command string) bool {
			woken := command == "36f6"
			awake = awake || woken
			return woken || !awake
		}
		if got, err := measured(t, "", c); got != "500 25 37" || err != nil {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// An SCD40 says 0440 and an SCD41 1408: ESPHome scd4x.cpp.
func TestSingleShot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := with()
		c.answers["202f"] = checked(0x0440)
		if _, err := measured(t, "single_shot: true", c); err == nil || !strings.Contains(err.Error(), "SCD40") {
			t.Error(err)
		}
		rig := drivertest.NewRig(t, New, "single_shot: true")
		if rig.Spec.Every != 5*time.Minute {
			t.Errorf("it is read every %v", rig.Spec.Every)
		}
		dev := rig.Open(t).(drivers.Sensor)
		for _, ppm := range []float64{700, 1200} {
			rig.World.Hold("kitchen", "co2", ppm)
			time.Sleep(time.Hour)
			readings, err := dev.Sense(t.Context())
			if err != nil || readings[0].Value.Number() != ppm {
				t.Errorf("%v, %v, want %v", readings, err, ppm)
			}
		}
	})
}

// A forced calibration is a command: what the chip measures is what was said, once it has
// measured for three minutes, and it goes on measuring.
func TestForcedCalibration(t *testing.T) {
	for _, options := range []string{"forced_calibration: true", "forced_calibration: true, single_shot: true"} {
		synctest.Test(t, func(t *testing.T) {
			rig := drivertest.NewRig(t, New, options)
			p := rig.Spec.Properties[3]
			if p.Name != "calibrate" || !p.Settable || !p.Momentary {
				t.Fatalf("%+v", p)
			}
			rig.World.Hold("kitchen", "co2", 650)
			dev := rig.Open(t).(drivers.Actuator)
			if _, err := dev.Set(t.Context(), "calibrate", home.NumberOf(420)); err == nil || !strings.Contains(err.Error(), "three minutes") {
				t.Errorf("at once: %v", err)
			}
			_ = dev.Close()
			dev = rig.Open(t).(drivers.Actuator)
			time.Sleep(4 * time.Minute)
			if readings, err := dev.Set(t.Context(), "calibrate", home.NumberOf(420)); err != nil || len(readings) > 0 {
				t.Errorf("%v, %v", readings, err)
			}
			readings, err := dev.(drivers.Sensor).Sense(t.Context())
			if err != nil || readings[0].Value.Number() != 420 {
				t.Errorf("%v, %v", readings, err)
			}
		})
	}
}

// The temperature is the lower, the larger the offset is.
func TestOffset(t *testing.T) {
	for options, want := range map[string]float64{"": 20, "temperature_offset: 6": 18, "temperature_offset: 0": 24} {
		synctest.Test(t, func(t *testing.T) {
			rig := drivertest.NewRig(t, New, options)
			rig.World.Hold("kitchen", "temperature", 20)
			readings, err := rig.Open(t).(drivers.Sensor).Sense(t.Context())
			if got := readings[1].Value.Number(); err != nil || got < want-0.01 || got > want+0.01 {
				t.Errorf("%q: %v, %v, want %v", options, readings, err, want)
			}
		})
	}
}

// Another program's sleep and its slow measurements while the device is open: named, and mended by opening.
func TestOtherPrograms(t *testing.T) {
	for fault, says := range map[simboard.Fault]string{simboard.Asleep: "no chip answers", simboard.Periodic: "does not measure"} {
		synctest.Test(t, func(t *testing.T) {
			rig := drivertest.NewRig(t, New, "")
			dev := rig.Open(t).(drivers.Sensor)
			if err := rig.Board.Fault(drivertest.Device, fault); err != nil {
				t.Fatal(err)
			}
			if got, err := dev.Sense(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, %v", fault, got, err)
			}
			_ = dev.Close()
			if _, err := rig.Open(t).(drivers.Sensor).Sense(t.Context()); err != nil {
				t.Errorf("%s: %v", fault, err)
			}
		})
	}
}

func TestContractWithOptions(t *testing.T) {
	for _, options := range []string{"forced_calibration: true, self_calibration: false", "single_shot: true, pressure: 900, temperature_offset: 2.5"} {
		drivertest.Run(t, drivertest.Case{
			Driver:  New,
			Options: options,
			Wrong: []string{"pressure: 699", "pressure: 1201", "altitude: 0, pressure: 900", "temperature_offset: 21",
				"temperature_offset: -1", "self_calibration: maybe", "single_shot: often", "forced_calibration: 420"},
			Resolution: map[string]float64{"co2": 1, "temperature": 0.01, "humidity": 0.01},
		})
	}
}
