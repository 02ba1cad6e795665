package drivers

import (
	"fmt"
	"slices"
	"testing"

	"hogar/gateway/home"
)

// TestPinHint names both meanings of a number. Vectors: pinout.xyz.
func TestPinHint(t *testing.T) {
	for written, want := range map[string]string{
		"11":       "write GPIO11, which is pin 23 of the header, or GPIO17, which is pin 11 of the header",
		"17":       "write GPIO17, which is pin 11 of the header; pin 17 of the header is 3.3 V",
		"4":        "write GPIO4, which is pin 7 of the header; pin 4 of the header is 5 V",
		"0":        "write GPIO0, which is pin 27 of the header",
		"27":       "write GPIO27, which is pin 13 of the header, or GPIO0, which is pin 27 of the header",
		"40":       "write GPIO21, which is pin 40 of the header",
		"pin 36":   "write GPIO16, which is pin 36 of the header",
		"BOARD11":  "write GPIO17, which is pin 11 of the header",
		"gpio17":   "write GPIO17, which is pin 11 of the header",
		"GPIO017":  "write GPIO17, which is pin 11 of the header",
		"BCM 4":    "write GPIO4, which is pin 7 of the header",
		"41":       "the header has 40 pins; GPIO17, for example, is pin 11",
		"GPIO28":   "the header has 40 pins; GPIO17, for example, is pin 11",
		"39":       "pin 39 of the header is ground",
		"sideways": "a line of an expander is written mcp23017/3",
	} {
		if got := pinHint(written); got != want {
			t.Errorf("%s: %q, want %q", written, got, want)
		}
	}
}

// TestHeader counts what the header has: each of the 28 pins once, 8 grounds, 2 of 3.3 V and 2 of 5 V.
func TestHeader(t *testing.T) {
	count := make(map[string]int)
	for _, what := range header {
		count[what]++
	}
	for n := range 28 {
		if name := fmt.Sprint("GPIO", n); count[name] != 1 {
			t.Errorf("%s is there %d times", name, count[name])
		}
	}
	if count["ground"] != 8 || count["3.3 V"] != 2 || count["5 V"] != 2 {
		t.Error(count)
	}
}

// TestPinHintReachesEveryKey: a driver with several pins says it at each.
func TestPinHintReachesEveryKey(t *testing.T) {
	for _, read := range []func(*home.Decoder, string, string) Part{PinPartAt, HeaderPartAt} {
		var faults home.Faults
		n := &home.Node{Kind: home.NodeMap, Pairs: []home.Pair{{Key: "echo", Value: &home.Node{Kind: home.NodeScalar, Text: "11", Path: []string{"echo"}}}}}
		read(home.NewDecoder(n, &faults), "echo", "chip")
		if !slices.ContainsFunc(faults.List, func(f home.Fault) bool { return f.Hint == pinHint("11") }) {
			t.Errorf("%+v", faults.List)
		}
	}
}
