package simboard

import (
	"errors"
	"syscall"
	"testing"
)

// The worked examples of Aosong's manuals: of the AM2302 (65.8 %RH and 26.9 °C, the same with a
// wrong parity byte, -10.1 °C), of its other edition (65.2 %RH and 35.1 °C), and of the DHT11
// (53 %RH and 24 °C). The AM2320's manual, chapter 8.3.2, has the first three as well.
func TestDHTExamples(t *testing.T) {
	for _, one := range []struct {
		name             string
		frame            dhtFrame
		celsius, percent int // in thousandths
		fails            bool
	}{
		{"AM2302", dhtFrame{0b00000010, 0b10010010, 0b00000001, 0b00001101, 0b10100010}, 26900, 65800, false},
		{"AM2302, wrong parity", dhtFrame{0b00000010, 0b10010010, 0b00000001, 0b00001101, 0b10110010}, 0, 0, true},
		{"AM2302, frost", dhtFrame{0b00000010, 0b10010010, 0b10000000, 0b01100101, 0b01111001}, -10100, 65800, false},
		{"DHT22", dhtFrame{0b00000010, 0b10001100, 0b00000001, 0b01011111, 0b11101110}, 35100, 65200, false},
		{"DHT11", dhtFrame{0b00110101, 0, 0b00011000, 0, 0b01001101}, 24000, 53000, false},
		{"DHT11 with tenths", dhtFrame{53, 2, 24, 4, 83}, 24400, 53200, false},
		{"DHT11, frost, which the kernel does not know", dhtFrame{53, 0, 10, 0x81, 192}, 0, 0, true},
	} {
		celsius, percent, err := one.frame.decode()
		if celsius != one.celsius || percent != one.percent || (err != nil) != one.fails || one.fails && !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %d m°C, %d m%%, %v; want %d, %d", one.name, celsius, percent, err, one.celsius, one.percent)
		}
	}
	for want, got := range map[dhtFrame]dhtFrame{
		{0b00000010, 0b10010010, 0b00000001, 0b00001101, 0b10100010}: dht22Frame(26.9, 65.8),
		{0b00000010, 0b10010010, 0b10000000, 0b01100101, 0b01111001}: dht22Frame(-10.1, 65.8),
		{0b00110101, 0, 0b00011000, 0, 0b01001101}:                   dht11Frame(24.2, 53.4),
	} {
		if got != want {
			t.Errorf("the model sends %08b, want %08b", got, want)
		}
	}
}
