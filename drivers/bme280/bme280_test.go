package bme280

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    "bus: I2C1, address: 0x77",
		Wrong:      []string{"address: 0x75", "address: high", "bus: spi", "bus: I2C01"},
		Resolution: map[string]float64{"temperature": 0.01, "humidity": 0.01, "pressure": 0.01},
	})
}

// The chip's whole range, corners included: what the world has is what is read.
func TestReadsBackTheWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "")
		dev := rig.Open(t).(drivers.Sensor)
		grid := map[string][2]float64{"temperature": {-40, 85}, "humidity": {0, 100}, "pressure": {300, 1100}}
		const steps = 12
		at := func(property string, i int) float64 {
			r := grid[property]
			return r[0] + (r[1]-r[0])*float64(i)/steps
		}
		worst := make(map[string]float64)
		for i := range (steps + 1) * (steps + 1) * (steps + 1) {
			want := map[string]float64{
				"temperature": at("temperature", i%(steps+1)),
				"humidity":    at("humidity", i/(steps+1)%(steps+1)),
				"pressure":    at("pressure", i/(steps+1)/(steps+1)),
			}
			for property, value := range want {
				rig.World.Hold("kitchen", property, value)
			}
			readings, err := dev.Sense(t.Context())
			if err != nil {
				t.Fatalf("at %v: %v", want, err)
			}
			for _, r := range readings {
				off := math.Abs(r.Value.Number() - want[r.Property])
				worst[r.Property] = max(worst[r.Property], off)
				if off > 0.0101 {
					t.Errorf("at %v: %s reads %v", want, r.Property, r.Value)
				}
			}
		}
		t.Logf("largest differences over %d points: %.4v", (steps+1)*(steps+1)*(steps+1), worst)
	})
}

// altered is a board whose bus changes what the chip's registers read.
type altered struct {
	drivers.Board
	registers map[byte]byte
}

func (a altered) I2C(name string) (i2c.Bus, error) {
	bus, err := a.Board.I2C(name)
	return alteredBus{bus, a.registers}, err
}

type alteredBus struct {
	i2c.Bus
	registers map[byte]byte
}

func (a alteredBus) Tx(addr uint16, w, r []byte) error {
	err := a.Bus.Tx(addr, w, r)
	for i := range r {
		if v, ok := a.registers[w[0]+byte(i)]; ok {
			r[i] = v
		}
	}
	return err
}

func TestRefusesOtherChipsAndImpossibleValues(t *testing.T) {
	for _, one := range []struct {
		name      string
		registers map[byte]byte
		say       string
	}{
		{"BMP280", map[byte]byte{0xD0: 0x58}, "BMP280, which cannot measure humidity"},
		{"another chip", map[byte]byte{0xD0: 0x61}, "no BME280: its id is 0x61"},
		{"settings lost", map[byte]byte{0xF2: 0}, "lost its settings"},
		{"never ready", map[byte]byte{0xF3: 8}, "never becomes ready"},
		{"too hot", map[byte]byte{0xFA: 0xFF}, "temperature of"},
		{"no air", map[byte]byte{0xF7: 0xFF}, "pressure of"},
	} {
		t.Run(one.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rig := drivertest.NewRig(t, New, "")
				dev, err := rig.Spec.Open(t.Context(), altered{rig.Board, one.registers})
				if err == nil {
					_, err = dev.(drivers.Sensor).Sense(t.Context())
				}
				if err == nil || !strings.Contains(err.Error(), one.say) || !strings.Contains(err.Error(), "bme280") {
					t.Errorf("error %v, expected %q", err, one.say)
				}
			})
		})
	}
}

func TestBMP280(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     NewBMP,
		Options:    "address: 0x77",
		Wrong:      []string{"address: 0x75"},
		Resolution: map[string]float64{"temperature": 0.01, "pressure": 0.01},
	})
	drivertest.Sweep(t, NewBMP, "", map[string]drivertest.Range{
		"temperature": {Least: -40, Most: 85, Within: 0.01}, "pressure": {Least: 300, Most: 1100, Within: 0.01},
	})
}

// The worked example of BST-BMP280-DS001, §3.12: 519888 and 415148 are 25.08 °C and 100653.27 Pa with the trimming values
// that the simulated chip has.
func TestBoschExample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pressure, temperature = 415148 << 4, 519888 << 4
		rig := drivertest.NewRig(t, NewBMP, "")
		dev, err := rig.Spec.Open(t.Context(), altered{rig.Board, map[byte]byte{
			0xF7: pressure >> 16, 0xF8: pressure >> 8 & 0xFF, 0xF9: pressure & 0xFF,
			0xFA: temperature >> 16, 0xFB: temperature >> 8 & 0xFF, 0xFC: temperature & 0xFF}})
		if err != nil {
			t.Fatal(err)
		}
		readings, err := dev.(drivers.Sensor).Sense(t.Context())
		if err != nil || readings[0].Value.Number() != 25.08 || readings[1].Value.Number() != 1006.53 {
			t.Errorf("%v, %v; want 25.08 °C and 1006.53 hPa", readings, err)
		}
	})
}

// TestEachRefusesTheOther: the one would lack humidity, or have one that is none.
func TestEachRefusesTheOther(t *testing.T) {
	for says, one := range map[string]struct{ driver, there drivers.Driver }{
		"write driver: bmp280": {New, NewBMP},
		"write driver: bme280": {NewBMP, New},
	} {
		rig := drivertest.NewRig(t, one.there, "")
		spec, _ := drivertest.Decode(one.driver, "")
		if _, err := spec.Open(t.Context(), rig.Board); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
