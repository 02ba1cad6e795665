package drivers_test

import (
	"testing"

	"hogar/drivers"
)

// oneFile is what each file says.
type oneFile string

func (oneFile) Glob(string) ([]string, error)     { return nil, nil }
func (f oneFile) ReadFile(string) ([]byte, error) { return []byte(f), nil }
func (oneFile) WriteFile(string, []byte) error    { return nil }

// What the kernel does not write is no number, also what Go would read as one.
func TestReadNumber(t *testing.T) {
	for text, want := range map[string]float64{"21500\n": 21500, "-85000\n": -85000, "0.000125000\n": 0.000125, "18446744073709551615\n": 1 << 64} {
		if got, err := drivers.ReadNumber(oneFile(text), "sys/x"); err != nil || got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "\n", "NaN\n", "-Inf\n", "1e308\n", "0x1p9\n", "12 34\n", "21.5.3\n", "-\n", "99999999999999999999\n"} {
		if got, err := drivers.ReadNumber(oneFile(text), "sys/x"); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
