package mqtt

import (
	"context"
	"errors"
	"log/slog"
)

// Status is how a connection is.
type Status struct {
	Connected  bool
	CatchingUp bool   // what waited in the broker still comes
	Reason     string // why it is not connected
	Received   uint64 // messages
	Unreadable uint64 // readings that were not what the configuration says
	TooLarge   uint64 // messages that were too long, and not read
}

// Connected reports whether messages come in as they happen: the connection
// stands, and what waited in the broker has come.
func (c *Connection) Connected() bool {
	s := c.current.Load()
	return s != nil && s.fresh.Load()
}

// Status tells how the connection is.
func (c *Connection) Status() Status {
	c.mu.Lock()
	s := c.status
	c.mu.Unlock()
	s.Received, s.Unreadable, s.TooLarge = c.received.Load(), c.unreadable.Load(), c.tooLarge.Load()
	return s
}

// up notes that a connection is there and takes commands.
func (c *Connection) up(s *session) {
	if s.learns || c.current.Load() == s {
		return
	}
	c.current.Store(s)
	c.mu.Lock()
	c.status.Connected, c.status.CatchingUp, c.status.Reason = true, true, ""
	c.mu.Unlock()
	c.log.Info("mqtt broker connected")
	c.logLarge(s)
}

// setDown notes that there is no connection and returns the reason before.
func (c *Connection) setDown(reason string) (before string) {
	c.current.Store(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reach.down(reason)
	before = c.status.Reason
	c.status.Connected, c.status.CatchingUp, c.status.Reason = false, false, reason
	return before
}

// lost tells of a loss, and of further attempts only when they fail for another
// reason.
func (c *Connection) lost(err error) {
	level := slog.LevelDebug
	if reason := root(err).Error(); c.setDown(reason) != reason {
		level = slog.LevelWarn
	}
	c.log.Log(context.Background(), level, "mqtt broker not connected, trying again", "error", err)
}

// root is the innermost error: without addresses and ports, which change.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
			inner = many.Unwrap()[len(many.Unwrap())-1]
		}
		if inner == nil {
			return err
		}
		err = inner
	}
}
