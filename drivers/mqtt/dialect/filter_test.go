package dialect

import (
	"strings"
	"testing"
)

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		// The examples of MQTT 3.1.1, §4.7.1 and §4.7.2.
		{"sport/tennis/player1/#", "sport/tennis/player1", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
		{"sport/#", "sport", true},
		{"sport/tennis/+", "sport/tennis/player1", true},
		{"sport/tennis/+", "sport/tennis/player1/ranking", false},
		{"sport/+", "sport", false},
		{"sport/+", "sport/", true},
		{"+/+", "/finance", true},
		{"/+", "/finance", true},
		{"+", "/finance", false},
		{"#", "$SYS/monitor/Clients", false},
		{"+/monitor/Clients", "$SYS/monitor/Clients", false},
		{"$SYS/#", "$SYS/monitor/Clients", true},
		{"$SYS/monitor/+", "$SYS/monitor/Clients", true},
		{"/#", "/", true},
		{"a/+/#", "a/$b", true},
		{"a/+/c", "a//c", true},
		{"a", "b", false},
	} {
		if got := Matches(c.filter, c.topic); got != c.want {
			t.Errorf("%s fits %s: %v", c.topic, c.filter, got)
		}
	}
}

// FuzzMatches compares with the rules of MQTT 3.1.1, §4.7, word by word.
func FuzzMatches(f *testing.F) {
	for _, seed := range [][2]string{{"a/+/#", "a/b"}, {"#", "$SYS/a"}, {"+/b", "a/b"}, {"a/#", "a"}, {"+", "/"}, {"a/b/", "a/b"}, {"//+", "//"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, filter, topic string) {
		words := strings.Split(filter, "/")
		for i, w := range words {
			if strings.ContainsAny(w, "+#") && (len(w) > 1 || w == "#" && i < len(words)-1) {
				return // no filter
			}
		}
		if filter == "" || topic == "" || strings.ContainsAny(topic, "+#") {
			return // no topic
		}
		if got, want := Matches(filter, topic), fits(words, strings.Split(topic, "/")); got != want {
			t.Errorf("%q fits %q: %v, want %v", topic, filter, got, want)
		}
	})
}

func fits(filter, topic []string) bool {
	if topic[0] != "" && topic[0][0] == '$' && (filter[0] == "+" || filter[0] == "#") {
		return false
	}
	for i, f := range filter {
		if f == "#" {
			return len(topic) >= i // the parent, too
		}
		if i == len(topic) || f != "+" && f != topic[i] {
			return false
		}
	}
	return len(filter) == len(topic)
}
