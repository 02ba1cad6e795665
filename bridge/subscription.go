package bridge

import (
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A subscription takes one message at a time until its session has lived: that many came for
// the first time and were settled, or so long it lasted. What makes a gateway end, or lose its
// connection, takes no crowd with it then.
const (
	livedSettled = 16
	livedFor     = 2 * time.Second
)

// subscription is the consumer of one queue, on a channel of its own. For one goroutine.
type subscription struct {
	link       *link
	ch         *amqp.Channel
	closed     chan *amqp.Error
	queue      string
	deliveries <-chan amqp.Delivery
	most       int  // prefetch, when the session has lived
	expired    bool // it is the queue expired

	settled int  // messages of the careful beginning
	grown   bool // it takes most at a time, or is about to
	growing bool // its consumer ends, and begins anew
	held    bool // a message waits for its turn alone: none behind it is taken
}

// subscribe consumes a queue, after declare if there is one: so many messages at a time at first, and most when
// the session has lived.
func (l *link) subscribe(queue string, first, most int, declare func(*amqp.Channel) error) (*subscription, error) {
	ch, err := l.Channel()
	if err != nil {
		return nil, l.failure(nil, err, "open a channel")
	}
	s := &subscription{link: l, ch: ch, closed: ch.NotifyClose(make(chan *amqp.Error, 1)), queue: queue, most: most, grown: first == most}
	if declare != nil {
		if err := declare(ch); err != nil {
			return nil, l.failure(s.closed, err, "claim queue "+queue)
		}
	}
	return s, s.consume(first)
}

// consume begins to consume. The prefetch holds for the consumer that it comes before.
func (s *subscription) consume(prefetch int) error {
	if err := s.ch.Qos(prefetch, 0, false); err != nil {
		return s.link.failure(s.closed, err, "set the prefetch of queue "+s.queue)
	}
	var err error
	if s.deliveries, err = s.ch.Consume(s.queue, s.queue, false, false, false, false, nil); err != nil {
		return s.link.failure(s.closed, err, "consume queue "+s.queue)
	}
	return nil
}

// next is where the next message comes; nil while none may be taken, and of no subscription.
func (s *subscription) next() <-chan amqp.Delivery {
	if s == nil || s.held {
		return nil
	}
	return s.deliveries
}

// settle counts a message that is over.
func (s *subscription) settle(d *amqp.Delivery) error {
	if s.grown || d.Redelivered {
		return nil
	}
	if s.settled++; s.settled < livedSettled {
		return nil
	}
	return s.grow()
}

// careful reports whether it takes one message at a time.
func (s *subscription) careful() bool { return s != nil && !s.grown }

// grow takes more at a time from now on: a consumer keeps the prefetch it began with, and so ends and
// begins anew, when its last message was read (see ended).
func (s *subscription) grow() error {
	if s == nil || s.grown || s.held || s.deliveries == nil {
		return nil
	}
	s.grown, s.growing = true, true
	if err := s.ch.Cancel(s.queue, false); err != nil {
		return s.link.failure(s.closed, err, "consume queue "+s.queue)
	}
	return nil
}

// ended is called when next is closed. It returns why, or consumes anew after grow.
func (s *subscription) ended() error {
	switch {
	case s.link.IsClosed():
		return s.link.failure(nil, nil, "consume")
	case s.ch.IsClosed() || !s.growing:
		return fmt.Errorf("consume at %s: queue %s was deleted; declaring it anew", s.link.target.show, s.queue)
	}
	s.growing = false
	return s.consume(s.most)
}
