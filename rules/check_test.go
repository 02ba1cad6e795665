package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hogar/gateway/config"
)

// checkHouse is the house of the files in testdata/check.
var checkHouse = houseOf(`
	hall.motion.occupancy boolean
	hall.light.illuminance number 0..100000
	hall.lamp.state boolean settable
	hall.lamp.brightness number 0..100 settable
	porch.lamp.state boolean settable
	shelf.lamp.state boolean settable
	hall.button.action event single double
	cellar.probe.temperature number -40..125
	cellar.heater.state boolean settable
	hvac.mode choice off heat cool settable
`)

// findings loads a file of rules and returns what is told about it.
func findings(t *testing.T, path string) []string {
	t.Helper()
	n, src, faults := config.File(path)
	o := place0
	o.Vars = node(pairs{"guests", "off", "n", "0", "house", pairs{"options", []any{"day", "night", "away"}, "start", "day"}}, "vars")
	Load(n.Get("rules"), checkHouse, o, faults)
	var list []string
	for _, p := range src.Problems(faults) {
		list = append(list, p.String())
	}
	return list
}

// TestFaultyFiles: each file has one slip that must be named, and nothing else.
func TestFaultyFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/check/faulty/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		want := strings.TrimPrefix(first, "# finds: ")
		got := findings(t, path)
		if len(got) != 1 || !strings.Contains(got[0], " "+want+": ") && !strings.Contains(got[0], " "+want+" true") {
			t.Errorf("%s: expected %s, found %q", filepath.Base(path), want, got)
		}
		t.Log(got)
	}
}

// TestSoundFiles: nothing is told about what can be meant.
func TestSoundFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/check/sound/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, path := range files {
		if got := findings(t, path); len(got) > 0 {
			t.Errorf("%s: %q", filepath.Base(path), got)
		}
	}
}
