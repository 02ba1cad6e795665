package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// TestRuleTestOfTheExamples runs the tests of the rules that hogar is shipped
// with, as a user does.
func TestRuleTestOfTheExamples(t *testing.T) {
	junit := filepath.Join(t.TempDir(), "junit.xml")
	code, out, errs := called(t, "rule", "test", "../../configs", "--cover", "--junit", junit)
	if code != exitDone || errs != "" {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if strings.Count(out, "ok    ../../configs/") < 3 || strings.Contains(out, "never") {
		t.Error(out)
	}
	if xml, err := os.ReadFile(junit); err != nil || strings.Count(string(xml), "<testcase ") < 10 {
		t.Error(err, string(xml))
	}
}

func TestRuleTestFails(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	wrong := write("wrong_test.yaml", `tests:
  - name: the lamp is dark
    start: 2026-07-01 23:00
    given: {hall.motion.occupancy: off, hall.light.illuminance: 4}
    steps:
      - {read: {hall.motion.occupancy: on}}
`)
	code, out, _ := called(t, "rule", "test", "--config", "../../configs/pi.yaml", wrong)
	if code != exitFailed || !strings.Contains(out, wrong+":6:9: at 0s (23:00:00) hall_light_at_night sets hall.lamp.state: on, which no step expects") ||
		!strings.Contains(out, "FAIL  "+wrong+"  0 passed, 1 failed") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	code, out, _ = called(t, "rule", "test", "--config", "../../configs/pi.yaml", "--json", wrong)
	if code != exitFailed || !json.Valid([]byte(out)) {
		t.Errorf("exit code %d\n%s", code, out)
	}
	faulty := write("faulty_test.yaml", "tests:\n  - {name: x, start: 2026-07-01 23:00, steps: [{raed: {}}]}\n")
	code, _, errs := called(t, "rule", "test", "--config", "../../configs/pi.yaml", faulty)
	if code != exitFailed || !strings.Contains(errs, "did you mean read?") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	for _, args := range [][]string{{"rule", "test"}, {"rule", "replay"}, {"rule", "replay", "--rules", wrong, "--since", "x"}} {
		if code, _, errs := called(t, args...); code != exitUsage {
			t.Errorf("%v: exit code %d\n%s", args, code, errs)
		}
	}
	if code, _, errs := called(t, "rule", "test", t.TempDir()); code != exitFailed || !strings.Contains(errs, "has no file *_test.yaml") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

// TestRuleReplay writes a journal, and replays it with a rule that was edited.
func TestRuleReplay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 7, 2, 2, 0, 0, 0, time.UTC)
	for i, ev := range []home.Event{
		{Device: "hall.light", Property: "illuminance", Value: home.NumberOf(4)},
		{Device: "hall.motion", Property: "occupancy", Value: home.BooleanOf(false)},
		{Device: "hall.motion", Property: "occupancy", Value: home.BooleanOf(true)},
		{Device: "hall.motion", Property: "occupancy", Value: home.BooleanOf(false)},
		{Device: "cellar.probe", Property: "temperature", Value: home.NumberOf(8)},
	} {
		ev.Kind, ev.At = home.KindReading, start.Add(time.Duration(i)*10*time.Minute)
		body, err := ev.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Append(journal.Record{Time: ev.At.UnixMicro(), Kind: uint8(ev.Kind), Body: body}, true, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edited := filepath.Join(t.TempDir(), "edited.yaml")
	if err := os.WriteFile(edited, []byte(`rules:
  hall_light_at_night:
    when: hall.motion.occupancy
    if: hall.light.illuminance < 30
    do:
      - set: {hall.lamp.state: on}
      - wait: {until: not hall.motion.occupancy, for: 5m}
      - set: {hall.lamp.state: off}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := called(t, "rule", "replay", "--config", "../../configs/pi.yaml", "--journal", dir, "--rules", edited)
	want := `hall_light_at_night
  - 2026-07-01 23:32:00  set hall.lamp state: off
  + 2026-07-01 23:35:00  set hall.lamp state: off
1 rules act otherwise, 2 the same; 5 events from 2026-07-01 23:00:00 to 2026-07-01 23:40:00
`
	if code != exitDone || out != want {
		t.Errorf("exit code %d %s\n%s", code, errs, out)
	}
}

// TestRuleReplayFromTheStream replays what a gateway has published, with nothing but
// the broker and the configuration.
func TestRuleReplayFromTheStream(t *testing.T) {
	t.Parallel()
	const name = "replayed"
	yaml := house(name, 0) + `  porch.lamp: {driver: relay, pin: GPIO23}
vars: {away: off}
rules:
  follow: {when: hall.lamp.state, if: not vars.away, do: [{set: {porch.lamp.state: on}}]}
`
	url := broker(t).URL()
	g := newGate(t, yaml, "--amqp", url)
	g.run()
	until(t, "the lamps have told", func() bool { return g.value("hall.lamp").Known() && g.value("porch.lamp").Known() })
	for _, set := range [][2]string{{"hall.lamp.state", "on"}, {"hall.lamp.state", "off"}, {"vars.away", "on"}, {"hall.lamp.state", "on"}} {
		if code, out, errs := called(t, "set", set[0], set[1], "--socket", g.socket); code != exitDone {
			t.Fatal(out, errs)
		}
	}
	until(t, "all is with the broker", func() bool { return g.status().Journal.Waiting == 0 })
	g.stop()
	edited := filepath.Join(t.TempDir(), "edited.yaml")
	if err := os.WriteFile(edited, []byte("rules:\n  follow: {when: hall.lamp.state, if: not vars.away, do: [{set: {porch.lamp.state: off}}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := called(t, "rule", "replay", "--config", g.config(), "--amqp", url, "--rules", edited, "--since", "1h")
	const day = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`
	want := `follow\n  - ` + day + `  set porch\.lamp state: on\n  \+ ` + day + `  set porch\.lamp state: off\n1 rules act otherwise, 0 the same; .*\n`
	if code != exitDone || errs != "" || !whole(want).MatchString(out) {
		t.Errorf("exit code %d %s\n%s", code, errs, out)
	}
}
