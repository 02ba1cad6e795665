package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"hogar/gateway/api"
)

// ruleHouse has a rule that answers a lamp, one that never starts, and one of which
// check warns.
func ruleHouse(name string) string {
	return house(name, 1) + `  porch.lamp: {driver: relay, pin: GPIO23}
rules:
  follow:
    label: The porch follows the hall
    when: hall.lamp.state
    if: not porch.lamp.state
    do: [{set: {porch.lamp.state: on}}, {wait: 1h}, {set: {porch.lamp.state: off}}]
  evening: {when: {at: 23:00}, do: [{log: good night}]}
  odd:     {when: room0.climate.temperature > 400, do: [{log: fire}]}
`
}

// trace asks for the trace of a rule on the command line.
func (g *gate) trace(name string) (rule api.RuleTrace) {
	g.t.Helper()
	code, out, errs := called(g.t, "rule", "trace", name, "--json", "--socket", g.socket)
	if err := json.Unmarshal([]byte(out), &rule); code != exitDone || err != nil {
		g.t.Fatalf("rule trace %s: exit code %d: %v\n%s%s", name, code, err, out, errs)
	}
	return rule
}

// TestRulesOnTheCommandLine lists the rules, shows what one did, and switches it
// off and on; all of it outlives a power cut.
func TestRulesOnTheCommandLine(t *testing.T) {
	t.Parallel()
	g := newGate(t, ruleHouse("ruler"), "--amqp", "amqp://127.0.0.1:1")
	g.run()
	until(t, "the lamps have told", func() bool { return g.value("hall.lamp").Known() && g.value("porch.lamp").Known() })
	called(t, "set", "hall.lamp.state", "on", "--socket", g.socket)
	until(t, "the porch follows", func() bool { return g.value("porch.lamp") == on })
	for _, to := range []string{"off", "on"} {
		called(t, "set", "hall.lamp.state", to, "--socket", g.socket)
	}
	var follow api.RuleTrace
	until(t, "the rule waits, and was asked again", func() bool {
		follow = g.trace("follow")
		return len(follow.Quiet) == 1 && len(follow.Runs) == 1 && len(follow.Runs[0].Steps) == 3
	})
	run := follow.Runs[0]
	if follow.State != "running" || follow.Label == "" || run.State != "running" || run.If != "porch.lamp.state off" ||
		run.Event != "hall.lamp.state on" || run.Steps[1].Did != "porch.lamp applied" || !follow.Next.Equal(run.Steps[2].At.Add(3600e9)) {
		t.Errorf("%+v", follow)
	}
	if q := follow.Quiet[0]; q.Why != "if is false" || q.If != "porch.lamp.state on" {
		t.Errorf("%+v", q)
	}
	ruleTexts(t, g)

	g.kill()
	g.run()
	if got := g.trace("evening"); got.State != "disabled" || got.Enabled || !strings.Contains(got.Why, "holiday") {
		t.Errorf("after a power cut: %+v", got)
	}
	if got := g.trace("follow"); len(got.Runs) != 1 || len(got.Quiet) != 1 || len(got.Runs[0].Steps) != 3 {
		t.Errorf("after a power cut: %+v", got)
	}
	if code, out, _ := called(t, "rule", "enable", "evening", "--json", "--socket", g.socket); code != exitDone || !strings.Contains(out, `"enabled":true`) {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, _, errs := called(t, "reload", "--socket", g.socket); code != exitDone {
		t.Fatal(errs)
	}
	if got := g.trace("evening"); !got.Enabled || got.Next.IsZero() {
		t.Errorf("after a reload: %+v", got)
	}
}

// TestRulesOverAMQP: from another machine the same is shown, and only what access lets be seen.
func TestRulesOverAMQP(t *testing.T) {
	t.Parallel()
	const name = "farruler"
	url := broker(t).URL()
	g := newGate(t, strings.Replace(ruleHouse(name), "rules:\n", "access:\n  amqp:guest: {get: [rule.follow, rule.evening]}\nrules:\n", 1), "--amqp", url)
	g.run()
	until(t, "the lamps have told", func() bool { return g.value("hall.lamp").Known() && g.value("porch.lamp").Known() })
	called(t, "set", "hall.lamp.state", "on", "--socket", g.socket)
	until(t, "the rule waits", func() bool { return len(g.trace("follow").Runs) == 1 && len(g.trace("follow").Runs[0].Steps) == 3 })
	until(t, "the gateway is present", func() bool { return present(t, name) })
	for _, args := range [][]string{{"list"}, {"list", "--json"}, {"trace", "follow"}, {"trace", "follow", "--json"}} {
		args = append([]string{"rule"}, args...)
		_, want, _ := called(t, append(args, "--socket", g.socket)...)
		if args[1] == "list" {
			lines := strings.SplitAfter(want, "\n")
			want = strings.Join(lines[:2], "") // odd may not be seen
		}
		code, out, errs := called(t, append(args, "--amqp", url, "--gateway", name)...)
		if plain := regexp.MustCompile(`ran (now|\d+ s ago) +| +`); code != exitDone || errs != "" || plain.ReplaceAllString(out, " ") != plain.ReplaceAllString(want, " ") {
			t.Errorf("hogar %s: exit code %d %s\ngot  %s\nwant %s", strings.Join(args, " "), code, errs, out, want)
		}
	}
	for _, one := range []struct{ args, errs string }{
		{"trace folow", "hogar: there is no rule folow; did you mean follow?\n"},
		{"trace odd", "hogar: amqp:guest may not get rule.odd; access: in the configuration says who may do what\n"},
		{"trace ode", "hogar: there is no rule ode; `hogar rule list` lists them\n"},
		{"trace #", "hogar: there is no rule #; `hogar rule list` lists them\n"},
	} {
		args := append(append([]string{"rule"}, strings.Fields(one.args)...), "--amqp", url, "--gateway", name)
		if code, out, errs := called(t, args...); code != exitFailed || out != "" || errs != one.errs {
			t.Errorf("hogar rule %s: exit code %d %s%s, want %s", one.args, code, out, errs, one.errs)
		}
	}
}

// ruleTexts holds the commands' output for people against what it should be.
func ruleTexts(t *testing.T, g *gate) {
	t.Helper()
	const day = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`
	for _, one := range []struct {
		args      []string
		code      int
		out, errs string // as regular expressions, of the whole
	}{
		{[]string{"list"}, exitDone,
			`follow +running +ran (now|\d+ s ago) +running since \S+: hall.lamp.state on, at: wait 1h\n` +
				`evening +idle +never ran +waits for at 23:00\n` +
				`odd +idle +never ran +waits for room0.climate.temperature > 400\n +never true: .*\n`, ""},
		{[]string{"trace", "follow"}, exitDone, `follow is running: .*\nit looks again at ` + day + `\n` +
			day + `  run 1 started by hall.lamp.state on \(if saw porch.lamp.state off\)\n  ` + day + `  set porch.lamp state: on\n  ` +
			day + `  porch.lamp applied\n  ` + day + `  wait 1h\n  running\n` +
			day + `  not started: if is false, by hall.lamp.state on \(if saw porch.lamp.state on\)\n`, ""},
		{[]string{"disable", "evening", "--reason", "holiday"}, exitDone, `evening is disabled: disabled at \d\d:\d\d:\d\d: by cli:\S+: holiday\n`, ""},
		{[]string{"trace", "folow"}, exitFailed, "", `hogar: there is no rule folow \(did you mean follow\?\)\n`},
		{[]string{"disable", "nothing_like_it"}, exitFailed, "", `hogar: there is no rule nothing_like_it \(hogar rule list lists them\)\n`},
		{[]string{"enable"}, exitUsage, "", `(?s).*expected: hogar rule enable NAME.*`},
	} {
		code, out, errs := called(t, append(append([]string{"rule"}, one.args...), "--socket", g.socket)...)
		if code != one.code || !whole(one.out).MatchString(out) || !whole(one.errs).MatchString(errs) {
			t.Errorf("hogar rule %s: exit code %d, want %d\nstdout: %s\nstderr: %s", strings.Join(one.args, " "), code, one.code, out, errs)
		}
	}
}
