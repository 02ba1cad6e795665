package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// The commands that ask a running gateway, over its socket, without any broker.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	g := newGate(t, house("shell", 1), "--amqp", "amqp://127.0.0.1:1", "--start", "2026-03-21 18:30")
	g.run()
	until(t, "both devices have told", func() bool {
		return g.value("hall.lamp").Known() && g.value("room0.climate").Known()
	})
	for _, one := range []struct {
		args      []string
		code      int
		out, errs string // as regular expressions, of the whole
	}{
		{[]string{"devices"}, exitDone,
			`hall\.lamp +online +\n  state +off +(now|\d+ s ago)\nroom0\.climate +online +\n  temperature +[\d.]+ °C .*\n  humidity .* % .*\n  pressure .* hPa .*\n`, ""},
		{[]string{"devices", "*.lamp"}, exitDone, `hall\.lamp +online +\n  state +off .*\n`, ""},
		{[]string{"devices", "cellar.#"}, exitDone, "no device fits; hogar devices lists all\n", ""},
		{[]string{"get", "hall.lamp.state"}, exitDone, "off\n", ""},
		{[]string{"get", "room0.climate"}, exitDone, `room0\.climate\.temperature +[\d.]+ °C\nroom0\.climate\.humidity .*\nroom0\.climate\.pressure .*\n`, ""},
		{[]string{"get", "hall.lmap"}, exitFailed, "", `hogar: no reading of "hall.lmap" \(did you mean hall\.lamp\?\)\n`},
		{[]string{"set", "hall.lamp.state", "on"}, exitDone, `hall\.lamp state: on  applied, now state: on\n`, ""},
		{[]string{"set", "hall.lamp.state", "toggle"}, exitDone, `hall\.lamp state: toggle  applied, now state: off\n`, ""},
		{[]string{"set", "hall.lamp.state", "maybe"}, exitFailed,
			`hall\.lamp state: maybe  rejected: hall\.lamp\.state: maybe is not on, off or toggle \(send on, off or toggle\)\n`, ""},
		{[]string{"set", "hall.lmap.state", "on"}, exitFailed,
			`hall\.lmap state: on  rejected: there is no device "hall\.lmap" \(did you mean hall\.lamp\?\)\n`, ""},
		{[]string{"set", "lamp", "on"}, exitFailed, "", `hogar: there is no device called lamp \(hogar devices lists what there is\)\n`},
		{[]string{"set", "hall.lamp", `{"state":false}`}, exitDone, `hall\.lamp state: off  applied, now state: off\n`, ""},
		{[]string{"set", "hall.lamp", `{"state":false,"colour":"red"}`}, exitFailed, `hall\.lamp state: off, colour: red  rejected: .*\n`, ""},
		{[]string{"set", "room0.climate", "on"}, exitFailed, "", `hogar: nothing of room0\.climate can be set\n`},
		{[]string{"set", "hall.lamp", "on", "--id", "cli-1"}, exitDone, `hall\.lamp state: on  applied, now state: on\n`, ""},
		{[]string{"set", "hall.lamp", "on", "--id", "cli-1", "--expires", "10s"}, exitDone, `hall\.lamp state: on  applied, now state: on\n`, ""},
		{[]string{"set", "hall.lamp", "off", "--id", "cli-1"}, exitFailed, `.*  rejected: id "cli-1" was used for another command before .*\n`, ""},
		{[]string{"set", "hall.lamp", "off", "--expires", "0s"}, exitFailed, `.*  expired: its time was over.*\n`, ""},
		{[]string{"set", "hall.lamp", "off", "--expires", "soon"}, exitUsage, "", `hogar: --expires: .*\nsee: hogar set --help\n`},
		{[]string{"set", "hall.lamp.state"}, exitUsage, "", `hogar: 1 arguments?, expected: hogar set NAME VALUE .*\nsee: hogar set --help\n`},
		{[]string{"set", "hall.lamp.state", "{"}, exitUsage, "", `hogar: the value is not JSON: .*\nsee: hogar set --help\n`},
		{[]string{"get", "a", "b"}, exitUsage, "", `hogar: 2 arguments, .*\nsee: hogar get --help\n`},
		{[]string{"watch", "--wrong"}, exitUsage, "", `hogar: unknown flag: --wrong\nsee: hogar watch --help\n`},
	} {
		code, out, errs := called(t, append(one.args, "--socket", g.socket)...)
		if code != one.code || !whole(one.out).MatchString(out) || !whole(one.errs).MatchString(errs) {
			t.Errorf("hogar %s: exit code %d, want %d\nstdout: %s\nstderr: %s", strings.Join(one.args, " "), code, one.code, out, errs)
		}
	}
	watch(t, g)
	commandLineJSON(t, g)
	if code, took := g.stop(); code != 0 || took > 15*time.Second {
		t.Errorf("SIGTERM: exit code %d after %s", code, took)
	}
}

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`\A(?:` + pattern + `)\z`) }

