package dialect

import "strings"

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
