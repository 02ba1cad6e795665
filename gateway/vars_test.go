package gateway

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

const withVars = `
gateway: casa
devices:
  hall.lamp: {driver: relay, pin: GPIO17}
vars:
  guests: off
  target: 21.5
  count: 0
  house: {options: [day, night, away], start: day}
scenes:
  leave: {vars.house: away, vars.guests: off}
rules:
  light: {when: vars.guests, do: [{set: {hall.lamp.state: on, vars.count: = vars.count + 1, vars.target: 23}}]}
  dark:  {when: 'vars.house == "away"', do: [{set: {hall.lamp.state: off}}]}
`

// variables returns the values of the variables as others see them.
func (h *testHouse) variables() map[string]string {
	values := make(map[string]string)
	for _, r := range h.device(home.Vars).Readings {
		values[r.Name] = r.Value.String()
	}
	return values
}

// Variables are set like a device, by commands, scenes and rules; rules look at
// them; and they outlive the gateway.
func TestVariables(t *testing.T) {
	journal := t.TempDir()
	first, second := planOf(t, withVars), planOf(t, withVars)
	synctest.Test(t, func(t *testing.T) {
		h := runHouse(t, first, nil, func(o *Options) { o.Journal = journal })
		time.Sleep(time.Second)
		expect := func(what string, want map[string]string) {
			t.Helper()
			if diff := cmp.Diff(want, h.variables()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		expect("at the start", map[string]string{"vars.guests": "off", "vars.target": "21.5", "vars.count": "0", "vars.house": "day"})
		if d := h.device(home.Vars); d.Status != home.Online || len(d.Properties) != 4 || !d.Properties[0].Settable {
			t.Errorf("the variables as a device: %+v", d)
		}
		o := h.set(home.Vars, "guests", home.Toggle)
		if o.Result != home.Applied || o.Reading.String() != "guests: on" {
			t.Errorf("toggle: %+v", o)
		}
		time.Sleep(time.Second)
		expect("after guests came", map[string]string{"vars.guests": "on", "vars.target": "23", "vars.count": "1", "vars.house": "day"})
		if !h.board.Level("GPIO17") {
			t.Error("the lamp is off")
		}
		for property, v := range map[string]home.Value{"house": home.TextOf("holiday"), "target": home.TextOf("warm"), "guest": home.BooleanOf(true)} {
			if o := h.set(home.Vars, property, v); o.Result != home.Rejected || o.Hint == "" {
				t.Errorf("%s %s: %+v", property, v, o)
			}
		}
		if o := h.set("leave", "activate", home.BooleanOf(true)); o.Result != home.Applied {
			t.Errorf("leave: %+v", o)
		}
		time.Sleep(time.Second)
		left := map[string]string{"vars.guests": "off", "vars.target": "23", "vars.count": "1", "vars.house": "away"}
		expect("after all left", left)
		if h.board.Level("GPIO17") {
			t.Error("the lamp is on")
		}
		h.stop()
		h = runHouse(t, second, nil, func(o *Options) { o.Journal = journal })
		defer h.stop()
		time.Sleep(time.Second)
		expect("after a restart", left)
	})
}

// A reload takes variables out, and brings others in with their first value.
func TestVariablesReload(t *testing.T) {
	first := planOf(t, withVars)
	next := planOf(t, "gateway: casa\nvars: {guests: on, target: warm, new: 3}\n")
	gone := planOf(t, "gateway: casa\n")
	synctest.Test(t, func(t *testing.T) {
		plans := []*Plan{next, gone}
		h := runHouse(t, first, nil, func(o *Options) {
			o.Reload = func() (*Plan, error) { p := plans[0]; plans = plans[1:]; return p, nil }
		})
		defer h.stop()
		time.Sleep(time.Second)
		if err := h.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		want := map[string]string{"vars.guests": "off", "vars.target": "warm", "vars.new": "3"} // target is another variable now
		if diff := cmp.Diff(want, h.variables()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err := h.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if d := h.device(home.Vars); d.Name != "" {
			t.Errorf("%+v", d)
		}
	})
}
