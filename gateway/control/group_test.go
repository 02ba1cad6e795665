package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

var switchProperties = []home.Property{{Name: "state", Type: home.TypeBoolean, Settable: true}}

// downstairs is a house of two lamps, of which one can be dimmed, in a group, and a scene.
func downstairs(hall, kitchen *lamp) House {
	return House{
		Devices: map[string]Device{"hall.lamp": {Properties: lampProperties, Actuator: hall},
			"kitchen.lamp": {Properties: switchProperties, Actuator: kitchen}},
		Groups: map[string][]string{"downstairs": {"hall.lamp", "kitchen.lamp"}},
		Scenes: map[string]Scene{
			"wake_up": {Sets: []Wish{{"hall.lamp", accepted(set("state", "on", "brightness", 40))}, {"kitchen.lamp", accepted(set("state", "off"))}}},
			"clever":  {Computed: "hall.lamp.brightness"},
		},
	}
}

// parts shows an outcome with its parts.
func parts(o home.Outcome) string {
	shown := []string{string(o.Result), o.Error}
	for _, p := range o.Parts {
		shown = append(shown, p.Device+" "+string(p.Result))
	}
	return strings.Join(shown, "|")
}

func TestGroupsAndScenes(t *testing.T) {
	for _, c := range []struct {
		name   string
		device string
		set    home.Settings
		breaks bool // the kitchen's lamp fails
		want   string
		sets   string
	}{
		{"both", "downstairs", set("state", "on"), false, "applied||hall.lamp applied|kitchen.lamp applied", "[state=on] [state=on]"},
		{"one cannot", "downstairs", set("brightness", 3), false,
			`failed|1 of 2: kitchen.lamp: kitchen.lamp has no property "brightness"|hall.lamp applied|kitchen.lamp rejected`, "[brightness=3] []"},
		{"none can", "downstairs", set("colour", "red"), false,
			`rejected|2 of 2: hall.lamp: hall.lamp has no property "colour"|hall.lamp rejected|kitchen.lamp rejected`, "[] []"},
		{"one fails", "downstairs", set("state", "on"), true, "failed|1 of 2: kitchen.lamp: pin broken|hall.lamp applied|kitchen.lamp failed", "[state=on] []"},
		{"scene", "wake_up", set("activate", "on"), false, "applied||hall.lamp applied|kitchen.lamp applied", "[state=on brightness=40] [state=off]"},
		{"not a scene's way", "wake_up", set("state", "on"), false, "rejected|wake_up is a scene, which is activated and nothing else", "[] []"},
		{"a computed scene", "clever", set("activate", true), false, "rejected|scene clever computes hall.lamp.brightness, which only a rule can", "[] []"},
	} {
		t.Run(c.name, func(t *testing.T) {
			hall, kitchen := &lamp{device: "hall.lamp"}, &lamp{device: "kitchen.lamp"}
			if c.breaks {
				kitchen.err = errors.New("pin broken")
			}
			h := again(t, nil)
			live(t, h, downstairs(hall, kitchen))
			cmd := home.Command{ID: "x", Device: c.device, Set: c.set}
			first := submit(t, h.control, cmd)
			if got := parts(first); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if got := fmt.Sprint(hall.seen(), " ", kitchen.seen()); got != c.sets {
				t.Errorf("sets %s, want %s", got, c.sets)
			}
			second := submit(t, h.control, cmd)
			first.TookMS, second.TookMS = 0, 0
			if diff := cmp.Diff(first, second, cmp.AllowUnexported(home.Value{})); diff != "" {
				t.Errorf("asked again (-first +second):\n%s", diff)
			}
		})
	}
}

// TestCutOffGroup kills the gateway after each record of a command to a group.
func TestCutOffGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			set  home.Settings
			most int // times that a lamp is set, over both lives
			want []home.Result
		}{
			{set("state", "on"), 2, []home.Result{home.Applied}},
			{set("state", "toggle"), 1, []home.Result{home.Applied, home.Failed, home.Undecided}},
		} {
			first := again(t, nil)
			before := []home.Event{readingOf("state", home.BooleanOf(false)), readingOf("state", home.BooleanOf(false))}
			before[1].Device = "kitchen.lamp"
			hall, kitchen := &lamp{device: "hall.lamp"}, &lamp{device: "kitchen.lamp"}
			live(t, first, downstairs(hall, kitchen))
			first.Accept(before, nil)
			submit(t, first.control, home.Command{ID: "x", Device: "downstairs", Set: c.set})
			for n := 2; n < len(first.records); n++ {
				acted := make(map[string]bool) // from its intent on it may have
				for _, ev := range first.records[:n] {
					acted[ev.Device] = acted[ev.Device] || ev.Kind == home.KindCommand
				}
				hall, kitchen := &lamp{device: "hall.lamp"}, &lamp{device: "kitchen.lamp"}
				h := again(t, first.records[:n])
				live(t, h, downstairs(hall, kitchen))
				o := submit(t, h.control, home.Command{ID: "x", Device: "downstairs", Set: c.set})
				if !slices.Contains(c.want, o.Result) || len(o.Parts) != 2 {
					t.Errorf("%s, cut after %d: %s", c.set, n, parts(o))
				}
				for _, l := range []*lamp{hall, kitchen} {
					times := len(l.seen())
					if acted[l.device] {
						times++
					}
					if times > c.most {
						t.Errorf("%s, cut after %d: %s was set %d times", c.set, n, l.device, times)
					}
				}
				if got := strings.Count(h.outcomes(), "x "); got != 1 && n < len(first.records)-1 {
					t.Errorf("%s, cut after %d: outcomes %s", c.set, n, h.outcomes())
				}
			}
		}
	})
}

