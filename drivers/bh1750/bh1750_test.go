package bh1750

import (
	"testing"
	"testing/synctest"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
	"hogar/gateway/home"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    "bus: I2C1, address: 0x5c",
		Wrong:      []string{"address: 0x24", "bus: 1"},
		Resolution: map[string]float64{"illuminance": 1},
		Unseen:     []simboard.Fault{simboard.Stuck}, // all ones are the brightest light, too
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "")
		dev := rig.Open(t).(drivers.Sensor)
		for _, lx := range []struct{ set, want float64 }{
			{0, 0}, {0.3, 0}, {1, 1}, {29, 29}, {30, 30}, {432, 432}, {12345, 12345}, {54612, 54612}, {99999, 54613},
		} {
			rig.World.Hold("kitchen", "illuminance", lx.set)
			readings, err := dev.Sense(t.Context())
			if err != nil || len(readings) != 1 || readings[0].Value != home.NumberOf(lx.want) {
				t.Errorf("at %v lx: %v, %v", lx.set, readings, err)
			}
		}
	})
}

// The technical note's example (I2C bus access, read format), and the ends.
func TestLux(t *testing.T) {
	for counts, want := range map[[2]byte]float64{{0b1000_0011, 0b1001_0000}: 28067, {0, 0}: 0, {0xFF, 0xFF}: 54613} {
		if got := lux(counts); got != want {
			t.Errorf("% x is %v lx, want %v", counts, got, want)
		}
	}
}

func FuzzLux(f *testing.F) {
	f.Add(byte(0), byte(0))
	f.Add(byte(255), byte(255))
	f.Fuzz(func(t *testing.T, a, b byte) {
		if v := home.NumberOf(lux([2]byte{a, b})); v.Number() < *property().Min || v.Number() > *property().Max {
			t.Errorf("%x %x is %v lx", a, b, v)
		}
	})
}
