package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"hogar/bridge"
	"hogar/drivers/scan"
	"hogar/gateway/api"
	"hogar/gateway/home"
)

// steering is what a text from outside may have in it: colours, the title, the clipboard (OSC 52),
// the bell, lines over lines, C1's short forms, marks of direction, separators, and bytes that
// are no text.
const steering = "\x1b[31mred\x1b[2J\x1b]52;c;aGk=\x07\x1b]0;title\x1b\\\r\b\x00\x7f\u009b2J\u0085\u202eabc\u2066\u2069\u200f\u061c\u2028\u2029\ufeff\u200b\U000e0041\n\tend"

// quiet reports what in an output may steer a terminal.
func quiet(t *testing.T, what, out string) {
	t.Helper()
	for i, r := range out {
		if steers(r) {
			t.Errorf("%s has %U: %q", what, r, out[max(0, i-20):min(len(out), i+20)])
			return
		}
	}
	if !utf8.ValidString(out) {
		t.Errorf("%s is not UTF-8: %q", what, out)
	}
}

func TestScreen(t *testing.T) {
	for text, want := range map[string]string{
		"22.5 °C\tüber 👩‍👩‍👧 \n":          "22.5 °C\tüber 👩‍👩‍👧 \n",
		"\x1b[31m\x07":                    `\u001b[31m\u0007`,
		"\x9b2J":                          "\ufffd2J",
		"a\rb":                            `a\u000db`,
		"\u009b\u202e\U000e0041":          `\u009b\u202e\udb40\udc41`,
		paint{true}.in(green, "ok\x1b[m"): "\x1b[32mok\\u001b[m\x1b[0m",
		own + "\x1b[2J":                   `\ufdd0\u001b[2J`,
		own + "\x1b[1;1m":                 `\ufdd0\u001b[1;1m`,
	} {
		var whole, parts bytes.Buffer
		_, _ = io.WriteString(&screen{to: &whole}, text)
		_, _ = io.Copy(&screen{to: &parts}, iotest.OneByteReader(strings.NewReader(text)))
		if whole.String() != want {
			t.Errorf("%q: %q, want %q", text, whole.String(), want)
		}
		if !strings.Contains(text, own) && parts.String() != want { // a colour is written at once
			t.Errorf("%q in parts: %q, want %q", text, parts.String(), want)
		}
	}
	body, err := json.Marshal(map[string]string{"value": steering})
	need(t, err)
	var back map[string]string
	if err := json.Unmarshal([]byte(escape(string(body))), &back); err != nil || back["value"] != steering {
		t.Errorf("JSON is not what it was: %q, %v", back["value"], err)
	}
}

// TestNoTextSteersTheTerminal prints what each command lists with texts from outside in every
// place, coloured as on a terminal: no text steers it, and none makes a line or column of its own.
func TestNoTextSteersTheTerminal(t *testing.T) {
	p, x := paint{true}, steering
	value := home.TextOf(x)
	outcome := home.Outcome{ID: x, Device: x, Set: home.Settings{{Property: "text", Value: value}}, Result: home.Rejected, Error: x, Hint: x, Source: x, Reason: x,
		Reading: home.Settings{{Property: "text", Value: value}}, Parts: []home.Outcome{{Device: x, Error: x, Hint: x}}}
	reading := home.LastReading{Name: "hall.lamp.text", Value: value, Unit: x, Desired: home.TextOf(x + "!")}
	unknown := home.LastReading{Name: "hall.lamp.other", Unknown: x}
	devices := []home.DeviceState{{Name: "hall.lamp", Label: x, Status: home.Offline, Reason: x, Readings: []home.LastReading{reading, unknown}},
		{Name: "all", Kind: home.Group, Members: []string{x}}}
	rule := api.Rule{Name: "a", State: "failed", Why: x, Findings: []string{x}}
	now := time.Now()
	printed := map[string]func(w io.Writer){
		"devices":   func(w io.Writer) { _ = printDevices(w, devices, now) },
		"set":       func(w io.Writer) { fmt.Fprintln(w, showReceipt(p, &outcome)) },
		"rule list": func(w io.Writer) { _ = printRules(w, []api.Rule{rule}, now) },
		"scan": func(w io.Writer) {
			_ = printReport(w, []scan.Finding{{Class: scan.I2C, Place: x, Chip: x, Value: x, Holder: x, Note: x}, {Class: scan.GPIO, Place: x, Holder: x, Value: x, Note: x}})
		},
		"simulate":     func(w io.Writer) { printSimulation(w, api.SimulationState{Broken: map[string]string{"a": x}}) },
		"watch table":  func(w io.Writer) { _, _ = io.WriteString(w, (&table{devices: devices}).lines(p, now, 200, 50)) },
		"outbox":       func(w io.Writer) { _ = printOutbox(printsTo(w), api.Outbox{Error: x, Held: x, Journal: x}) },
		"outbox aside": func(w io.Writer) { _ = printAside(printsTo(w), []api.SetAside{{Key: x, Reason: x}}) },
		"doctor": func(w io.Writer) {
			_ = printFindings(printsTo(w), []bridge.Finding{{What: x, Detail: x, Fix: x}}, false)
		},
		"rule trace": func(w io.Writer) {
			_, _ = io.WriteString(w, showTrace(p, &api.RuleTrace{Rule: rule, Runs: []api.RuleRun{{Event: x, If: x, Reason: x, State: "failed", Ended: now, Steps: []api.RuleStep{{Did: x}}}},
				Quiet: []api.RuleQuiet{{Why: x, Event: x, If: x}}}))
		},
	}
	for i, ev := range []home.Event{
		{Kind: home.KindReading, Device: "hall.lamp", Property: "text", Value: value, Unit: x}, {Kind: home.KindReading, Device: "hall.lamp", Property: "text", Unknown: x},
		{Kind: home.KindReading, Device: "hall.lamp", Property: "text", Value: value, Flags: home.FlagRaw}, {Kind: home.KindEvent, Device: "hall.lamp", Property: "text", Value: value},
		{Kind: home.KindStatus, Device: "hall.lamp", State: home.Offline, Reason: x}, {Kind: home.KindOutcome, Outcome: &outcome},
		{Kind: home.KindRule, Name: "a", State: "failed", Reason: x}, {Kind: home.KindGateway, Name: "gap", Reason: x},
		{Kind: home.KindMessage, Message: &home.Message{Exchange: x, Key: x, Body: []byte(x)}}, {Kind: home.KindVariable, Name: "a", Value: value},
	} {
		printed[fmt.Sprint("watch ", i)] = func(w io.Writer) { fmt.Fprintln(w, describe(p, &ev)) }
	}
	for what, print := range printed {
		var out bytes.Buffer
		print(&screen{to: &out})
		for _, color := range []string{dim, bold, red, green, yellow, blue, violet, cyan, "0"} {
			if what != "devices" { // it has none: it is printed to no terminal
				out = *bytes.NewBuffer(bytes.ReplaceAll(out.Bytes(), []byte("\x1b["+color+"m"), nil))
			}
		}
		quiet(t, what, out.String())
		if out.Len() == 0 || !strings.Contains(out.String(), `\u001b]52`) {
			t.Errorf("%s prints none of it: %q", what, out.String())
		}
		if strings.Contains(out.String(), "\n\tend") || strings.Contains(out.String(), "\nend") {
			t.Errorf("%s: a text made a line: %q", what, out.String())
		}
	}
}

