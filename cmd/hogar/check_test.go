package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mistakes is a configuration in which each line that ends in a comment has one
// mistake: the comment is a piece of what must be told of it, the cure included.
const mistakes = `gateway: casa
location: {latitude: 91, longitude: -64.18}                        #: latitude is 91, expected a number from -90 to 90
amqp:
  history: strem                                                   #: did you mean stream?
journal: {keep: 7}                                                 #: expected a duration like 200ms
devices:
  kitchen.climate: {driver: bme820}                                #: did you mean bme280?
  hall.light: {driver: bh1750, address: 0x24}                      #: expected 0x23 or 0x5c
  hall.motion: {driver: contact, pin: 27, property: occupancy}     #: write GPIO27
  hall.lamp: {driver: relay, pin: GPIO17, active_lo: true}         #: did you mean active_low?
  porch.lamp: {driver: relay, pin: GPIO17}                         #: taken by hall.lamp (give one of them another)
  Attic Lamp: {driver: relay, pin: GPIO5}                          #: write attic_lamp
rules:
  night:
    when: hall.motoin.occupancy                                    #: did you mean hall.motion.occupancy?
    if: hall.light.illuminance < "dark"                            #: a text has no order (write == or !=)
    do:
      - set: {hall.lamp.state: maybe}                              #: maybe is not on, off or toggle
      - wait: 5x                                                   #: expected a duration like 200ms
  typo:
    when: hall.motion.occupancy
    doo: []                                                        #: did you mean do?
`

// All mistakes of a file are told at once, each with its line and the cure.
func TestCheckNamesEveryMistake(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hogar.yaml")
	if err := os.WriteFile(file, []byte(mistakes), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := called(t, "check", file)
	if code != exitFailed || errs != "" {
		t.Errorf("exit code %d, on stderr: %s", code, errs)
	}
	told := make(map[int]string)
	for line := range strings.Lines(out) {
		var number, column int
		if rest, ok := strings.CutPrefix(line, file+":"); ok {
			if _, err := fmt.Sscanf(rest, "%d:%d:", &number, &column); err == nil {
				told[number] += line
			}
		}
	}
	expected := 0
	for i, line := range strings.Split(mistakes, "\n") {
		_, want, ok := strings.Cut(line, "#: ")
		if !ok {
			continue
		}
		expected++
		if !strings.Contains(told[i+1], want) {
			t.Errorf("line %d: told %q, want %q", i+1, told[i+1], want)
		}
		delete(told, i+1)
	}
	delete(told, 20) // that do is missing, at its rule
	if len(told) > 0 || expected < 10 {
		t.Errorf("%d mistakes; beside them: %v", expected, told)
	}
	if !strings.HasSuffix(out, fmt.Sprintf("%s: %d faults\n", file, expected+1)) {
		t.Errorf("the last line: %q", tail(out, 1))
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const (
		good = "gateway: casa\ndevices:\n  hall.lamp: {driver: relay, pin: GPIO17}\n"
		warn = good + "amqp: {urls: [\"amqp://casa:secret@broker.example\"]}\n"
		bad  = "gateway: Casa\n"
	)
	dir := t.TempDir()
	for name, text := range map[string]string{"good": good, "warn": warn, "bad": bad} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range []struct {
		name      string
		args      []string
		code      int
		out, errs string // how they begin; @ is the folder
	}{
		{"good", []string{"@good"}, exitDone, "@good: ok, 1 device, 0 rules\n", ""},
		{"a warning is no fault", []string{"@warn"}, exitDone, "@warn:4:15: warning: amqp.urls.0: the password", ""},
		{"bad", []string{"@bad"}, exitFailed, "@bad:1:10: gateway: \"Casa\" does not begin", ""},
		{"one of two", []string{"@good", "@bad"}, exitFailed, "@good: ok", ""},
		{"missing", []string{"@none"}, exitFailed, "@none: cannot be read: no such file", ""},
		{"nothing", []string{"@good", "--jsn"}, exitUsage, "", "hogar: unknown flag: --jsn\nsee: hogar check --help\n"},
	} {
		t.Run(one.name, func(t *testing.T) {
			for i, a := range one.args {
				one.args[i] = strings.ReplaceAll(a, "@", dir+"/")
			}
			code, out, errs := called(t, append([]string{"check"}, one.args...)...)
			at := func(s string) string { return strings.ReplaceAll(s, "@", dir+"/") }
			if code != one.code || !strings.HasPrefix(out, at(one.out)) || !strings.HasPrefix(errs, at(one.errs)) || one.errs == "" && errs != "" {
				t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s", code, out, errs)
			}
			if strings.Contains(out, "secret") {
				t.Errorf("a password is shown:\n%s", out)
			}
		})
	}
}

// Faults as JSON, of a configuration that comes on standard input.
func TestCheckJSON(t *testing.T) {
	t.Parallel()
	cmd := hogar(t.TempDir(), "check", "--json", "-")
	cmd.Stdin = strings.NewReader("gateway: Casa\n")
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("exit code %d, %v", cmd.ProcessState.ExitCode(), err)
	}
	type problem struct {
		File    string
		Line    int
		Column  int
		Message string
	}
	var got problem
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	want := problem{"<stdin>", 1, 10, `gateway: "Casa" does not begin with a lower-case letter`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCheckOfTheMachine: what the kernel of this machine will do otherwise is a warning at the device, and no fault.
func TestCheckOfTheMachine(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{
		"sys/firmware/devicetree/base/model":                         "Raspberry Pi 4 Model B Rev 1.4\x00",
		"sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs": "N\n",
		"hogar.yaml": "gateway: casa\ndevices:\n  hall.lamp: {driver: relay, pin: GPIO17}\n  hall.fan: {driver: relay, pin: GPIO18, on_exit: off}\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(root, "hogar.yaml")
	code, out, _ := called(t, "check", "--root", root, file)
	if code != exitDone || strings.Count(out, "persist_gpio_outputs is N") != 1 || !strings.Contains(out, file+":3:") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if code, out, _ := called(t, "check", "--root", t.TempDir(), file); code != exitDone || strings.Contains(out, "persist") {
		t.Errorf("on what is no Raspberry Pi: exit code %d\n%s", code, out)
	}
}
