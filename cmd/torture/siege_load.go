package main

import (
	"context"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// crowds comes to the page again and again.
func (s *siege) crowds(ctx context.Context) error {
	for ctx.Err() == nil {
		crowded, end := context.WithTimeout(ctx, time.Minute)
		held := s.page.crowd(crowded, crowdSize)
		end()
		s.story.add("%d connections of the crowd were let in", held)
	}
	return nil
}

func (s *siege) guesses(ctx context.Context) error {
	for sleep(ctx, time.Second) {
		s.page.guess(ctx, 20)
	}
	return nil
}

// giants sends messages of 50 MB to the commands.
func (s *siege) giants(ctx context.Context) error {
	for sleep(ctx, 5*time.Second) {
		err := s.consumer.with(func(ch *amqp.Channel) error {
			return ch.PublishWithContext(ctx, exchangeName, gatewayName+".command.dial0.level", false, false,
				amqp.Publishing{MessageId: "giant-" + strconv.FormatInt(time.Now().UnixNano(), 36), Body: make([]byte, 50<<20)})
		})
		if err != nil {
			s.story.add("a giant: %v", err)
		}
	}
	return nil
}

// flood sends commands without ids as fast as floodRate, over one connection after the other.
func (s *siege) flood(ctx context.Context) error {
	for sleep(ctx, 100*time.Millisecond) {
		err := s.consumer.with(func(ch *amqp.Channel) error {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for {
				for range floodRate / 100 {
					if err := ch.PublishWithContext(ctx, exchangeName, gatewayName+".command.dial1.level", false, false,
						amqp.Publishing{Body: []byte("1"), Expiration: "1000"}); err != nil {
						return err
					}
				}
				s.mu.Lock()
				s.sent += floodRate / 100
				s.mu.Unlock()
				select {
				case <-tick.C:
				case <-ctx.Done():
					return nil
				}
			}
		})
		if err != nil {
			s.story.add("the flood: %v", err)
		}
	}
	return nil
}

// clocks sets the clock of the house once a minute, each way.
func (s *siege) clocks(ctx context.Context) error {
	for i := 0; sleep(ctx, time.Minute); i++ {
		if err := s.setClock(ctx, clockJumps[i%len(clockJumps)]); err != nil && s.gate.settled() {
			return err
		}
	}
	return nil
}
