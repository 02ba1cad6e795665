package drivers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The examples of the SHT3x datasheet (§4.12) and of the SCD4x datasheet (§3.5.2).
func TestWords(t *testing.T) {
	got, err := Words([]byte{0xBE, 0xEF, 0x92, 0x01, 0xF4, 0x33, 0x66, 0x67, 0xA2, 0x5E, 0xB9, 0x3C})
	if diff := cmp.Diff([]uint16{0xBEEF, 0x01F4, 0x6667, 0x5EB9}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, wrong := range [][]byte{{0xBE, 0xEF, 0x93}, {0xBE, 0xEF}, {0xFF, 0xFF, 0xFF}, {0, 0, 0}} {
		if got, err := Words(wrong); err == nil {
			t.Errorf("% x is %x", wrong, got)
		}
	}
}

// A single wrong bit is always noticed.
func FuzzWords(f *testing.F) {
	f.Add(byte(0xBE), byte(0xEF), byte(3))
	f.Fuzz(func(t *testing.T, a, b, bit byte) {
		frame := []byte{a, b, CRC8([]byte{a, b})}
		if _, err := Words(frame); err != nil {
			t.Error(err)
		}
		frame[int(bit)/8%3] ^= 1 << (bit % 8)
		if got, err := Words(frame); err == nil {
			t.Errorf("% x is %x", frame, got)
		}
	})
}
