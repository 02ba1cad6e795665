package simboard

import (
	"testing"
	"time"
)

// talk makes transfers with a model, at times in ms after its power-up.
type talk struct {
	t    *testing.T
	chip chip
	air  map[string]float64
}

func (k *talk) tx(ms float64, read int, w ...byte) []byte {
	k.t.Helper()
	r := make([]byte, read)
	if err := k.chip.tx(time.Unix(1000, 0).Add(time.Duration(ms*1e6)), func(quantity string) float64 { return k.air[quantity] }, w, r); err != nil {
		k.t.Errorf("transfer % x: %v", w, err)
	}
	return r
}

func word(b []byte) int { return int(b[0])<<8 | int(b[1]) }

func TestBME280Registers(t *testing.T) {
	k := &talk{t: t, chip: newChip(climate), air: map[string]float64{"temperature": 21, "humidity": 40, "pressure": 1000}}
	if id := k.tx(0, 1, bmeID)[0]; id != 0x60 {
		t.Errorf("id %#x", id)
	}
	if d := k.tx(0, 8, bmeData); d[0] != 0x80 || d[3] != 0x80 || d[6] != 0x80 {
		t.Errorf("before a measurement the data are % x", d)
	}
	k.tx(0, 0, bmeCtrlHum, 1, bmeCtrlMeas, 1<<5|1<<2|1) // one sample each, forced
	if s := k.tx(9, 1, bmeStatus)[0]; s != 8 {
		t.Errorf("after 9 ms the status is %d: it should be measuring for 9.3 ms", s)
	}
	if d := k.tx(9, 2, bmeData); d[0] != 0x80 {
		t.Error("the data are there before their time")
	}
	if s, m := k.tx(9.4, 1, bmeStatus)[0], k.tx(9.4, 1, bmeCtrlMeas)[0]; s != 0 || m&3 != 0 {
		t.Errorf("after 9.4 ms status %d and mode %d: it should sleep", s, m&3)
	}
	d := k.tx(10, 8, bmeData)
	if d[2] != 0 || d[5] != 0 || d[0] == 0x80 {
		t.Errorf("with one sample there are 16 bits: % x", d)
	}
	k.tx(20, 0, bmeCtrlMeas, 5<<5|0<<2|3) // sixteen samples, no pressure, normal mode
	if d := k.tx(21, 8, bmeData); d[0] != 0x80 || d[3] == 0x80 || d[6] == 0x80 {
		t.Errorf("normal mode without pressure: % x", d)
	}
	k.tx(30, 0, bmeReset, 0xB6)
	if got := k.tx(31, 1, bmeCtrlHum)[0]; got != 0 {
		t.Errorf("after a reset ctrl_hum is %d", got)
	}
}

func TestBH1750Modes(t *testing.T) {
	k := &talk{t: t, chip: newChip(light), air: map[string]float64{"illuminance": 1000}}
	k.tx(0, 0, bhOnce) // asleep: not obeyed
	if got := word(k.tx(500, 2)); got != 0 {
		t.Errorf("in power down it measures %d", got)
	}
	k.tx(1000, 0, bhPowerOn)
	k.tx(1000, 0, bhOnce)
	if got := word(k.tx(1179, 2)); got != 0 {
		t.Errorf("after 179 ms it reads %d", got)
	}
	if got := word(k.tx(1180, 2)); got != 1200 {
		t.Errorf("it reads %d, want 1200", got)
	}
	k.tx(1200, 0, bhHigh) // it went to sleep by itself
	k.air["illuminance"] = 10
	if got := word(k.tx(2000, 2)); got != 1200 {
		t.Errorf("it reads %d, want the old 1200", got)
	}
	for opcode, want := range map[byte]int{bhHigh: 12, bhHigh2: 24, bhLow: 12, bhOnce | 1: 24} {
		k.tx(3000, 0, bhPowerOn)
		k.tx(3000, 0, opcode)
		if got := word(k.tx(3180, 2)); got != want {
			t.Errorf("mode %#x reads %d, want %d", opcode, got, want)
		}
	}
	k.tx(4000, 0, bhPowerOn, bhReset)
	if got := word(k.tx(4000, 2)); got != 0 {
		t.Errorf("after a reset it reads %d", got)
	}
}

func TestTMP102Modes(t *testing.T) {
	k := &talk{t: t, chip: newChip(probe), air: map[string]float64{"temperature": -25}}
	if got := word(k.tx(0, 2, tmpConfiguration)); got != 0x60A0 {
		t.Errorf("configuration %#04x", got)
	}
	if got := word(k.tx(34, 2, tmpTemperature)); got != 0 {
		t.Errorf("before the first conversion %#04x", got)
	}
	if got := word(k.tx(35, 2)); got != 0xE700 {
		t.Errorf("-25 °C is %#04x", got)
	}
	k.tx(40, 0, tmpConfiguration, 0x61, 0xA0) // sleep
	k.air["temperature"] = 25
	if got := word(k.tx(200, 2, tmpTemperature)); got != 0xE700 {
		t.Errorf("asleep it converts: %#04x", got)
	}
	k.tx(300, 0, tmpConfiguration, 0xE1, 0xA0) // one shot
	if got := word(k.tx(320, 2)); got != 0x61A0 {
		t.Errorf("while it converts the configuration is %#04x", got)
	}
	if got, done := word(k.tx(335, 2, tmpTemperature)), word(k.tx(336, 2, tmpConfiguration)); got != 0x1900 || done != 0xE1A0 {
		t.Errorf("25 °C is %#04x, the configuration %#04x", got, done)
	}
	k.tx(400, 0, tmpConfiguration, 0x60, 0xB0) // 13 bits
	k.air["temperature"] = 150
	if got := word(k.tx(500, 2, tmpTemperature)); got != 0x4B01 {
		t.Errorf("150 °C in 13 bits is %#04x", got)
	}
	k.tx(600, 0, 3, 0x12, 0x30)
	if got := word(k.tx(600, 2, 3)); got != 0x1230 {
		t.Errorf("the upper limit is %#04x", got)
	}
}

// Whatever is sent to a chip, its model answers.
func FuzzChips(f *testing.F) {
	f.Add([]byte{0xF4, 0x25}, byte(8), 21.0)
	f.Add([]byte{0x01, 0xE1, 0xA0}, byte(2), -300.0)
	f.Add([]byte{0x20}, byte(0), 1e9)
	f.Fuzz(func(_ *testing.T, w []byte, read byte, value float64) {
		everywhere := func(string) float64 { return value }
		for _, m := range models() {
			c, at := m.make(), time.Unix(0, 0)
			c.power()
			for i := range len(w) + 1 {
				_ = c.tx(at.Add(time.Duration(i)*time.Second), everywhere, w[:i], nil)
				_ = c.tx(at.Add(time.Duration(i)*time.Second), everywhere, w[:min(i, 1)], make([]byte, read))
			}
		}
	})
}