// printsTo is a command that prints to w.
func printsTo(w io.Writer) *cobra.Command {
	cmd := &cobra.Command{}
	cmd.SetOut(w)
	return cmd
}

// TestNoFileSteersTheTerminal runs whole commands on files, addresses and arguments with such texts.
func TestNoFileSteersTheTerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	quoted, err := json.Marshal(steering)
	need(t, err)
	config := filepath.Join(dir, "hogar.yaml")
	need(t, os.WriteFile(config, []byte("gateway: casa\nmqtt: [{url: mqtt://localhost, zigbee2mqtt: zigbee2mqtt}]\ndevices:\n  hall.lamp: {driver: relay, pin: "+string(quoted)+", label: "+string(quoted)+"}\n"), 0o600))
	device, err := json.Marshal([]map[string]any{{"ieee_address": "0x01" + steering, "friendly_name": "Lamp" + steering,
		"definition": map[string]any{"exposes": []map[string]any{{"type": "enum", "property": "mode", "access": 7, "values": []string{steering, "b"}},
			{"type": "numeric", "property": "watts", "access": 1, "unit": steering}}}}})
	need(t, err)
	line := func(topic string, payload []byte) string {
		body, err := json.Marshal(map[string]any{"topic": topic, "payload": string(payload)})
		need(t, err)
		return string(body) + "\n"
	}
	messages := filepath.Join(dir, "messages")
	need(t, os.WriteFile(messages, []byte(line("zigbee2mqtt/bridge/devices", device)+line("zigbee2mqtt/Lamp"+steering, []byte(`{"mode":`+string(quoted)+`}`))+
		line("zigbee2mqtt/Other"+steering, []byte(steering))), 0o600))
	seen := 0
	for _, args := range [][]string{
		{"check", config}, {"check", "--json", config}, {"mqtt", "explain", messages}, {"mqtt", "explain", "--json", messages},
		{"check", steering}, {steering}, {"get", steering}, {"devices", "--amqp", "amqp://u@127.0.0.1:1/" + steering, "--gateway", "casa"},
		{"devices", "--amqp", "amqp://u@127.0.0.1:1", "--gateway", steering}, {"set", "hall.lamp", steering, "--socket", steering}, {"rule", "trace", steering},
		{"journal", "stat", "--journal", steering}, {"run", "--config", steering}, {"run", "--log", steering}, {"devices", "--" + steering}, {"scan", "--root", steering},
	} {
		out := said(t, args...)
		seen += len(out)
		quiet(t, fmt.Sprintf("hogar %q", args), out)
	}
	if seen < 2_000 {
		t.Errorf("only %d bytes were looked at", seen)
	}
}