func TestAccess(t *testing.T) {
	a := &Access{Grants: []Grant{
		{"amqp:app", map[string][]string{VerbSet: {"hall.lamp", "*.*.state"}, VerbGet: {"#"}}},
		{"amqp", map[string][]string{VerbGet: {"hall.#"}}},
		{"rule:night", map[string][]string{VerbSet: {"hall.lamp.state"}}},
	}}
	for _, c := range []struct {
		source, verb, device, property string
		want                           bool
	}{
		{"amqp:app", VerbSet, "hall.lamp", "brightness", true},
		{"amqp:app", VerbSet, "kitchen.lamp", "state", true},
		{"amqp:app", VerbSet, "kitchen.lamp", "brightness", false},
		{"amqp:app", VerbGet, "cellar.heater", "", true},
		{"amqp:app", VerbMeasure, "hall.lamp", "", true}, // what it may set
		{"amqp:app", VerbMeasure, "cellar.probe", "", false},
		{"rule:night", VerbGet, "hall.lamp", "state", true},
		{"rule:night", VerbGet, "hall.lamp", "", false},
		{"amqp:eve", VerbSet, "hall.lamp", "state", false},
		{"amqp:eve", VerbGet, "hall.lamp", "", true},
		{"amqp:anonymous", VerbGet, "hall.lamp", "", false},
		{"amqp:anonymous", VerbSet, "hall.lamp", "state", false},
		{"rule:night", VerbSet, "hall.lamp", "state", true},
		{"rule:day", VerbSet, "hall.lamp", "state", false}, // rules are spoken of
		{"cli:ana", VerbSet, "hall.lamp", "state", true},   // the command line is not
		{"web:ana", VerbSet, "hall.lamp", "state", true},   // nor is the page
		{"http:ana", VerbSet, "hall.lamp", "state", false}, // no such senders
		{"", VerbSet, "hall.lamp", "state", false},
	} {
		if got := a.may(c.source, c.verb, c.device, c.property); got != c.want {
			t.Errorf("%q may %s %s.%s: %v", c.source, c.verb, c.device, c.property, got)
		}
	}
	l := &lamp{}
	h := again(t, nil)
	what := lampHouse(l, 0)
	what.Access = a
	live(t, h, what)
	o := submit(t, h.control, home.Command{Device: "hall.lamp", Set: set("state", "on"), Source: "amqp:anonymous"})
	if o.Result != home.Rejected || o.Error != "amqp:anonymous may not set hall.lamp.state" || len(l.seen()) != 0 || h.outcomes() == "" {
		t.Errorf("%+v", o)
	}
	if !h.control.May("amqp:app", VerbGet, "x", "") || h.control.May("amqp:x", VerbMeasure, "x", "") {
		t.Error("May says otherwise")
	}
}

// TestBackFromOffline takes a lamp away and brings it back with another state.
func TestBackFromOffline(t *testing.T) {
	for _, c := range []struct {
		reapply bool
		comes   bool // back on
		want    string
	}{{true, false, "[state=on state=on]"}, {true, true, "[state=on]"}, {false, false, "[state=on]"}} {
		synctest.Test(t, func(t *testing.T) {
			l := &lamp{}
			h := again(t, nil)
			what := lampHouse(l, 0)
			d := what.Devices["hall.lamp"]
			d.Reapply = c.reapply
			what.Devices["hall.lamp"] = d
			live(t, h, what)
			submit(t, h.control, home.Command{Device: "hall.lamp", Set: set("state", "on")})
			h.read("hall.lamp", "state", home.BooleanOf(true))
			h.Accept([]home.Event{{Kind: home.KindStatus, Device: "hall.lamp", State: home.Offline}}, nil)
			h.read("hall.lamp", "state", home.Value{})
			h.read("hall.lamp", "state", home.BooleanOf(c.comes))
			h.read("hall.lamp", "state", home.BooleanOf(false)) // somebody switches it off
			time.Sleep(time.Minute)
			if got := fmt.Sprint(l.seen()); got != c.want {
				t.Errorf("%+v: %s", c, got)
			}
			if got := h.control.Desired("hall.lamp").String(); got != "state: on" {
				t.Errorf("desired is %q", got)
			}
		})
	}
}

func TestOutcomesWithPartsAreOneForm(t *testing.T) {
	o := home.Outcome{ID: "x", Device: "downstairs", Set: accepted(set("state", "on")), Result: home.Applied, OwnID: true,
		Parts: []home.Outcome{{ID: "x/hall.lamp", Device: "hall.lamp", Set: accepted(set("state", "on")), Result: home.Applied}}}
	ev := home.Event{Kind: home.KindOutcome, Device: "downstairs", Outcome: &o}
	body, err := json.Marshal(&ev)
	if err != nil {
		t.Fatal(err)
	}
	read, err := home.ParseEvent(home.KindOutcome, body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&o, read.Outcome, cmp.AllowUnexported(home.Value{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
