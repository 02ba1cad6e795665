package bridge

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Words of [Options.ReplyTo].
const (
	ReplyDirect = "direct" // direct replies, which only their sender can read
	ReplyAny    = "#"      // any queue
	ReplyOwn    = UserWord + ".#"
	UserWord    = "{user}" // stands for the sender's user_id, which the broker has checked
)

// direct reports whether to stands for a direct reply: RabbitMQ, and LavinMQ, have put it
// into the message in the place of their word for it.
func direct(to string) bool {
	return strings.HasPrefix(to, "amq.rabbitmq.reply-to.") || strings.HasPrefix(to, "amq.direct.reply-to.")
}

// repliesTo reports whether the sender of a message may have its receipt put into the queue that
// it names.
func (o *Options) repliesTo(d *amqp.Delivery) bool {
	return slices.ContainsFunc(o.ReplyTo, func(pattern string) bool {
		if pattern == ReplyDirect || direct(d.ReplyTo) {
			return pattern == ReplyDirect && direct(d.ReplyTo)
		}
		return matchQueue(pattern, d.ReplyTo, d.UserId)
	})
}

// CheckReplyTo says what is wrong with a pattern of [Options.ReplyTo].
func CheckReplyTo(pattern string) error {
	for word := range strings.SplitSeq(pattern, ".") {
		if rest := strings.ReplaceAll(word, UserWord, ""); strings.ContainsAny(rest, "{}") {
			return fmt.Errorf("%s is the only word in braces", UserWord)
		} else if word != "*" && word != "#" && strings.ContainsAny(rest, "*#") {
			return errors.New("* and # stand for whole words, between dots")
		}
	}
	switch {
	case pattern == "" || len(pattern) > maxKey:
		return fmt.Errorf("the name of a queue has from 1 to %d bytes", maxKey)
	case strings.HasPrefix(pattern, "hogar.") || strings.HasPrefix(pattern, "amq."):
		return errors.New("no receipt goes to the queues hogar.* and amq.*")
	}
	return nil
}

// matchQueue reports whether a queue's name fits a pattern, in which {user} stands for the
// user, letter by letter. Nothing fits a pattern with {user} when nobody is known.
func matchQueue(pattern, queue, user string) bool {
	if strings.Contains(pattern, UserWord) && user == "" {
		return false
	}
	var words []queueWord
	for word := range strings.SplitSeq(pattern, ".") {
		if !strings.Contains(word, UserWord) {
			words = append(words, queueWord{word, word == "*" || word == "#"})
			continue
		}
		for part := range strings.SplitSeq(strings.ReplaceAll(word, UserWord, user), ".") {
			words = append(words, queueWord{part, false})
		}
	}
	return matchWords(words, strings.Split(queue, "."))
}

// queueWord is a word of a pattern: itself, or, as a wildcard, * or #.
type queueWord struct {
	text string
	wild bool
}

func matchWords(pattern []queueWord, words []string) bool {
	for i, p := range pattern {
		if p.wild && p.text == "#" {
			for skip := 0; skip <= len(words)-i; skip++ {
				if matchWords(pattern[i+1:], words[i+skip:]) {
					return true
				}
			}
			return false
		}
		if i >= len(words) || !p.wild && p.text != words[i] {
			return false
		}
	}
	return len(pattern) == len(words)
}
