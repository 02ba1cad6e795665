package dialect

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Matches reports whether a topic fits a filter with wildcards (MQTT 3.1.1, §4.7):
// # also fits the level above it, and no wildcard the beginning of a topic like $SYS/broker.
func Matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	for {
		f, filterRest, more := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		word, topicRest, moreTopic := strings.Cut(topic, "/")
		if f != "+" && f != word {
			return false
		}
		if !more || !moreTopic {
			return more == moreTopic || filterRest == "#"
		}
		filter, topic = filterRest, topicRest
	}
}

// The most bytes and levels of a topic, with room for /availability and /set behind it. Mosquitto
// ends the connection at more than 201 levels.
const (
	longest = math.MaxUint16 - 256
	deepest = 199
)

// CheckTopic says why a broker would not take the topic of a message, or of one device: it
// ends the connection of who subscribes it, with all its other devices.
func CheckTopic(topic string) error {
	if strings.ContainsAny(topic, "+#") {
		return errors.New("it has the wildcards + or #")
	}
	return CheckFilter(topic)
}

// CheckFilter is [CheckTopic] for one that may have wildcards.
func CheckFilter(filter string) error {
	levels := strings.Split(filter, "/")
	switch {
	case filter == "":
		return errors.New("it is empty")
	case len(filter) > longest:
		return fmt.Errorf("it has %d bytes, expected at most %d", len(filter), longest)
	case len(levels) > deepest:
		return fmt.Errorf("it has %d levels, expected at most %d", len(levels), deepest)
	case !utf8.ValidString(filter) || strings.ContainsFunc(filter, unfit):
		return errors.New("it has characters that no topic may have")
	case levels[0] == "$share" || levels[0] == "$queue":
		return errors.New("it is shared with others")
	}
	for i, level := range levels {
		if strings.ContainsAny(level, "+#") && (len(level) > 1 || level == "#" && i < len(levels)-1) {
			return errors.New("a wildcard is a level of its own, and # is the last")
		}
	}
	return nil
}

// unfit are the characters for which a broker may end the connection (MQTT 3.1.1, §1.5.3).
func unfit(r rune) bool {
	return unicode.IsControl(r) || r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe
}
