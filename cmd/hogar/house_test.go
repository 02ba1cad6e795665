package main

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"hogar/gateway/home"
)

// askHouse has a climate that is read once a day, a group, a scene, and rights.
func askHouse(name string) string {
	return house(name, 0) + `  hall.motion: {driver: contact, pin: GPIO27, property: occupancy}
  attic.climate: {driver: bme280, bus: I2C1, address: 0x76, every: 1d}
  porch.lamp: {driver: relay, pin: GPIO22}
groups: {lamps: [hall.lamp, porch.lamp]}
scenes: {evening: {hall.lamp.state: on, porch.lamp.state: off}}
access:
  amqp:guest: {set: [lamps, evening, "hall.#"], get: "#", measure: "attic.*"}
`
}

// The same commands, over the socket and over the broker, say the same.
func TestAskFromAnywhere(t *testing.T) {
	t.Parallel()
	const name = "far"
	g := newGate(t, askHouse(name), "--amqp", broker(t).URL())
	g.run()
	until(t, "all have told", func() bool {
		return g.value("hall.lamp").Known() && g.value("porch.lamp").Known() && g.value("attic.climate").Known() && g.value("hall.motion").Known()
	})
	until(t, "the gateway is present", func() bool { return present(t, name) })
	ways := map[string][]string{"socket": {"--socket", g.socket}, "amqp": {"--amqp", broker(t).URL(), "--gateway", name}}
	for way, flags := range ways {
		for _, one := range []struct {
			args      []string
			code      int
			out, errs string // as regular expressions, of the whole
		}{
			{[]string{"devices", "hall.lamp"}, exitDone, `hall\.lamp +online +\n  state +(on|off) .*\n`, ""},
			{[]string{"devices", "lamps"}, exitDone, `lamps +group: hall\.lamp, porch\.lamp\n`, ""},
			{[]string{"devices", "evening.*"}, exitDone, `evening +scene: hall\.lamp, porch\.lamp\n`, ""},
			{[]string{"set", "lamps", "on"}, exitDone, `lamps state: on  applied\n  hall\.lamp +applied, now state: on\n  porch\.lamp +applied, now state: on\n`, ""},
			{[]string{"set", "evening", "on"}, exitDone, `evening activate: on  applied\n  hall\.lamp .*\n  porch\.lamp .*\n`, ""},
			{[]string{"get", "*.lamp"}, exitDone, `hall\.lamp\.state +on\nporch\.lamp\.state +off\n`, ""},
			{[]string{"get", "lamps"}, exitFailed, "", `hogar: lamps is a group and has no readings; get those of its devices: hall\.lamp, porch\.lamp\n`},
			{[]string{"get", "hall.lmap"}, exitFailed, "", `hogar: no .*hall\.lmap.*did you mean hall\.lamp\?.*\n`},
			{[]string{"measure", "attic.climate.humidity"}, exitDone, `[\d.]+ %\n`, ""},
			{[]string{"measure", "attic.climate"}, exitDone, `attic\.climate\.temperature +\S+ °C\n.*\n.*\n`, ""},
			{[]string{"set", "hall.lamp", "maybe"}, exitFailed, `hall\.lamp state: maybe  rejected: .*\n`, ""},
		} {
			code, out, errs := called(t, append(one.args, flags...)...)
			if code != one.code || !whole(one.out).MatchString(out) || !whole(one.errs).MatchString(errs) {
				t.Errorf("%s: hogar %s: exit code %d, want %d\nstdout: %s\nstderr: %s", way, strings.Join(one.args, " "), code, one.code, out, errs)
			}
		}
	}
	for _, one := range []struct {
		args []string
		code int
		errs string
	}{
		{[]string{"set", "porch.lamp", "on"}, exitFailed, ""}, // rejected: on standard output
		{[]string{"measure", "porch.lamp"}, exitFailed, "amqp:guest may not measure porch.lamp; access: in the configuration says who"},
		{[]string{"get", "a.b", "--socket", g.socket}, exitUsage, "--amqp and --socket are two ways"},
		{[]string{"get", "a.b", "--gateway", ""}, exitUsage, "--amqp needs --gateway"},
		{[]string{"devices", "--gateway", "nobody"}, exitFailed, "no gateway called nobody is connected to this broker"},
		{[]string{"set", "hall.lamp", "on", "--gateway", "nobody"}, exitFailed, "no gateway called nobody is connected to this broker"},
		{[]string{"devices", "--amqp", "amqp://guest:secret@127.0.0.1:1"}, exitFailed, "127.0.0.1:1"},
	} {
		code, _, errs := called(t, append(append([]string{one.args[0]}, ways["amqp"]...), one.args[1:]...)...)
		if code != one.code || !strings.Contains(errs, one.errs) || strings.Contains(errs, "secret") {
			t.Errorf("hogar %s: exit code %d, want %d: %s", strings.Join(one.args, " "), code, one.code, errs)
		}
	}
	if _, _, errs := called(t, "measure", "hall.motion", "--socket", g.socket); !strings.Contains(errs, "tells by itself") {
		t.Errorf("measure of a contact: %s", errs)
	}
	watchOverAMQP(t, g, ways["amqp"])
	watchNobody(t)
}

// watchNobody is told that there is nobody, and waits all the same.
func watchNobody(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs lines
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, []string{"watch", "--amqp", broker(t).URL(), "--gateway", "nobody"}, strings.NewReader(""), &out, &errs)
	}()
	until(t, "watch tells that nobody is there", func() bool { return strings.Contains(errs.String(), "no gateway called nobody is connected") })
	select {
	case code := <-ended:
		t.Errorf("watch ended with %d", code)
	default:
	}
	cancel()
	if code := <-ended; code != exitDone || out.String() != "" {
		t.Errorf("watch: exit code %d, stdout %q", code, out.String())
	}
}

// watchOverAMQP sees what a command does.
func watchOverAMQP(t *testing.T, g *gate, flags []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, errs lines
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, append([]string{"watch", "hall.lamp", "--json"}, flags...), strings.NewReader(""), &out, &errs)
	}()
	seen := regexp.MustCompile(`(?m)^{"device":"hall\.lamp","property":"state","value":(true|false),.*}$`)
	until(t, "watch shows the lamp", func() bool {
		if code, out, errs := called(t, append([]string{"set", "hall.lamp", "toggle", "--json", "--reason", "watched"}, flags...)...); code != exitDone {
			t.Fatalf("set: exit code %d: %s%s", code, out, errs)
		} else if o := (home.Outcome{}); json.Unmarshal([]byte(out), &o) != nil || o.Source != "amqp:guest" || o.Reason != "watched" {
			t.Errorf("set --json printed %s", out)
		}
		return seen.MatchString(out.String())
	})
	cancel()
	if code := <-ended; code != exitDone || errs.String() != "" {
		t.Errorf("watch: exit code %d, stderr %q", code, errs.String())
	}
	if found, err := g.Devices(t.Context(), "hall.lamp.state"); err != nil || found[0].Readings[0].Desired != found[0].Readings[0].Value {
		t.Errorf("the desired state of a lamp that obeyed: %+v, %v", found, err)
	}
}
