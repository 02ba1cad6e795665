package ds18b20

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// board is a board whose sensor shows one w1_slave after the other.
type board struct {
	drivers.Board
	shows []string
}

func (b *board) Files() drivers.Files { return b }
func (b *board) Glob(string) ([]string, error) {
	return []string{folder + "28-000000000001/w1_slave"}, nil
}
func (b *board) WriteFile(string, []byte) error { return errors.New("written") }
func (b *board) ReadFile(name string) (text []byte, _ error) {
	if !strings.HasSuffix(name, "/w1_slave") {
		return nil, errors.New("asked for " + name)
	}
	text, b.shows = []byte(b.shows[0]), b.shows[1:]
	return text, nil
}

// slave is the file w1_slave of a kernel (w1_slave_show in drivers/w1/slaves/w1_therm.c).
func slave(bytes, t string) string {
	return fmt.Sprintf("%s : crc=%s YES\n%s t=%s\n", bytes, bytes[len(bytes)-2:], bytes, t)
}

// What sensors, and buses without one, have answered, and what that is.
func TestScratchpads(t *testing.T) {
	for _, one := range []struct {
		name, shows string
		want        float64
		says        string // of the error; empty: none
	}{
		{"a bus at ground (vzlogger pull request 610)", slave("00 00 00 00 00 00 00 00 00", "0"), 0, "nine zeros"},
		{"0 °C that was measured", slave("00 00 4b 46 7f ff 10 10 69", "0"), 0, ""},
		{"power-up (datasheet, table 1; w1_therm.c)", slave("50 05 4b 46 7f ff 0c 10 1c", "85000"), 0, "85 °C"},
		{"85 °C that was measured", slave("50 05 4b 46 7f ff 10 10 bd", "85000"), 85, ""},
		{"its supply fell (w1_therm.c)", slave("ff 07 4b 46 7f ff 0c 10 a6", "127937"), 0, "127.94 °C"},
		{"a real sensor (librasp issue 1)", slave("4b 01 4b 46 7f ff 05 10 e1", "20687"), 20.687, ""},
		{"one whose byte 6 is always 0c (mqtt-io issue 156)", slave("48 01 4b 46 7f ff 0c 10 96", "20500"), 20.5, ""},
		{"below zero (datasheet, table 1)", slave("5e ff 4b 46 7f ff 02 10 00", "-10125"), -10.125, ""},
		{"a wrong checksum", "4b 01 4b 46 7f ff 05 10 e0 : crc=e1 NO\n4b 01 4b 46 7f ff 05 10 e1 t=20687\n", 0, "checksum is wrong"},
		{"no answer: the kernel's file is empty", "", 0, "no answer"},
		{"125.06 °C", slave("d1 07 4b 46 7f ff 0f 10 00", "125062"), 0, "cannot measure"},
		{"eight bytes", "4b 01 4b 46 7f ff 05 10 : crc=e1 YES\nt=20687\n", 0, "is no measurement"},
		{"no temperature", "4b 01 4b 46 7f ff 05 10 e1 : crc=e1 YES\n", 0, "is no measurement"},
		{"no bytes", "a b c d e f g h i : crc=e1 YES\nt=1\n", 0, "expected nine bytes"},
	} {
		b := &board{shows: []string{one.shows, one.shows}}
		got, err := senses(t, options, b)(t.Context())
		switch {
		case one.says == "" && (err != nil || got[0].Value.Number() != one.want):
			t.Errorf("%s: %v, %v, want %v", one.name, got, err, one.want)
		case one.says != "" && (err == nil || !strings.Contains(err.Error(), one.says)):
			t.Errorf("%s: %v, %v, want an error that says %q", one.name, got, err, one.says)
		}
	}
}

// senses opens a sensor on a board.
func senses(t *testing.T, options string, b drivers.Board) func(context.Context) ([]drivers.Reading, error) {
	t.Helper()
	spec, faults := drivertest.Decode(New, options)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	dev, err := spec.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return dev.(drivers.Sensor).Sense
}

// A DS18B20 that has not measured is asked once more; a DS18S20 holds AA 00 and 0C at 85 °C, measured or not.
func TestPowerOnValueIsRefused(t *testing.T) {
	words := map[string]string{
		"21":    slave("50 01 4b 46 7f ff 10 10 3f", "21000"),
		"fresh": slave("50 05 4b 46 7f ff 0c 10 1c", "85000"),
		"85":    slave("50 05 4b 46 7f ff 10 10 bd", "85000"),
		"s82":   slave("a4 00 4b 46 ff ff 0c 10 00", "82000"),
		"s85":   slave("aa 00 4b 46 ff ff 0c 10 87", "85000"),
	}
	for _, one := range []struct {
		options, shows string
		want           string // for each Sense: ok or refused
	}{
		{options, "21 fresh 21", "ok ok"}, // asked again at once
		{options, "fresh fresh 21", "refused ok"},
		{options, "85 85", "ok ok"},
		{"id: 10-000802824e58", "s85 s85 s82 s85 s85", "refused ok ok ok"},
	} {
		b := &board{}
		for word := range strings.FieldsSeq(one.shows) {
			b.shows = append(b.shows, words[word])
		}
		sense := senses(t, one.options, b)
		var got []string
		for len(b.shows) > 0 {
			word := "ok"
			if _, err := sense(t.Context()); err != nil {
				word = "refused"
			}
			got = append(got, word)
		}
		if strings.Join(got, " ") != one.want {
			t.Errorf("%s: %v, want %s", one.shows, got, one.want)
		}
	}
}

func FuzzScratchpad(f *testing.F) {
	f.Add(slave("50 05 4b 46 7f ff 0c 10 1c", "85000"))
	f.Add(slave("00 00 00 00 00 00 00 00 00", "0"))
	f.Fuzz(func(t *testing.T, text string) {
		pad, celsius, err := parse(text)
		if err == nil && (math.IsNaN(celsius) || math.IsInf(celsius, 0)) {
			t.Errorf("%q is %v", text, celsius)
		}
		if pad == (scratchpad{}) && err == nil && pad.measured() == nil {
			t.Errorf("%q: nine zeros are a measurement", text)
		}
	})
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
