package mqtt

import "hogar/gateway/home"

// events reads a message for each device that its topic tells.
func (c *Connection) events(s *session, in inbound) []home.Event {
	name := in.message.Topic()
	listeners, known := c.told[name]
	if !known && !s.former[name] { // the broker remembers the session of another configuration
		s.former[name] = true
		c.log.Info("mqtt topic is not configured any more", "topic", name)
		s.client.Unsubscribe(name) // not waited for: messages that are under way come before its answer
	}
	var flags home.Flags
	if in.late {
		flags = home.FlagLate
	}
	var events []home.Event
	for _, l := range listeners {
		r := l.topic.read(in.message.Payload())
		if r.fault != "" {
			c.note(l, r.fault)
		}
		if r.silent {
			continue
		}
		p := l.topic.property
		events = append(events, home.Event{Kind: home.KindReading, Flags: flags, Device: l.device, Property: p.Name,
			Value: r.value, Unit: p.Unit, Unknown: r.unknown})
	}
	return events
}

// note counts what is not as configured and logs the first of each device.
func (c *Connection) note(l listener, fault string) {
	c.unreadable.Add(1)
	c.mu.Lock()
	known := c.faulty[l.device]
	c.faulty[l.device] = true
	c.mu.Unlock()
	if !known {
		c.log.Warn("mqtt message not as configured; more from this device are counted, not told",
			"device", l.device, "topic", l.topic.State, "error", fault)
	}
}
