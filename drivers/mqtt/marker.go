package mqtt

import (
	"crypto/rand"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// How long a marker is waited for, in machine time: until the broker is quiet for
// so long, and that at most. A backlog comes without such pauses.
const (
	markerQuiet = 5 * time.Second
	markerMost  = 5 * time.Minute
)

// mostSilent is how long a connection takes no commands while what waited in the broker comes. What a
// device answers meanwhile is late, and verifies nothing.
const mostSilent = time.Second

// What the gateway says about itself on its status topic.
const (
	statusOnline  = "online"
	statusOffline = "offline"
)

func (c *Connection) markerTopic() string { return "hogar/" + c.gateway + "/marker" }
func (c *Connection) statusTopic() string { return "hogar/" + c.gateway + "/status" }

// markerWait is the patience with one marker. The zero value waits for nothing.
type markerWait struct {
	timer *time.Timer
	quiet time.Duration
	end   time.Time
	again bool // it is the second: the first did not come
}

// moved notes that the broker is still sending.
func (p markerWait) moved() {
	if p.timer != nil {
		p.timer.Reset(min(p.quiet, max(0, time.Until(p.end))))
	}
}

// over is when it is.
func (p markerWait) over() <-chan time.Time {
	if p.timer == nil {
		return nil
	}
	return p.timer.C
}

// sendMarker tells the house's own topic where what waited in the broker ends. A
// broker keeps the order of a session, so that the marker comes back after it. With the last
// one the house says that it is there, and answers what it learned.
func (s *session) sendMarker(c *Connection) markerWait {
	if s.fresh.Load() { // the broker gives none back
		return markerWait{}
	}
	var qos byte = 1
	if s.learns {
		qos = 0
	} else if len(s.ahead) == 0 {
		s.client.Publish(c.statusTopic(), 1, true, statusOnline)
	}
	s.mark = rand.Text()
	s.client.Publish(c.markerTopic(), qos, false, s.mark)
	if !s.learns && len(s.ahead) == 0 {
		s.send(c.answers)
		c.answers = nil
	}
	return markerWait{timer: time.NewTimer(c.markerQuiet), quiet: c.markerQuiet, end: time.Now().Add(markerMost)}
}

// marks reports whether m is the marker that is under way. One of a session before is
// none.
func (c *Connection) marks(s *session, m paho.Message) bool {
	return m.Topic() == c.markerTopic() && string(m.Payload()) == s.mark
}

// unmarked sends another marker, because the broker may have dropped the first when it had more
// than it keeps. After that it goes on without, since an access rule of the broker may hold it back.
func (c *Connection) unmarked(s *session, waited markerWait) markerWait {
	if !waited.again {
		again := s.sendMarker(c)
		again.again = true
		return again
	}
	c.log.Warn("mqtt broker does not give back the gateway's own message, so what waited in it may start rules: "+
		"allow the gateway to read and write the topic", "topic", c.markerTopic())
	c.caughtUp(s)
	if len(s.ahead) > 0 {
		s.ask(s.ahead)
		s.ahead = nil
	}
	return markerWait{}
}

func (c *Connection) caughtUp(s *session) {
	s.fresh.Store(true)
	if s.learns {
		return
	}
	c.up(s)
	c.mu.Lock()
	c.status.CatchingUp = false
	c.mu.Unlock()
	c.reach.back()
}

// leave says good-bye in the broker's stead, which says it only of those that are
// lost.
func (s *session) leave(c *Connection) {
	s.client.Publish(c.statusTopic(), 1, true, statusOffline).WaitTimeout(parting)
}
