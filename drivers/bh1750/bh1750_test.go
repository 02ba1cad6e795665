package bh1750

import (
	"testing"
	"testing/synctest"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/gateway/home"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    "bus: I2C1, address: 0x5c",
		Wrong:      []string{"address: 0x24", "bus: 1", "measurement_time: 30", "measurement_time: 255", "measurement_time: long"},
		Resolution: map[string]float64{"illuminance": 0.1},
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "")
		dev := rig.Open(t).(drivers.Sensor)
		for _, lx := range []struct{ set, want float64 }{
			{0, 0}, {0.4, 0.4}, {1, 0.8}, {29, 29.2}, {30, 30}, {99.6, 100}, {432, 432}, {12345, 12345}, {54612, 54612}, {54614, 54614}, {99999, 100000},
			{121500, 121499},
		} {
			rig.World.Hold("kitchen", "illuminance", lx.set)
			readings, err := dev.Sense(t.Context())
			if err != nil || len(readings) != 1 || readings[0].Value != home.NumberOf(lx.want) {
				t.Errorf("at %v lx: %v, %v", lx.set, readings, err)
			}
		}
	})
}

// 28067 lx is the technical note's example (I2C bus access, read format; from memory). The others are the
// same counts in other times, by the formula of ESPHome's bh1750.cpp.
func TestLux(t *testing.T) {
	for _, one := range []struct {
		counts int
		mode   mode
		want   float64
	}{
		{0x8390, mode{onceHigh, 69}, 28067}, {0x8390, mode{onceHigh, 31}, 62471}, {0x8390, mode{onceHigh, 254}, 7624},
		{0x8390, mode{onceHalf, 254}, 3812}, {0, mode{onceHigh, 69}, 0}, {1, mode{onceHalf, 254}, 0.1}, {0xFFFE, mode{onceHigh, 31}, 121555},
	} {
		if got := lux(one.counts, one.mode); got != one.want {
			t.Errorf("%04x in %+v is %v lx, want %v", one.counts, one.mode, got, one.want)
		}
	}
}

func FuzzLux(f *testing.F) {
	f.Add(byte(0), byte(0))
	f.Add(byte(255), byte(255))
	f.Fuzz(func(t *testing.T, a, b byte) {
		counts := int(a)<<8 | int(b)
		if counts == saturated {
			return
		}
		for _, m := range []mode{{onceHigh, shortest}, {onceHigh, normal}, {onceHalf, slowest}, {onceHalf, shortest}} {
			if v := home.NumberOf(lux(counts, m)); v.Number() < *property().Min || v.Number() > *property().Max {
				t.Errorf("%x %x is %v lx in %+v", a, b, v, m)
			}
		}
	})
}
