package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// The table shows what the stream tells, and says what does not fit.
func TestTable(t *testing.T) {
	at := time.Date(2026, 11, 22, 20, 15, 0, 0, time.UTC)
	number := home.LastReading{Name: "hall.probe.temperature", Value: home.NumberOf(20), Unit: "°C", Time: at}
	tab := &table{devices: []home.DeviceState{
		{Name: "hall.lamp", Status: home.Online, Readings: []home.LastReading{{Name: "hall.lamp.state", Value: home.BooleanOf(false), Time: at}}},
		{Name: "hall.probe", Status: home.Online, Readings: []home.LastReading{number}},
	}}
	tab.take(&home.Event{Kind: home.KindReading, Device: "hall.probe", Property: "temperature", Value: home.NumberOf(21.5), Unit: "°C", Time: at.Add(time.Minute)})
	tab.take(&home.Event{Kind: home.KindStatus, Device: "hall.lamp", State: home.Offline, Reason: "gone"})
	tab.take(&home.Event{Kind: home.KindReading, Device: "hall.lamp", Property: "state", Unknown: "offline: gone", Time: at})
	tab.take(&home.Event{Kind: home.KindReading, Device: "never.heard", Property: "of", Value: home.NumberOf(1)})
	got := tab.lines(paint{}, at.Add(90*time.Second), 80, 24)
	want := "hall.lamp.state         unknown: offline: gone  1 min ago  offline\n" +
		"hall.probe.temperature  21.5 °C                 30 s ago   online\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for width, want := range map[int]string{
		60: "hall.lamp.state         unknown: offlin…  1 min ago  offline\n" + "hall.probe.temperature  21.5 °C           30 s ago   online\n",
		48: "hall.lamp.sta…  unknown: of…  1 min ago  offline\n" + "hall.probe.te…  21.5 °C       30 s ago   online\n",
	} {
		if diff := cmp.Diff(want, tab.lines(paint{}, at.Add(90*time.Second), width, 24)); diff != "" {
			t.Errorf("%d columns: -want +got:\n%s", width, diff)
		}
	}
	if got := tab.lines(paint{}, at, 80, 1); strings.Count(got, "\n") != 1 || !strings.Contains(got, "2 more") {
		t.Errorf("in one line: %s", got)
	}
}

// A shell completes names and values of the running house.
func TestCompletion(t *testing.T) {
	g := newGate(t, house("complete", 1))
	g.run()
	until(t, "the lamp is heard of", func() bool { return g.value("hall.lamp.state").Known() })
	for _, c := range []struct{ args, want, not string }{
		{"get", "hall.lamp.state\tboolean", ""},
		{"watch", "hall.lamp\n", ""},
		{"set", "hall.lamp.state\tboolean", "temperature"},
		{"set hall.lamp.state", "toggle", "hall.lamp"},
		{"rule trace", "", "hall.lamp"},
		{"simulate fault", "hall.lamp\n", "hall.lamp.state"},
		{"simulate fault hall.lamp", "welded", "hall.lamp"},
	} {
		args := append([]string{"__complete"}, strings.Fields(c.args)...)
		var out strings.Builder
		if code := execute(t.Context(), append(args, "--socket", g.socket, ""), strings.NewReader(""), &out, &strings.Builder{}); code != 0 {
			t.Errorf("%s: exit code %d", c.args, code)
		}
		if got := out.String(); !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s: %q, want %q and not %q", c.args, got, c.want, c.not)
		}
	}
}

func TestWatchFlags(t *testing.T) {
	g := newGate(t, house("watchflags", 1))
	g.run()
	for _, c := range []struct{ args, want string }{
		{"--table", "--table is for a terminal"},
		{"--kind readings", `--kind is "readings"`},
	} {
		var errs strings.Builder
		args := append([]string{"watch", "--socket", g.socket}, strings.Fields(c.args)...)
		if code := execute(t.Context(), args, strings.NewReader(""), &strings.Builder{}, &errs); code != exitUsage || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%s: %d %s", c.args, code, errs.String())
		}
	}
}
