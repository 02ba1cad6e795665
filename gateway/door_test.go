package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/config"
	"hogar/gateway/control"
	"hogar/gateway/home"
)

const doorHouse = `gateway: casa
devices:
  hall.lamp: {driver: relay, pin: GPIO17, on_return: reapply, groups: upstairs}
  cellar.heater: {driver: relay, pin: GPIO18, safety: SAFETY}
  cellar.cooler: {driver: relay, pin: GPIO22}
  cellar.probe: {driver: tmp102}
  garden.valve: {driver: mqtt, topic: valve, property: position, type: number, min: 0, max: 100, command_topic: valve/set, safety: VALVE}
mqtt: {url: "mqtt://localhost"}
`

// planned checks a configuration and returns its plan and its problems.
func planned(t *testing.T, text string) (*Plan, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "hogar.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, src, faults := config.Load(name)
	plan := Check(cfg, faults)
	var b strings.Builder
	for _, p := range src.Problems(faults) {
		b.WriteString(strings.TrimPrefix(p.String(), name+":") + "\n")
	}
	return plan, b.String()
}

func withSafety(heater, valve string) string {
	return strings.NewReplacer("SAFETY", heater, "VALVE", valve).Replace(doorHouse)
}

func TestTheDoorIsPlanned(t *testing.T) {
	t.Parallel()
	plan, problems := planned(t, withSafety(`{max_on: 2h, min_on: 1m, min_off: 5m, interlock: cellar.cooler, rate: 10 per 1h,
    on_broker_loss: {after: 5m, then: off}, on_stale: {name: cellar.probe.temperature, for: 10m, then: off}}`,
		"{range: {position: 5..80}, on_broker_loss: {after: 1m, then: {position: 5}}}")+`
groups: {downstairs: [hall.lamp, cellar.cooler]}
scenes:
  away: {downstairs.state: off, garden.valve.position: 10}
  clever: {garden.valve.position: = cellar.probe.temperature}
access:
  amqp:app: [hall.lamp, downstairs.*]
  rule: {set: "#"}
rules:
  leave: {when: cellar.probe.temperature > 40, do: [{scene: away}, {set: {downstairs.state: on}}]}
`)
	if problems != "" {
		t.Fatal(problems)
	}
	off := home.Settings{{Property: "state", Value: home.BooleanOf(false)}}
	want := control.House{
		Groups: map[string][]string{"downstairs": {"hall.lamp", "cellar.cooler"}, "upstairs": {"hall.lamp"}},
		Scenes: map[string]control.Scene{
			"away": {Sets: []control.Wish{{Device: "hall.lamp", Set: off}, {Device: "cellar.cooler", Set: off},
				{Device: "garden.valve", Set: home.Settings{{Property: "position", Value: home.NumberOf(10)}}}}},
			"clever": {Computed: "garden.valve.position"},
		},
		Access: &control.Access{Grants: []control.Grant{
			{Source: "amqp:app", Patterns: map[string][]string{"set": {"hall.lamp", "downstairs.*"}}},
			{Source: "rule", Patterns: map[string][]string{"set": {"#"}, "get": nil, "measure": nil}},
		}},
	}
	values := cmp.AllowUnexported(home.Value{})
	if diff := cmp.Diff(want, plan.door, values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	heater := &control.Safety{Switch: "state", MaxOn: 2 * time.Hour, MinOn: time.Minute, MinOff: 5 * time.Minute,
		Interlock: []string{"cellar.cooler"}, Rate: control.Rate{Most: 10, Within: time.Hour},
		OnLoss:  control.Reaction{After: 5 * time.Minute, Then: off},
		OnStale: control.Reaction{Name: "cellar.probe.temperature", After: 10 * time.Minute, Then: off}}
	valve := &control.Safety{Range: map[string]control.Range{"position": {Least: 5, Most: 80}},
		OnLoss: control.Reaction{After: time.Minute, Then: home.Settings{{Property: "position", Value: home.NumberOf(5)}}}}
	for _, d := range plan.devices {
		switch d.Name {
		case "cellar.heater":
			if diff := cmp.Diff(heater, d.safety, values); diff != "" {
				t.Errorf("heater (-want +got):\n%s", diff)
			}
		case "garden.valve":
			if diff := cmp.Diff(valve, d.safety, values); diff != "" {
				t.Errorf("valve (-want +got):\n%s", diff)
			}
		}
	}
	names := plan.resolver()
	for name, want := range map[string]string{"downstairs.state": "downstairs state", "away.activate": "away activate", "away": "away ",
		"cellar.heater.state": "cellar.heater state"} {
		if device, property, known := names.Resolve(name); !known || device+" "+property != want {
			t.Errorf("%s is %s %s %v", name, device, property, known)
		}
	}
}

func TestFaultsOfTheDoor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ heater, valve, more, want string }{
		{heater: "{max_on: 1m, min_on: 1m}", want: "devices.cellar.heater.safety.min_on is 1m, and max_on switches off after 1m"},
		{heater: "{max_of: 1m}", want: "unknown key 'max_of' (did you mean max_on?)"},
		{heater: "{interlock: [cellar.coler]}", want: "there is no device cellar.coler (did you mean cellar.cooler?)"},
		{heater: "{interlock: cellar.heater}", want: "cellar.heater cannot exclude itself"},
		{heater: "{interlock: garden.valve}", want: "garden.valve is nothing that can be switched on and off"},
		{heater: "{rate: 10/m}", want: "rate is '10/m', expected how often (1 to 1000 times) and in what time, like 10 per 1m"},
		{heater: "{on_stale: {for: 1m, then: off}}", want: "name is missing"},
		{heater: "{on_stale: {name: cellar.probe.temprature, for: 1m, then: off}}", want: "there is no cellar.probe.temprature (did you mean cellar.probe.temperature?)"},
		{heater: "{on_broker_loss: {after: 1m, then: toggle}}", want: "state cannot be 'toggle' here"},
		{heater: "{range: {brightness: 1..2}}", want: "cellar.heater has no number brightness that can be set"},
		{valve: "{max_on: 1h}", want: "garden.valve has nothing to switch"},
		{valve: "{range: {position: 80..5}}", want: "position is '80..5', expected two numbers like 10..80"},
		{valve: "{range: {position: 5..80}, on_broker_loss: {after: 1m, then: {position: 90}}}", want: "garden.valve.position: 90 is not in 5..80"},
		{valve: "{on_broker_loss: {after: 1m, then: off}}", want: "garden.valve has nothing to switch, so then is a map of properties"},
		{more: "groups: {cellar.heater: [hall.lamp]}", want: "cellar.heater is the name of a group and of a device or its property"},
		{more: "groups: {all: [hall.lmp]}", want: "there is no device hall.lmp (did you mean hall.lamp?)"},
		{more: "groups: {all: [hall.lamp, hall.lamp]}", want: "hall.lamp is in the group twice"},
		{more: "groups: {all: []}", want: "all is a group without devices"},
		{more: "groups: {Alle: hall.lamp}", want: `the name of a group: "Alle" does not begin`},
		{more: "groups: {all: hall.lamp}\nscenes: {all: {hall.lamp.state: on}}", want: "all is the name of a scene and of a group"},
		{more: "scenes: {hall.lamp: {hall.lamp.state: on}}", want: "hall.lamp is the name of a scene and of a device or its property"},
		{more: "scenes: {night: {hall.lamp.stat: on}}", want: "scenes.night.hall.lamp.stat"},
		{more: "access: {app: hall.lamp}", want: "'app' is no sender of commands"},
		{more: "access: {'amqp:anonymous': hall.lamp}", want: "who has no name has no rights"},
		{more: "access: {'amqp:': hall.lamp}", want: "'amqp:' names nobody"},
		{more: "access: {rule: {sett: '#'}}", want: "unknown key 'sett' (did you mean set?)"},
		{more: "access: {rule: 'hall..lamp'}", want: "'hall..lamp' is no pattern of names"},
	} {
		orEmpty := func(s string) string {
			if s == "" {
				return "{}"
			}
			return s
		}
		_, problems := planned(t, withSafety(orEmpty(c.heater), orEmpty(c.valve))+c.more+"\n")
		if !strings.Contains(problems, c.want) || strings.Count(problems, "\n") != 1 {
			t.Errorf("%s%s%s:\n%s\nwant %s", c.heater, c.valve, c.more, problems, c.want)
		}
	}
}
