package ds18b20

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hogar/drivers"
)

// errUnmeasured is an answer with a right checksum that is no measurement.
var errUnmeasured = errors.New("the answer is no measurement")

// scratchpad is what a sensor holds (datasheet, figure 9): temperature, two alarms,
// configuration, three reserved bytes, checksum.
type scratchpad [9]byte

// Read lets the kernel measure with the sensor of a name, 28-0316a27902ff, which takes up to
// 750 ms, and returns its °C. An answer that is no measurement is an error.
func Read(files drivers.Files, id string) (float64, error) {
	text, err := files.ReadFile(folder + id + "/w1_slave")
	if err != nil {
		return 0, err
	}
	pad, celsius, err := parse(string(text))
	if err != nil {
		return 0, err
	}
	return celsius, pad.measured()
}

// parse reads the kernel's file w1_slave: the nine bytes and whether their checksum is right,
// and once more the bytes with the temperature in thousandths.
func parse(text string) (pad scratchpad, celsius float64, err error) {
	if strings.TrimSpace(text) == "" {
		return pad, 0, errors.New("it gave no answer with a right checksum: check its wires and the resistor of 4.7 kΩ")
	}
	first, second, _ := strings.Cut(text, "\n")
	bytes, verdict, _ := strings.Cut(first, " : ")
	if !strings.HasSuffix(strings.TrimSpace(verdict), "YES") {
		return pad, 0, fmt.Errorf("its checksum is wrong: check its wires and the resistor of 4.7 kΩ (%q)", cut(first))
	}
	words := strings.Fields(bytes)
	_, milli, found := strings.Cut(second, "t=")
	n, wrong := strconv.ParseInt(strings.TrimSpace(milli), 10, 32)
	if len(words) != len(pad) || !found || wrong != nil {
		return pad, 0, fmt.Errorf("w1_slave says %q, which is no measurement of it", cut(text))
	}
	for i, word := range words {
		b, wrong := strconv.ParseUint(word, 16, 8)
		if wrong != nil {
			return pad, 0, fmt.Errorf("w1_slave says %q, expected nine bytes", cut(first))
		}
		pad[i] = byte(b)
	}
	return pad, float64(n) / 1000, nil
}

// cut shortens what is quoted in an error.
func cut(text string) string { return text[:min(len(text), 80)] }

// measured refuses what a sensor holds without having measured.
func (p scratchpad) measured() error {
	switch is := func(low, high byte) bool { return p[0] == low && p[1] == high && p[6] == 0x0C }; {
	case p == scratchpad{}:
		return fmt.Errorf("%w: nine zeros, whose checksum is right: the wire is at ground, or the sensor has no supply", errUnmeasured)
	case is(0x50, 0x05):
		return fmt.Errorf("%w: it shows 85 °C, as it does before its first one: check its supply and the resistor of 4.7 kΩ", errUnmeasured)
	case is(0xFF, 0x07):
		return fmt.Errorf("%w: it shows 127.94 °C, as it does when its supply fell: check it and the resistor of 4.7 kΩ", errUnmeasured)
	}
	return nil
}
