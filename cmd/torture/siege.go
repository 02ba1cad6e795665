package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// besiegedLines are devices and a rule by which the house shows that it is alive: a lamp at a
// pin that is set over the socket, and a rule between two topics.
const besiegedLines = `  porch.lamp: {driver: relay, pin: GPIO17}
  knock: {driver: mqtt, topic: %[1]sknock, property: number}
  answer: {driver: mqtt, topic: %[1]sanswer, property: number, command_topic: %[1]sanswer/set}
rules:
  answer: {when: {changed: knock.number}, rate: 1000 per 1m, do: [{set: {answer.number: "= knock.number"}}]}
`

// What must hold in a siege, beside that nothing is lost and nothing is started again.
const (
	promptly      = 100 * time.Millisecond // a command on the spot, and a rule
	writtenLimit  = 64.0                   // MB
	crowdSize     = 1000
	streamsAtOnce = 100
	floodRate     = 10_000 // commands a second
)

// siege is one run: what was measured while it lasted.
type siege struct {
	*rig
	mu     sync.Mutex
	sets   []time.Duration // a command over the socket, until its receipt
	knocks []time.Duration // a message of MQTT, until a rule's command is at Mosquitto
	errs   int             // commands over the socket that were not done
	sent   int             // commands of the flood
}

// besiege does one run: all neighbours at once for o.siege, with the gateway under the limits of
// its unit. The house must go on as if they were not there.
func (o options) besiege(ctx context.Context, b *brokers, dir string, seed uint64) (result, error) {
	r, err := newRig(ctx, b, o.hogar, dir, seed)
	if err != nil {
		return result{}, err
	}
	defer r.close()
	r.patience = settleLimit
	r.commander.end() // its outcomes would be among those of the flood
	if err := r.spare(); err != nil {
		return result{}, err
	}
	s := &siege{rig: r}
	if err := s.last(ctx, o.siege, seed); err != nil {
		return result{}, err
	}
	res := result{seed: seed}
	if res.recovery, err = s.lift(ctx); err != nil {
		return result{}, err
	}
	res.verdict = judge(evidence{taken: r.source.taken, place: r.source.place, acked: r.source.acked, arrived: r.consumer.arrived, starts: r.gate.starts - 1})
	res.verdict.complaints = append(res.verdict.complaints, r.complaints...)
	s.judge(res.verdict)
	res.slowest, res.starts, res.memory, res.took = r.gate.slowest, r.gate.starts, r.gate.most, time.Since(r.began)
	return res, nil
}

// spare has the outcomes of the flood taken by a short queue of their own: they are not
// looked at, and there are millions.
func (r *rig) spare() error {
	return r.consumer.with(func(ch *amqp.Channel) error {
		const name = queueName + "-rest"
		if _, err := ch.QueueDeclare(name, true, false, false, false, amqp.Table{"x-max-length": 1000}); err != nil {
			return err
		}
		for _, kind := range []string{"outcome", "event"} {
			if err := errors.Join(ch.QueueBind(name, gatewayName+"."+kind+".#", exchangeName, false, nil),
				ch.ExchangeUnbind(queueName, gatewayName+"."+kind+".#", exchangeName, false, nil)); err != nil {
				return err
			}
		}
		return nil
	})
}

// last lets the siege last, and measures meanwhile. It returns an error when the siege itself
// could not be laid.
func (s *siege) last(ctx context.Context, span time.Duration, seed uint64) error {
	besieged, end := context.WithTimeout(ctx, span)
	defer end()
	var wg sync.WaitGroup
	fail := make(chan error, 8)
	for _, one := range []func(context.Context) error{
		func(ctx context.Context) error { return s.page.follow(ctx, streamsAtOnce) },
		s.crowds, s.guesses, s.giants, s.flood, s.clocks, s.commands,
		func(ctx context.Context) error { return s.knockAll(ctx, seed) },
	} {
		wg.Go(func() {
			if err := one(besieged); err != nil && besieged.Err() == nil {
				fail <- err
				end()
			}
		})
	}
	wg.Go(func() { s.nurse(besieged) })
	wg.Wait()
	select {
	case err := <-fail:
		return err
	default:
		return ctx.Err()
	}
}

