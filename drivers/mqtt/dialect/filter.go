package dialect

import "strings"

// Matches reports whether a topic fits a filter with wildcards.
func Matches(filter, topic string) bool {
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
