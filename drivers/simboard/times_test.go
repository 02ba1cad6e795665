package simboard

import (
	"bytes"
	"errors"
	"syscall"
	"testing"
	"time"

	"hogar/drivers"
)

// Each chip takes the time of its datasheet: just before it the answer is refused,
// not ready or the old one.
func TestConversionTimes(t *testing.T) {
	nack := func(_ []byte, err error) bool { return errors.Is(err, syscall.ENXIO) }
	bit := func(i int, mask, want byte) func([]byte, error) bool {
		return func(b []byte, err error) bool { return err == nil && b[i]&mask == want }
	}
	for _, one := range []struct {
		chip  string
		start [][]byte // transfers at time 0
		ms    float64  // that it takes
		ask   []byte
		read  int
		early func([]byte, error) bool
	}{
		{"sht3x", [][]byte{{0x24, 0x00}}, 15.5, nil, 6, nack},
		{"sht3x", [][]byte{{0x24, 0x16}}, 4.5, nil, 6, nack},
		{"sht4x", [][]byte{{0xFD}}, 8.3, nil, 6, nack},
		{"aht20", [][]byte{{0xBE, 8, 0}, {0xAC, 0x33, 0}}, 80, nil, 7, bit(0, 0x80, 0x80)},
		{"mcp9808", [][]byte{{1, 0, 0}}, 250, []byte{5}, 2, bit(1, 0xFF, 0)},
		{"mcp9808", [][]byte{{8, 0}}, 30, []byte{5}, 2, bit(1, 0xFF, 0)},
		{"ads1115", [][]byte{{1, 0xC3, 0x83}}, 1.1 * 1000 / 128, []byte{1}, 2, bit(0, 0x80, 0)},
		{"ads1015", [][]byte{{1, 0xC3, 0x83}}, 1.1 * 1000 / 1600, []byte{1}, 2, bit(0, 0x80, 0)},
		{"ina219", [][]byte{{0, 0x3E, 0x63}}, 2 * 9.376, []byte{2}, 2, bit(1, 2, 0)},
		{"ina226", [][]byte{{0, 0x45, 0x23}}, 16 * 2 * 1.21, []byte{6}, 2, bit(1, 8, 0)},
		{"scd4x", [][]byte{{0xE4, 0xB8}}, 1, nil, 3, nack},
	} {
		at := func(before time.Duration) ([]byte, error) {
			c := modelOf(one.chip).make()
			c.power()
			around := func(quantity string) float64 {
				return map[string]float64{"temperature": 21.3, "voltage": 12, "current": 1}[quantity]
			}
			begin := time.Unix(1000, 0)
			for _, w := range one.start {
				if err := c.tx(begin, around, w, nil); err != nil {
					t.Errorf("%s: % x: %v", one.chip, w, err)
				}
			}
			b := make([]byte, one.read)
			err := c.tx(begin.Add(time.Duration(one.ms*1e6)-before), around, one.ask, b)
			return b, err
		}
		if b, err := at(10 * time.Microsecond); !one.early(b, err) {
			t.Errorf("%s answers before its %v ms: % x, %v", one.chip, one.ms, b, err)
		}
		if b, err := at(0); one.early(b, err) || err != nil {
			t.Errorf("%s has no answer after its %v ms: % x, %v", one.chip, one.ms, b, err)
		}
	}
}

// An SCD4x that measures takes few commands, and gives each measurement once.
func TestSCD4xModes(t *testing.T) {
	k := &talk{t: t, chip: newChip(drivers.Part{Chip: "scd4x", Address: 0x62}), air: map[string]float64{"co2": 500, "temperature": 25, "humidity": 37}}
	tx := func(ms float64, w ...byte) error {
		return k.chip.tx(time.Unix(1000, 0).Add(time.Duration(ms*1e6)), nil, w, nil)
	}
	k.tx(0, 0, 0x21, 0xB1)
	if err := tx(10, 0x36, 0x82); !errors.Is(err, errNack) {
		t.Errorf("the serial number while it measures: %v", err)
	}
	k.tx(4990, 0, 0xE4, 0xB8)
	if b := k.tx(4995, 3); b[1] != 0 {
		t.Errorf("ready before 5 s: % x", b)
	}
	k.tx(5000, 0, 0xEC, 0x05)
	want := []byte{0x01, 0xF4, 0x33, 0x66, 0x66, 0x93, 0x5E, 0xB8, 0x0D}
	if b := k.tx(5001, 9); !bytes.Equal(b[:3], want[:3]) || b[3] != want[3] || b[6] != want[6] {
		t.Errorf("the measurement is % x", b)
	}
	if err := k.chip.tx(time.Unix(1006, 0), k.everywhere(), []byte{0xEC, 0x05}, nil); !errors.Is(err, errNack) {
		t.Errorf("a second read of one measurement: %v", err)
	}
	k.tx(7000, 0, 0x3F, 0x86)
	if err := tx(7499, 0x21, 0xB1); !errors.Is(err, errBusy) {
		t.Errorf("while it stops: %v", err)
	}
	k.tx(7500, 0, 0x36, 0x82)
}

func (k *talk) everywhere() air { return func(quantity string) float64 { return k.air[quantity] } }

func TestPCA9685Registers(t *testing.T) {
	shares := make(map[int]float64)
	c := newChip(drivers.Part{Chip: "pca9685", Address: 0x40})
	c.(driven).drive(func(output int, share float64) { shares[output] = share })
	k := &talk{t: t, chip: c}
	if b := k.tx(0, 1, 0x00); b[0] != 0x11 {
		t.Errorf("MODE1 is %#x at power-up", b[0])
	}
	k.tx(1, 0, 0xFE, 0x79)
	k.tx(2, 0, 0x00, 0x21) // awake, counting up
	k.tx(3, 0, 0xFE, 0x03) // not asleep: not taken
	if b := k.tx(4, 1, 0xFE); b[0] != 0x79 {
		t.Errorf("the prescaler is %#x", b[0])
	}
	k.tx(5, 0, 0x06, 0, 0, 0, 0x04, 0, 0x10, 0, 0) // a quarter; full
	k.tx(6, 0, 0x0E, 0x65, 0x0E, 0xCB, 0x04)       // 40 %, over the end of the period
	if shares[0] != 0.25 || shares[1] != 1 || shares[2] < 0.399 || shares[2] > 0.401 || shares[3] != 0 {
		t.Errorf("the outputs are at %v", shares)
	}
	k.tx(7, 0, 0xFA, 0, 0, 0, 0x10) // all off
	if shares[0] != 0 || shares[1] != 0 {
		t.Errorf("all are off: %v", shares)
	}
}