// lift ends the siege: it returns when all that was acknowledged has arrived and the gateway
// is stopped.
func (s *siege) lift(ctx context.Context) (recovery time.Duration, err error) {
	s.source.end()
	all := func() bool { return s.source.missing(s.consumer.has, false) == 0 }
	err = s.consumer.drain(ctx, func() error {
		began := time.Now()
		if err := s.until(ctx, settleLimit, "all that was sent has arrived", all); err != nil {
			s.complain("%v; %d are missing", err, s.source.missing(s.consumer.has, false))
		}
		recovery = time.Since(began)
		if err := s.gate.stop(30 * time.Second); err != nil {
			s.complain("%v", err)
		}
		return nil
	})
	return recovery, err
}

// commands sets the lamp over the socket and takes the time.
func (s *siege) commands(ctx context.Context) error {
	for on := true; sleep(ctx, 250*time.Millisecond); on = !on {
		limited, cancel := context.WithTimeout(ctx, answerLimit)
		began := time.Now()
		o, err := s.gate.Command(limited, home.Command{Device: "porch.lamp", Set: home.Settings{{Property: "state", Value: home.BooleanOf(on)}}})
		took := time.Since(began)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		s.mu.Lock()
		s.sets = append(s.sets, took)
		if err != nil || !o.Result.OK() {
			s.errs++
			s.story.add("set porch.lamp: %v %s %v", o.Result, o.Error, err)
		}
		s.mu.Unlock()
	}
	return nil
}

// knockAll publishes numbers that a rule answers, and takes the time of each answer.
func (s *siege) knockAll(ctx context.Context, seed uint64) error {
	answers := make(chan string, 16)
	client, err := connectMQTT(s.mosquitto.Addr(), "knock", func(c paho.Client) {
		c.Subscribe(s.topic("answer/set"), 1, func(_ paho.Client, m paho.Message) {
			select {
			case answers <- string(m.Payload()):
			default:
			}
		})
	})
	if err != nil {
		return err
	}
	defer client.Disconnect(100)
	first := rand.New(rand.NewPCG(seed, 5)).IntN(1_000_000)
	for n := first; sleep(ctx, 250*time.Millisecond); n++ {
		began := time.Now()
		client.Publish(s.topic("knock"), 1, false, strconv.Itoa(n)).WaitTimeout(answerLimit)
		deadline := time.After(answerLimit)
	wait:
		for {
			select {
			case a := <-answers:
				if a != strconv.Itoa(n) {
					continue // of an earlier one
				}
				break wait
			case <-deadline:
				break wait
			case <-ctx.Done():
				return nil
			}
		}
		if n == first {
			continue // nothing was known before it, so that it starts no rule
		}
		s.mu.Lock()
		s.knocks = append(s.knocks, time.Since(began))
		s.mu.Unlock()
	}
	return nil
}

// share returns the part of a sorted list below which so many hundredths lie.
func share(of []time.Duration, hundredths int) time.Duration {
	if len(of) == 0 {
		return 0
	}
	return of[min(len(of)-1, len(of)*hundredths/100)]
}

// judge holds what was measured against what is promised.
func (s *siege) judge(v *verdict) {
	slices.Sort(s.sets)
	slices.Sort(s.knocks)
	v.siege = fmt.Sprintf("sets=%d p50=%s p99=%s max=%s rules=%d p50=%s p99=%s max=%s written=%.1fMB flood=%d",
		len(s.sets), share(s.sets, 50), share(s.sets, 99), share(s.sets, 100), len(s.knocks), share(s.knocks, 50), share(s.knocks, 99), share(s.knocks, 100),
		s.gate.wrote, s.sent)
	switch {
	case len(s.sets) == 0 || len(s.knocks) == 0:
		v.complain("nothing was measured")
	case share(s.sets, 99) > promptly, share(s.knocks, 99) > promptly:
		v.complain("a command or a rule took longer than %s", promptly)
	}
	if s.errs > 0 {
		v.complain("%d of %d commands over the socket were not done", s.errs, len(s.sets))
	}
	if s.gate.wrote > writtenLimit {
		v.complain("the gateway has written %.1f MB of memory, expected %.0f at most", s.gate.wrote, writtenLimit)
	}
	if s.gate.starts > 1 {
		v.complain("the gateway was started %d times", s.gate.starts)
	}
	if log, err := os.ReadFile(filepath.Join(s.dir, "gateway.log")); err == nil && strings.Contains(string(log), "goroutine 1 [") {
		v.complain("the gateway's log has a trace of Go")
	}
}
