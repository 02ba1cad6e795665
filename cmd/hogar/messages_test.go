package main

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// kindOf tells an example of docs/amqp.md by the member that no other kind has.
func kindOf(message map[string]json.RawMessage) string {
	for _, one := range [][2]string{{"outcome", "outcome"}, {"rule", "rule"}, {"gateway", "gateway"}, {"status", "status"},
		{"driver", "catalog"}, {"event", "event"}, {"value", "reading"}} {
		if _, ok := message[one[0]]; ok {
			return one[1]
		}
	}
	return ""
}

// TestMessagesMatchThePage holds real messages of each kind against docs/amqp.md: the page
// shows each kind, and every member that comes is in an example of its kind or
// named in the text.
func TestMessagesMatchThePage(t *testing.T) {
	t.Parallel()
	page := pages(t)["../../docs/amqp.md"]
	shown := make(map[string]map[string]bool)
	for _, block := range blocks(page, "json") {
		for line := range strings.Lines(block) {
			var message map[string]json.RawMessage
			if json.Unmarshal([]byte(line), &message) != nil {
				continue
			}
			kind := kindOf(message)
			if shown[kind] == nil {
				shown[kind] = make(map[string]bool)
			}
			for member := range message {
				shown[kind][member] = true
			}
		}
	}
	house, err := os.ReadFile("../../configs/pi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(house), "journal: {", "journal: {path: journal, ", 1)
	text = strings.Replace(text, "amqp://localhost:5672", broker(t).URL(), 1)
	text = regexp.MustCompile(`(?m)^web:.*$`).ReplaceAllString(text, "") // it has a fixed port
	g := newGate(t, strings.Replace(text, "gateway: casa", "gateway: documented", 1), "--speed", "60", "--start", "2026-06-21 18:30")
	g.run()
	for _, args := range [][]string{{"hall.lamp.state", "on"}, {"hall.lamp.state", "maybe"}, {"porch.lamp", "toggle"}} {
		called(t, append([]string{"set", "--socket", g.socket, "--reason", "to see"}, args...)...)
	}
	seen := make(map[string]int)
	until(t, "a message of each kind", func() bool {
		_, out, _ := called(t, "journal", "dump", "--journal", g.journal())
		clear(seen)
		for line := range strings.Lines(out) {
			if columns := strings.SplitN(strings.TrimSpace(line), "\t", 4); len(columns) == 4 {
				seen[columns[2]]++
				members(t, page, columns[2], columns[3], shown[columns[2]])
			}
		}
		return t.Failed() || seen["reading"] > 20 && seen["status"] > 0 && seen["outcome"] > 2 && seen["catalog"] > 0 && seen["gateway"] > 0 && seen["rule"] > 0
	})
	for kind := range shown {
		if kind != "" && kind != "event" && seen[kind] == 0 {
			t.Errorf("the page shows the kind %s, and none came; there came %v", kind, slices.Sorted(maps.Keys(seen)))
		}
	}
}

func members(t *testing.T, page, kind, body string, shown map[string]bool) {
	t.Helper()
	var message map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &message); err != nil || kind == "intent" || kind == "memo" {
		return // a record of the house's own, which is not published
	}
	for member := range message {
		if shown != nil && !shown[member] && !strings.Contains(page, "`"+member+"`") {
			t.Errorf("docs/amqp.md does not know the member %s of %s: %s", member, kind, body)
		}
	}
}
