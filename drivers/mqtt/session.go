package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// errRefused ends a session whose messages the gateway did not take.
var errRefused = errors.New("the gateway could not record messages: asking for them again")

// session is one connection to the broker, from its dialling to its loss.
type session struct {
	client  paho.Client
	wire    atomic.Pointer[conn]
	heavy   chan struct{}   // holds one while a long message waits in the inbox, or is read
	ctx     context.Context // ends with the session; its cause is why
	end     context.CancelCauseFunc
	inbox   chan paho.Message
	waiting chan *pending // in order of receipt
	settled chan struct{} // holds one: there is a pending message that was not settled
	accept  Accept
	ahead   []subscription  // still to be asked for; only the session's goroutine has it
	asked   paho.Token      // for some of them, not answered yet; nil: for none
	mark    string          // of the marker that is under way
	fresh   atomic.Bool     // all that waited in the broker has come; only the session's goroutine sets it
	former  map[string]bool // topics given back, of a configuration before; only take has it
	filters map[string]bool // subscribed; only the session's goroutine has it
	learns  bool            // a session that only learns which devices there are
	skipped bool            // a message was left out: so is all after it, and comes again in order; only take has it
}

// session connects, takes messages in until the connection is lost or ctx ends,
// and says how long it lasted.
func (c *Connection) session(ctx context.Context, learns bool) (time.Duration, error) {
	s, err := c.newSession(ctx, learns)
	if err != nil {
		return 0, err
	}
	defer s.disconnect()
	defer s.end(nil) // before that: it waits for the handler
	stopDialling := context.AfterFunc(ctx, func() { s.end(ctx.Err()) })
	err = s.wait(s.client.Connect())
	if !stopDialling() {
		return 0, ctx.Err()
	}
	if err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	var acker sync.WaitGroup
	acknowledged := make(chan struct{})
	acker.Go(func() { defer close(acknowledged); s.acknowledge(c) })
	defer acker.Wait()
	defer s.end(nil) // or the acker waits for results

	began := time.Now()
	c.subscribe(s)
	var overdue markerWait
	ready := time.After(mostSilent)
	defer c.current.Store(nil)
	for {
		select {
		case m := <-s.inbox: // before the grant, too: the broker sends what waited first
			for waiting := len(s.inbox); ; waiting-- {
				overdue.moved()
				if c.marks(s, m) {
					overdue = markerWait{}
					c.goOn(s)
				}
				c.take(ctx, s, m)
				if s.learns && s.fresh.Load() {
					return 0, nil
				}
				if waiting == 0 {
					break
				}
				m = <-s.inbox
			}
		case <-answered(s.asked):
			if err := c.granted(s); err != nil {
				return 0, err
			}
			overdue = s.sendMarker(c)
		case <-overdue.over():
			if overdue = c.unmarked(s, overdue); s.learns && s.fresh.Load() {
				return 0, nil
			}
		case <-ready:
			c.up(s)
		case <-s.ctx.Done():
			return time.Since(began), context.Cause(s.ctx)
		case <-ctx.Done():
			close(s.waiting)
			select {
			case <-acknowledged:
			case <-time.After(parting):
			}
			s.leave(c)
			s.disconnect() // before the end of the session closes the connection: acknowledgements are on their way
			return time.Since(began), nil
		}
	}
}

// newSession makes a client with the settings on which the promise of the
// package rests.
func (c *Connection) newSession(ctx context.Context, learns bool) (*session, error) {
	password, err := c.broker.readPassword()
	if err != nil {
		return nil, err
	}
	s := &session{inbox: make(chan paho.Message, 256), waiting: make(chan *pending, maxOpen), settled: make(chan struct{}, 1), accept: c.stream(),
		heavy: make(chan struct{}, 1), former: make(map[string]bool), filters: make(map[string]bool), learns: learns}
	s.ctx, s.end = context.WithCancelCause(context.WithoutCancel(ctx))
	options := paho.NewClientOptions().
		AddBroker(c.broker.String()).
		SetClientID(c.clientID).
		SetUsername(c.broker.user).
		SetPassword(password).
		SetProtocolVersion(4).
		SetCleanSession(false).
		SetOrderMatters(true).
		SetAutoAckDisabled(true).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetConnectTimeout(connectTimeout).
		SetKeepAlive(keepAlive).
		SetStore(forgetful{}).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { s.receive(ctx, m) }). // from before Subscribe, too
		SetConnectionLostHandler(func(_ paho.Client, err error) { s.end(fmt.Errorf("connection lost: %w", err)) }).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
			wire, err := c.broker.dial(s.ctx)
			if err != nil {
				return nil, err
			}
			s.wire.Store(wire)
			return wire, nil
		})
	if learns {
		options.SetClientID(c.clientID + "-learn").SetCleanSession(true)
	} else {
		options.SetWill(c.statusTopic(), statusOffline, 1, true)
	}
	s.client = paho.NewClient(options)
	return s, nil
}

// forgetful keeps nothing of what is under way, because each connection has a client of
// its own: the broker sends again what was not acknowledged, and commands are not repeated.
type forgetful struct{}

func (forgetful) Open()                             {}
func (forgetful) Put(string, packets.ControlPacket) {}
func (forgetful) Get(string) packets.ControlPacket  { return nil }
func (forgetful) All() []string                     { return nil }
func (forgetful) Del(string)                        {}
func (forgetful) Close()                            {}
func (forgetful) Reset()                            {}

// disconnect says good-bye where there is somebody to say it to.
func (s *session) disconnect() { s.client.Disconnect(uint(parting.Milliseconds())) }

// leftOut reports whether the payload of a message was too long to be read, and how long it was.
func (s *session) leftOut(m paho.Message) (size int, is bool) {
	wire := s.wire.Load()
	if wire == nil {
		return 0, false
	}
	return wire.leftOut(m.Payload())
}

// receive hands a message on. When the gateway is far behind it waits, and so
// does the broker.
func (s *session) receive(ctx context.Context, m paho.Message) {
	if s.ctx.Err() != nil || ctx.Err() != nil {
		return // nor is anything taken that comes after what was left out below
	}
	if len(m.Payload()) > longest { // one at a time: the inbox has room for many short ones
		select {
		case s.heavy <- struct{}{}:
		case <-s.ctx.Done():
			return
		case <-ctx.Done():
			return
		}
	}
	select {
	case s.inbox <- m:
		return
	default:
	}
	select {
	case s.inbox <- m:
	case <-s.ctx.Done():
	case <-ctx.Done():
	}
}

// wait waits for paho to finish something, at most until the session ends.
func (s *session) wait(t paho.Token) error {
	select {
	case <-t.Done():
		return t.Error()
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}

// publish sends a command and waits for its acknowledgement.
func (s *session) publish(ctx context.Context, topic, payload string, retained bool) error {
	token := s.client.Publish(topic, 1, retained, payload)
	select {
	case <-token.Done():
		if errors.Is(token.Error(), paho.ErrNotConnected) {
			return ErrNotConnected
		}
		return token.Error()
	case <-s.ctx.Done():
		return fmt.Errorf("sent, not acknowledged: %w", context.Cause(s.ctx))
	case <-ctx.Done():
		return fmt.Errorf("sent, not acknowledged: %w", ctx.Err())
	}
}

// lighter lets the next long message come, when one was read.
func (s *session) lighter(m paho.Message) {
	if len(m.Payload()) > longest {
		<-s.heavy
	}
}
