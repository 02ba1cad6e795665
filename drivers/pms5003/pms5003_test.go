package pms5003

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
)

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    "port: /dev/ttyUSB0",
		Wrong:      []string{"port: serial0", "port: /dev/../etc/passwd", "port: /dev/serial0/", "baud: 9600", "sleep: sometimes"},
		Resolution: map[string]float64{"pm1": 1, "pm25": 1, "pm10": 1},
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, "", map[string]drivertest.Range{
		"pm1": {Least: 0, Most: 500, Within: 0.5}, "pm25": {Least: 0, Most: 900, Within: 0.5}, "pm10": {Least: 0, Most: 4000, Within: 0.5}})
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

// A frame of a real sensor (PyPMS), and the same with the PM2.5 of AQmon issue 9, which smoke was.
func TestSmokeIsAValue(t *testing.T) {
	for frame, want := range map[string][]float64{
		"424d001c000000080008000000080008" + "00d20046002d001e00000000970002c5": {0, 8, 8},
		"424d001c000000080008000004760008" + "00d20046002d001e0000000097000337": {0, 1142, 8},
	} {
		b, err := hex.DecodeString(frame)
		if err != nil {
			t.Fatal(err)
		}
		spec, _ := drivertest.Decode(New, "")
		dev, err := spec.Open(t.Context(), wired{port: &played{heard: b}})
		if err != nil {
			t.Fatal(err)
		}
		readings, err := dev.(drivers.Sensor).Sense(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", frame, err)
		}
		var got []float64
		for _, r := range readings {
			got = append(got, r.Value.Number())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", frame, diff)
		}
	}
}

// wired is a board with one port, and played what comes from it.
type wired struct {
	drivers.Board
	port drivers.Port
}

func (w wired) Serial(string, int) (drivers.Port, error) { return w.port, nil }

type played struct{ heard, wrote []byte }

func (p *played) Read(b []byte) (int, error) {
	if len(p.heard) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(b, p.heard)
	p.heard = p.heard[n:]
	return n, nil
}
func (p *played) Write(b []byte) (int, error)     { p.wrote = append(p.wrote, b...); return len(b), nil }
func (p *played) Close() error                    { return nil }
func (p *played) SetReadDeadline(time.Time) error { return nil }

// The orders of appendix II, as ESPHome's pmsx003 and PyPMS send them; none to a sensor that sends.
func TestOrders(t *testing.T) {
	for _, one := range []struct {
		options string
		heard   []byte
		wrote   string
	}{
		{"", frame(1, 2, 3), ""},
		{"", nil, "424de400010174" + "424de100010171"},
	} {
		port := &played{heard: one.heard}
		spec, _ := drivertest.Decode(New, one.options)
		dev, err := spec.Open(t.Context(), wired{port: port})
		if err == nil {
			_, err = dev.(drivers.Sensor).Sense(t.Context())
		}
		if got := hex.EncodeToString(port.wrote); got != one.wrote || (err == nil) != (one.heard != nil) {
			t.Errorf("wrote %s, want %s; %v", got, one.wrote, err)
		}
	}
}

// A sensor sleeps between two measurements, and what it sends before its fan has brought air is left out.
func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "sleep: true")
		for _, quantity := range []string{"pm1", "pm25", "pm10"} {
			rig.World.Hold("kitchen", quantity, 12)
		}
		dev := rig.Open(t).(drivers.Sensor)
		for n := range 3 {
			began := time.Now()
			readings, err := dev.Sense(t.Context())
			if took := time.Since(began); err != nil || readings[1].Value.Number() != 12 || took < 30*time.Second || took > 35*time.Second {
				t.Errorf("measurement %d took %v: %v, %v", n+1, took, readings, err)
			}
			port, err := rig.Board.Serial("/dev/serial0", 9600)
			if err != nil {
				t.Fatal(err)
			}
			_ = port.SetReadDeadline(time.Now().Add(time.Minute))
			if got, err := port.Read(make([]byte, 1)); got != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("asleep it sends %d bytes, %v", got, err)
			}
			_ = port.Close()
		}
	})
}

// One that another program has silenced is there again, with the right values, after one measurement has failed.
func TestSilencedByAnother(t *testing.T) {
	for _, fault := range []simboard.Fault{simboard.Asleep, simboard.Passive} {
		synctest.Test(t, func(t *testing.T) {
			rig := drivertest.NewRig(t, New, "")
			rig.World.Hold("kitchen", "pm25", 40)
			dev := rig.Open(t).(drivers.Sensor)
			if err := rig.Board.Fault(drivertest.Device, fault); err != nil {
				t.Fatal(err)
			}
			if _, err := dev.Sense(t.Context()); err == nil || !strings.Contains(err.Error(), "another program") {
				t.Errorf("%s: %v", fault, err)
			}
			for range 2 {
				if readings, err := dev.Sense(t.Context()); err != nil || readings[1].Value.Number() != 40 {
					t.Errorf("after %s: %v, %v", fault, readings, err)
				}
			}
		})
	}
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