// commandLineJSON checks what the commands print with --json.
func commandLineJSON(t *testing.T, g *gate) {
	t.Helper()
	code, out, _ := called(t, "set", "hall.lamp.state", "on", "--json", "--socket", g.socket, "--reason", "test")
	var o home.Outcome
	if err := json.Unmarshal([]byte(out), &o); err != nil || code != exitDone {
		t.Fatalf("set: exit code %d, %s: %v", code, out, err)
	}
	want := home.Outcome{Device: "hall.lamp", Set: lampSet(on), Result: home.Applied, Reading: lampSet(on)}
	if diff := cmp.Diff(want, o, ignore); diff != "" || o.Reason != "test" {
		t.Errorf("set: reason %q (-want +got):\n%s", o.Reason, diff)
	}
	if !strings.HasPrefix(o.Source, "cli:") || o.Source == "cli:" {
		t.Errorf("the source of the command is %q", o.Source)
	}
	code, out, _ = called(t, "get", "hall.lamp.state", "--json", "--socket", g.socket)
	var r home.LastReading
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitDone || r.Name != "hall.lamp.state" || r.Value != on || r.Time.Year() != 2026 {
		t.Errorf("get: exit code %d, %s: %v", code, out, err)
	}
	code, out, _ = called(t, "devices", "--json", "--socket", g.socket)
	var names []string
	for line := range strings.Lines(out) {
		var d home.DeviceState
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Errorf("devices: %s: %v", line, err)
		}
		names = append(names, d.Name+" "+d.Driver+" "+d.Status)
	}
	if diff := cmp.Diff([]string{"hall.lamp relay online", "room0.climate bme280 online"}, names); diff != "" || code != exitDone {
		t.Errorf("devices: exit code %d (-want +got):\n%s", code, diff)
	}
}

// watch sees a command, in a form for people and as the events' JSON, until it is
// interrupted.
func watch(t *testing.T, g *gate) {
	t.Helper()
	for _, one := range []struct{ flag, want string }{
		{"--json=false", `(?m)^\d\d:\d\d:\d\d  command by cli:\S+ +hall\.lamp state: off  applied, now state: off$`},
		{"--json", `(?m)^{"device":"hall\.lamp","property":"state","value":false,"time":"2026-03-21T[\d:.]+Z","dseq":\d+}$`},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var out, errs lines
		ended := make(chan int, 1)
		go func() {
			ended <- execute(ctx, []string{"watch", "hall.lamp", one.flag, "--socket", g.socket}, strings.NewReader(""), &out, &errs)
		}()
		until(t, "watch shows "+one.want, func() bool {
			_, _, _ = called(t, "set", "hall.lamp.state", "off", "--socket", g.socket)
			return regexp.MustCompile(one.want).MatchString(out.String())
		})
		cancel()
		if code := <-ended; code != exitDone || errs.String() != "" || strings.Contains(out.String(), "climate") {
			t.Errorf("watch: exit code %d, stderr %q, stdout:\n%s", code, errs.String(), out.String())
		}
	}
}

// Without a gateway the commands say so and what to do.
func TestNoGatewayRuns(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{{"devices"}, {"get", "a.b"}, {"set", "a.b", "on"}, {"watch"}, {"reload"}, {"rule", "list"},
		{"rule", "trace", "a"}, {"rule", "disable", "a"}} {
		code, out, errs := called(t, append(args, "--socket", socket)...)
		want := fmt.Sprintf("hogar: no gateway runs at %s (start one: hogar run --simulate)\n", socket)
		if code != exitFailed || out != "" || errs != want {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", args, code, out, errs)
		}
	}
}

// Mistakes in how hogar is called end with 2, and hogar alone helps.
func TestUsage(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		args      []string
		code      int
		out, errs string // what is in them
	}{
		{nil, exitDone, "hogar run", ""},
		{[]string{"version"}, exitDone, "hogar dev ", ""},
		{[]string{"--help"}, exitDone, "check", ""},
		{[]string{"set", "--help"}, exitDone, "toggle", ""},
		{[]string{"version", "x"}, exitUsage, "", "see: hogar version --help"},
		{[]string{"wacth"}, exitUsage, "", "did you mean watch?"},
		{[]string{"nonsense"}, exitUsage, "", "hogar --help lists the commands"},
		{[]string{"--nonsense"}, exitUsage, "", "unknown flag"},
		{[]string{"run", "--speed", "fast"}, exitUsage, "", "--speed"},
		{[]string{"run", "now"}, exitUsage, "", "see: hogar run --help"},
		{[]string{"run", "--log", "loud"}, exitUsage, "", "debug, info, warn or error"},
		{[]string{"run", "--config", "/nonexistent.yaml"}, exitConfig, "", "/nonexistent.yaml: cannot be read: no such file"},
	} {
		code, out, errs := called(t, one.args...)
		if code != one.code || !strings.Contains(out, one.out) || !strings.Contains(errs, one.errs) || (one.errs == "") != (errs == "") {
			t.Errorf("hogar %s: exit code %d, want %d\nstdout: %s\nstderr: %s", strings.Join(one.args, " "), code, one.code, out, errs)
		}
	}
}

// Flags of run that contradict the configuration or each other.
func TestRunRefuses(t *testing.T) {
	t.Parallel()
	g := newGate(t, house("refuser", 0))
	for _, one := range []struct {
		args []string
		code int
		errs string
	}{
		{[]string{"--speed", "2"}, exitUsage, "a real house lives in real time"},
		{[]string{"--simulate", "--speed", "0"}, exitUsage, "--speed is 0"},
		{[]string{"--simulate", "--start", "teatime"}, exitUsage, "expected a time like 18:30"},
		{[]string{"--simulate", "--gateway", "Casa"}, exitUsage, `"Casa" does not begin`},
	} {
		code, _, errs := called(t, append([]string{"run", "--config", g.config(), "--socket", g.socket}, one.args...)...)
		if code != one.code || !strings.Contains(errs, one.errs) {
			t.Errorf("run %v: exit code %d, want %d: %s", one.args, code, one.code, errs)
		}
	}
}

// The exit code and the output of the process itself.
func TestVersionOfTheProcess(t *testing.T) {
	t.Parallel()
	out, err := hogar(t.TempDir(), "version").Output()
	if err != nil || !regexp.MustCompile(`\Ahogar dev \w+/\w+ go1\.\S+\n\z`).Match(out) {
		t.Errorf("%q, %v", out, err)
	}
}
