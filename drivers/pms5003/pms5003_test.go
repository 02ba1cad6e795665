package pms5003

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    "port: /dev/ttyUSB0",
		Wrong:      []string{"port: serial0", "port: /dev/../etc/passwd", "port: /dev/serial0/", "baud: 9600"},
		Resolution: map[string]float64{"pm1": 1, "pm25": 1, "pm10": 1},
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, "", map[string]drivertest.Range{
		"pm1": {Least: 0, Most: 500, Within: 0.5}, "pm25": {Least: 0, Most: 900, Within: 0.5}, "pm10": {Least: 0, Most: 1000, Within: 0.5}})
}

// A frame that was put together by hand after appendix I.
func frame(pm1, pm25, pm10 int) []byte {
	b := []byte{0x42, 0x4D, 0, 28}
	for _, w := range []int{pm1 + 1, pm25 + 1, pm10 + 1, pm1, pm25, pm10, 900, 300, 80, 20, 5, 1, 0x9700} {
		b = append(b, byte(w>>8), byte(w))
	}
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	return append(b, byte(sum>>8), byte(sum))
}

// Frames that sensors have sent, published with other drivers (the first in the tests of PyPMS, the second with
// RT-Thread's). The manual has the layout and the rule of the sum (appendix I), and no example.
func TestFramesOfRealSensors(t *testing.T) {
	for frame, want := range map[string][]float64{
		"424d001c0005000d00160005000d001602fd00fc001d000f00060006970003c5": {5, 13, 22},
		"424d001c000300040007000400050008031b00f9001b0006000300039a0002a2": {4, 5, 8},
		"424d001c0029003e0046001f002e003c19ec07bf0169003600080000910004e5": {31, 46, 60},
	} {
		b, err := hex.DecodeString(frame)
		if err != nil {
			t.Fatal(err)
		}
		values, rest, ok := scan(b)
		if diff := cmp.Diff(want, values); diff != "" || !ok || len(rest) != 0 {
			t.Errorf("%s: %d bytes left, %v\n%s", frame, len(rest), ok, diff)
		}
		b[len(b)-1]++
		if _, _, ok := scan(b); ok {
			t.Errorf("%s with another sum is taken", frame)
		}
	}
}

func TestScan(t *testing.T) {
	good := frame(4, 260, 9)
	wrong := bytes.Clone(good)
	wrong[12]++
	for name, one := range map[string]struct {
		heard []byte
		want  []float64
		rest  int
	}{
		"whole":                {good, []float64{4, 260, 9}, 0},
		"end of another first": {append(bytes.Clone(good[20:]), good...), []float64{4, 260, 9}, 0},
		"wrong sum, then good": {append(bytes.Clone(wrong), good...), []float64{4, 260, 9}, 0},
		"half of the next":     {append(bytes.Clone(good), good[:7]...), []float64{4, 260, 9}, 7},
		"half":                 {good[:31], nil, 31},
		"wrong sum":            {wrong, nil, 3},
		"begin cut":            {[]byte{1, 2, 0x42, 0x4D}, nil, 3},
		"nothing":              {nil, nil, 0},
	} {
		values, rest, ok := scan(one.heard)
		if diff := cmp.Diff(one.want, values); diff != "" || ok != (one.want != nil) || len(rest) != one.rest {
			t.Errorf("%s: %d bytes left, %s", name, len(rest), diff)
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add(frame(1, 2, 3), 5)
	f.Add([]byte(strings.Repeat(begin, 20)), 3)
	f.Fuzz(func(t *testing.T, heard []byte, cut int) {
		values, rest, ok := scan(heard)
		if len(rest) > len(heard) || ok != (len(values) == 3) || !ok && len(rest) >= frameSize {
			t.Fatalf("%v, %d of %d bytes, %v", values, len(rest), len(heard), ok)
		}
		if cut < 0 || cut > len(heard) || !ok {
			return
		}
		// The same in two pieces.
		if early, rest, ok := scan(heard[:cut]); !ok {
			again, _, ok := scan(append(bytes.Clone(rest), heard[cut:]...))
			if diff := cmp.Diff(values, again); diff != "" || !ok {
				t.Errorf("in two pieces: %s", diff)
			}
		} else if diff := cmp.Diff(values, early); diff != "" {
			t.Errorf("of the first piece: %s", diff)
		}
	})
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "")
		dev := rig.Open(t).(drivers.Sensor)
		_ = rig.Board.Fault(drivertest.Device, simboard.Stuck)
		if _, err := dev.Sense(t.Context()); err == nil || !strings.Contains(err.Error(), "no frame") {
			t.Errorf("of noise: %v", err)
		}
		_ = rig.Board.Fault(drivertest.Device, simboard.Absent)
		if _, err := dev.Sense(t.Context()); !errors.Is(err, drivers.ErrAbsent) {
			t.Errorf("of an adapter that was unplugged: %v", err)
		}
	})
}
