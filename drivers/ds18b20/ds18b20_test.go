package ds18b20

import (
	"errors"
	"strings"
	"testing"
	"time"

	"testing/synctest"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

const options = "id: 28-0316a27902ff"

func TestContract(t *testing.T) {
	drivertest.Run(t, drivertest.Case{
		Driver:     New,
		Options:    options,
		Wrong:      []string{"", "id: 28-0316A27902FF", "id: 29-0316a27902ff", "id: 28-0316a27902f", "id: ../28-0316a27902ff"},
		Resolution: map[string]float64{"temperature": 0.0005}, // the kernel cuts 0.0625 to 0.062
	})
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, options, map[string]drivertest.Range{"temperature": {Least: -55, Most: 124.9, Within: 0.0625/2 + 0.0005}})
}

// board is a board whose sensor shows one temperature after the other.
type board struct {
	drivers.Board
	shows []string
}

func (b *board) Files() drivers.Files { return b }
func (b *board) Glob(string) ([]string, error) {
	return []string{folder + "28-000000000001/temperature"}, nil
}
func (b *board) WriteFile(string, []byte) error { return errors.New("written") }
func (b *board) ReadFile(string) (text []byte, _ error) {
	text, b.shows = []byte(b.shows[0]), b.shows[1:]
	return text, nil
}

func TestPowerOnValueIsRefused(t *testing.T) {
	for _, one := range []struct {
		shows string
		want  string // for each Sense: ok or refused
	}{
		{"21062 85000 21125", "ok ok"},      // asked again at once
		{"85000 85000 21000", "refused ok"}, // never measured
		{"21000 85000 85000 84000", "ok refused ok"},
		{"82000 85000 85000 90000", "ok ok ok ok"}, // a boiler
		{"126000 -55062 nothing", "refused refused refused"},
	} {
		b := &board{shows: strings.Fields(one.shows)}
		spec, _ := drivertest.Decode(New, options)
		dev, err := spec.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for len(b.shows) > 0 {
			word := "ok"
			if _, err := dev.(drivers.Sensor).Sense(t.Context()); err != nil {
				word = "refused"
			}
			got = append(got, word)
		}
		if strings.Join(got, " ") != one.want {
			t.Errorf("%s: %v, want %s", one.shows, got, one.want)
		}
	}
}

func TestTakesItsTimeAndNamesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, options)
		dev, begin := rig.Open(t).(drivers.Sensor), time.Now()
		if _, err := dev.Sense(t.Context()); err != nil || time.Since(begin) != 750*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		spec, _ := drivertest.Decode(New, "id: 28-000000000001")
		other, err := spec.Open(t.Context(), rig.Board)
		if err == nil {
			_, err = other.(drivers.Sensor).Sense(t.Context())
		}
		if !errors.Is(err, drivers.ErrAbsent) || !strings.Contains(err.Error(), "28-0316a27902ff") {
			t.Errorf("of a sensor that is not there: %v", err)
		}
	})
}
