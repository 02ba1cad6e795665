package bh1750

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
)

// chip gives one answer after the other, the last for ever, and notes the opcodes.
type chip struct {
	drivers.Board
	i2c.Bus
	answers []uint16
	opcodes []string
}

func (c *chip) I2C(string) (i2c.Bus, error) { return c, nil }
func (c *chip) Tx(_ uint16, w, r []byte) error {
	if len(w) > 0 {
		c.opcodes = append(c.opcodes, fmt.Sprintf("%02x", w))
	}
	if len(r) == 2 {
		r[0], r[1] = byte(c.answers[0]>>8), byte(c.answers[0])
		if len(c.answers) > 1 {
			c.answers = c.answers[1:]
		}
	}
	return nil
}

func measured(t *testing.T, options string, c *chip) (float64, error) {
	t.Helper()
	spec, faults := drivertest.Decode(New, options)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	dev, err := spec.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	readings, err := dev.(drivers.Sensor).Sense(t.Context())
	if err != nil {
		return 0, err
	}
	return readings[0].Value.Number(), nil
}

// The opcodes of the measurement times are those of ESPHome's bh1750.cpp: 42 65 is 69, 40 7f is
// 31, 47 7e is 254.
func TestTimesThatSuitTheLight(t *testing.T) {
	times := map[int][]string{normal: {"42", "65"}, shortest: {"40", "7f"}, slowest: {"47", "7e"}, 138: {"44", "6a"}}
	once := func(time int, opcode string) []string {
		return slices.Concat([]string{"01", "07"}, times[time], []string{opcode})
	}
	for name, one := range map[string]struct {
		options string
		answers []uint16
		want    float64
		err     error
		opcodes []string
	}{
		"the technical note's example": {"", []uint16{0x8390}, 28067, nil, once(normal, "20")},
		// Tasmota #8016, esphome/feature-requests #148: it stops at 54,612 lx.
		"saturated": {"", []uint16{0xFFFF, 0x8390}, 62471, nil, slices.Concat(once(normal, "20"), once(shortest, "20"))},
		"saturated in the shortest time, or SDA stuck high": {"", []uint16{0xFFFF}, 0, errSaturated,
			slices.Concat(once(normal, "20"), once(shortest, "20"))},
		"below 100 lx":     {"", []uint16{12, 25}, 10.4, nil, slices.Concat(once(normal, "20"), once(normal, "21"))},
		"dark":             {"", []uint16{0}, 0, nil, slices.Concat(once(normal, "20"), once(normal, "21"))},
		"ended the first":  {"", []uint16{0, 25}, 10.4, nil, slices.Concat(once(normal, "20"), once(normal, "21"))},
		"ended the second": {"", []uint16{60, 0}, 50, nil, slices.Concat(once(normal, "20"), once(normal, "21"))},
		"light is switched on": {"", []uint16{0, 0xFFFF, 0x8390}, 28067, nil,
			slices.Concat(once(normal, "20"), once(normal, "21"), once(normal, "20"))},
		"a time of its own":           {"measurement_time: 138", []uint16{0x8390}, 14033, nil, once(138, "20")},
		"saturated in its own":        {"measurement_time: 138", []uint16{0xFFFF}, 0, errSaturated, once(138, "20")},
		"the longest of its own time": {"measurement_time: 254", []uint16{0x8390}, 7624, nil, once(slowest, "20")},
		"dark in the longest":         {"measurement_time: 254", []uint16{4, 9}, 1, nil, slices.Concat(once(slowest, "20"), once(slowest, "21"))},
		"the shortest":                {"measurement_time: 31", []uint16{0x8390}, 62471, nil, once(shortest, "20")},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &chip{answers: one.answers}
			got, err := measured(t, one.options, c)
			if got != one.want || !errors.Is(err, one.err) || (err == nil) != (one.err == nil) {
				t.Errorf("%s: %v, %v, want %v, %v", name, got, err, one.want, one.err)
			}
			if diff := cmp.Diff(one.opcodes, c.opcodes); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		})
	}
}

// Another program uses the chip: it leaves its own measurement time, sends the chip to sleep, or ends the
// measurement that runs, as hogar scan did with 00. None of that makes an old value a new one.
func TestOtherPrograms(t *testing.T) {
	for _, at := range []time.Duration{0, 50 * time.Millisecond, 170 * time.Millisecond, 400 * time.Millisecond} {
		for _, fault := range []simboard.Fault{simboard.Periodic, simboard.Asleep, simboard.BrownOut} {
			for _, light := range []float64{20, 3000} {
				synctest.Test(t, func(t *testing.T) {
					rig := drivertest.NewRig(t, New, "address: 0x5c")
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
					if err == nil && (readings[0].Value.Number() < light*0.97-1 || readings[0].Value.Number() > light*1.03+1) {
						t.Errorf("%s after %v: it reads %v at %v lx", fault, at, readings[0].Value, light)
					}
					synctest.Wait()
					time.Sleep(time.Second)
					readings, err = dev.Sense(t.Context())
					if err != nil || readings[0].Value.Number() < light*0.99 || readings[0].Value.Number() > light*1.01 {
						t.Errorf("%s after %v: then it reads %v at %v lx, %v", fault, at, readings, light, err)
					}
				})
			}
		}
	}
}
