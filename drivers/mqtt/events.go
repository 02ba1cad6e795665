package mqtt

import (
	"fmt"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// events reads a message for each device that it is about.
func (c *Connection) events(s *session, m paho.Message) []home.Event {
	if m.Topic() == c.markerTopic() {
		return nil
	}
	c.received.Add(1)
	if size, is := s.leftOut(m); is {
		if !s.learns { // it comes once more to the session that lasts
			c.noteLarge(s, m.Topic(), size)
		}
		return nil
	}
	late := m.Retained() || m.Duplicate() || !s.fresh.Load()
	listeners, mine := c.told[m.Topic()]
	events := c.plain(listeners, m, late)
	for _, source := range c.found.sources {
		t, understood := source.Dialect.Read(dialect.Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained(), Late: late})
		if !understood {
			continue
		}
		mine = true
		if s.learns {
			c.lessons.add(source, t)
			continue
		}
		if one := c.understood(source, t, late); len(events) == 0 {
			events = one
		} else {
			events = append(events, one...)
		}
		if len(t.Devices)+len(t.Gone) > 0 || t.Whole {
			c.refilter(s) // before what is sent is answered
		}
		s.send(t.Send)
	}
	for _, h := range c.handlers {
		if !s.learns && dialect.Matches(h.Filter, m.Topic()) {
			mine = true
			s.send(h.Take(dialect.Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained(), Late: late}))
		}
	}
	if !mine && !s.former[m.Topic()] && !s.asksFor(m.Topic()) { // the broker remembers the session of another configuration
		s.former[m.Topic()] = true
		c.log.Info("mqtt topic is not configured any more", "topic", m.Topic())
		s.client.Unsubscribe(m.Topic()) // not waited for: messages that are under way come before its answer
	}
	return events
}

// noteLarge counts a message that was too long to be read, and keeps the first for the log.
func (c *Connection) noteLarge(s *session, topic string, size int) {
	if c.tooLarge.Add(1) == 1 {
		c.longest = func() {
			c.log.Warn("a mqtt message is too long, and was not read; further ones are counted", "topic", topic,
				"error", fmt.Sprintf("a message of %d bytes; at most %d are read", size, mostPacket))
		}
	}
	c.logLarge(s)
}

// logLarge logs the first of those messages, once, when the connection is up.
func (c *Connection) logLarge(s *session) {
	if c.longest != nil && c.current.Load() == s {
		c.longest()
		c.longest = nil
	}
}

// asksFor reports whether a filter of this session fits the topic: somebody else uses it,
// too, for something of his own.
func (s *session) asksFor(topic string) bool {
	for filter := range s.filters {
		if dialect.Matches(filter, topic) {
			return true
		}
	}
	return false
}

// send sends what a dialect answers. It is not waited for: who is not reached is asked
// again with the next start.
func (s *session) send(answers []dialect.Message) {
	for _, m := range answers {
		s.client.Publish(m.Topic, 1, m.Retained, m.Payload)
	}
}

// plain reads a message of a plain topic.
func (c *Connection) plain(listeners []listener, m paho.Message, late bool) []home.Event {
	var events []home.Event
	for _, l := range listeners {
		ev, told, fault := l.hear(m.Payload(), late)
		if fault != "" {
			c.note(l, m.Topic(), fault)
		}
		if told {
			events = append(events, ev)
		}
	}
	return c.reach.note(events)
}

// hear reads a message for one device; told is false for one that says nothing of it.
func (l listener) hear(payload []byte, late bool) (ev home.Event, told bool, fault string) {
	ev.Device = l.device
	if late {
		ev.Flags = home.FlagLate
	}
	if l.presence {
		online, fault := l.topic.presence.read(payload, time.Now())
		ev.Kind, ev.State = home.KindStatus, home.Online
		if !online {
			ev.State, ev.Reason = home.Offline, "it says that it is not available"
		}
		return ev, fault == "", fault
	}
	p, r := l.topic.property, l.topic.read(payload, time.Now())
	ev.Kind, ev.Property, ev.Value, ev.Unit, ev.Unknown = home.KindReading, p.Name, r.value, p.Unit, r.unknown
	return ev, !r.silent, r.fault
}

// note counts what is not as configured and logs the first of each device.
func (c *Connection) note(l listener, topic, fault string) {
	c.unreadable.Add(1)
	c.mu.Lock()
	known := c.faulty[l.device]
	c.faulty[l.device] = true
	c.mu.Unlock()
	if !known {
		c.log.Warn("mqtt message not as configured; more from this device are counted, not told",
			"device", l.device, "topic", topic, "error", fault)
	}
}
