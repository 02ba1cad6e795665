package mqtt

import (
	"fmt"
	"iter"
	"slices"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/drivers/mqtt/dialect"
)

// mostAtOnce is how many topics are asked for at once. Each may have a retained message,
// and a broker drops what is more than it keeps for a client: mosquitto 1,000, as it comes.
const mostAtOnce = 500

// refusedSubscription is what a broker grants that does not (MQTT-3.9.3-2).
const refusedSubscription = 0x80

// subscription is a topic filter, and at which QoS it is heard.
type subscription struct {
	filter string
	qos    byte
}

// subscribe begins to ask for all topics, each time: the broker may have forgotten the
// session. A session that learns asks for all at once, at QoS 0, for which the broker has no
// queue that could overflow. A lasting one first takes what waited, up to the
// marker, and then asks for some topics after the other, each time up to a marker.
func (c *Connection) subscribe(s *session) {
	for filter, qos := range c.wanted(s.learns) {
		s.ahead = append(s.ahead, subscription{filter, qos})
		s.filters[filter] = true
	}
	marker := subscription{c.markerTopic(), 1}
	if s.learns {
		marker.qos = 0 // at another it would not come after the others
		s.ask(append(s.ahead, marker))
		s.ahead = nil
		return
	}
	s.ask([]subscription{marker})
}

// ask asks for topics.
func (s *session) ask(list []subscription) {
	filters := make(map[string]byte, len(list))
	for _, one := range list {
		filters[one.filter] = one.qos
	}
	s.asked = s.client.SubscribeMultiple(filters, nil)
}

// answered is done when the broker has answered; never for nil.
func answered(asked paho.Token) <-chan struct{} {
	if asked == nil {
		return nil
	}
	return asked.Done()
}

// granted takes the broker's answer to a subscription. When that was the last, or the broker has
// kept all from the session before, the connection is ready: what a command does is heard. Topics that it refuses are logged, the others work.
func (c *Connection) granted(s *session) error {
	answer := s.asked
	s.asked = nil
	if err := answer.Error(); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if t, ok := answer.(*paho.SubscribeToken); ok {
		for topic, qos := range t.Result() {
			if qos == refusedSubscription {
				c.log.Error("mqtt broker refuses the subscription: check its access rules", "topic", topic)
			}
		}
	}
	return nil
}

// goOn asks for the next topics. When there are none, all that waited has come.
func (c *Connection) goOn(s *session) {
	n := min(mostAtOnce, len(s.ahead))
	if n == 0 {
		c.caughtUp(s)
		return
	}
	next := s.ahead[:n]
	s.ahead = s.ahead[n:]
	s.ask(next)
}

// wanted lists the topic filters that are needed now, with their QoS: all, or only those that
// tell which devices there are.
func (c *Connection) wanted(learns bool) iter.Seq2[string, byte] {
	return func(yield func(string, byte) bool) {
		for topic := range c.told {
			if !learns && !yield(topic, 1) {
				return
			}
		}
		for _, h := range c.handlers {
			if !learns && !yield(h.Filter, 1) {
				return
			}
		}
		for _, source := range c.found.sources {
			var retained []string
			if a, ok := source.Dialect.(dialect.Announcer); ok {
				retained = a.Announcements()
			}
			for _, filter := range source.Dialect.Filters() {
				qos := byte(1)
				if learns || slices.Contains(retained, filter) {
					qos = 0
				}
				if !yield(filter, qos) {
					return
				}
			}
		}
	}
}

// refilter subscribes what is needed since a device came, and gives back what is
// not needed since one left.
func (c *Connection) refilter(s *session) {
	more, wanted := make(map[string]byte), make(map[string]bool)
	for filter, qos := range c.wanted(false) {
		wanted[filter] = true
		if !s.filters[filter] {
			more[filter], s.filters[filter] = qos, true
		}
	}
	var less []string
	for filter := range s.filters {
		if !wanted[filter] {
			less = append(less, filter)
			delete(s.filters, filter)
		}
	}
	if len(more) > 0 {
		s.client.SubscribeMultiple(more, nil)
	}
	if len(less) > 0 {
		s.client.Unsubscribe(less...)
	}
}
