package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// bigSizes are the sizes in MB of messages to the commands. (RabbitMQ takes up to 128 MB by
// default, and gives up a line that takes none of it for 15 s: slower than the proxies here.)
var bigSizes = []int{1, 16, 50}

// bigMessages sends commands that no gateway may take into its memory. Each has an id, and so
// must have one outcome; the judge counts them as poison.
func bigMessages(ctx context.Context, r *rig, f fault) error {
	size := bigSizes[f.pick(uint64(len(bigSizes)))] << 20
	err := r.consumer.with(func(ch *amqp.Channel) error {
		if err := ch.Confirm(false); err != nil {
			return err
		}
		for i := range max(1, min(3, 50<<20/size)) {
			o := order{device: dials[0], value: -1, dead: true}
			id := fmt.Sprintf("big-%d-%d", f.Arg, i)
			r.commander.ordered(id, o)
			sent, err := ch.PublishWithDeferredConfirm(exchangeName, gatewayName+".command."+o.device+".level", false, false,
				amqp.Publishing{MessageId: id, DeliveryMode: amqp.Persistent, Body: make([]byte, size)})
			if err != nil {
				return err
			}
			waiting, cancel := context.WithTimeout(ctx, 20*time.Second)
			_, err = sent.WaitContext(waiting)
			cancel()
			if err != nil {
				return nil // nobody knows whether RabbitMQ has it
			}
		}
		return nil
	})
	if _, refused := errors.AsType[*amqp.Error](err); refused {
		r.story.add("RabbitMQ does not take it: %v", err) // the exchange is gone, say
		return nil
	}
	return err
}

// crowdAtThePage holds many slow connections to the page. The socket of this machine must
// answer all the same.
func crowdAtThePage(ctx context.Context, r *rig, f fault) error {
	crowded, enough := context.WithCancel(ctx)
	var held int
	var wg sync.WaitGroup
	wg.Go(func() { held = r.page.crowd(crowded, 200+f.pick(800)) })
	sleep(ctx, f.Hold)
	if r.gate.settled() {
		limited, cancel := context.WithTimeout(ctx, answerLimit)
		if _, err := r.gate.Status(limited); err != nil && r.gate.settled() {
			r.complain("with a crowd at the page the socket does not answer: %v", err)
		}
		cancel()
	}
	enough()
	wg.Wait()
	r.story.add("%d connections of the crowd were let in", held)
	return nil
}

// answerLimit is far beyond what an answer takes on a machine whose cores are all busy.
const answerLimit = 5 * time.Second

// guessesAtOnce tries wrong passwords side by side. The right one, from another address, is
// let in all the same, unless the gateway ends or begins meanwhile.
func guessesAtOnce(ctx context.Context, r *rig, f fault) error {
	begun := r.gate.begun()
	var wg sync.WaitGroup
	var tried int
	wg.Go(func() { tried = r.page.guess(ctx, 20) })
	if r.gate.settled() {
		var status int
		err := r.until(ctx, answerLimit, "the right password is let in", func() bool {
			limited, cancel := context.WithTimeout(ctx, answerLimit)
			defer cancel()
			var err error
			status, _, err = r.page.login(limited, r.page.client("127.0.0.2"), r.page.password)
			return err == nil && status < http.StatusMultipleChoices
		})
		if err != nil && r.gate.settled() && r.gate.begun() == begun {
			r.complain("among wrong passwords the right one is not let in: status %d, %v", status, err)
		}
	}
	wg.Wait()
	if tried > 10 && r.gate.begun() == begun {
		r.complain("of 20 wrong passwords at once %d were tried, expected a wait after some", tried)
	}
	return nil
}

// bad are what is added to a good configuration, so that it must be refused.
var bad = []string{
	"rules:\n  r: {when: {cron: \"*/9223372036854775807 * * * *\"}, do: [{log: x}]}\n",
	"rules:\n  r: {when: {cron: \"1/2147483647 * * * *\"}, do: [{log: x}]}\n",
	"rules:\n  r: {when: {at: \"99:99\"}, do: [{log: x}]}\n",
	"rules:\n  r: {when: {every: 9999999999h}, do: [{log: x}]}\n",
	"rules:\n  r: {when: " + strings.Repeat("(", 20_000) + ", do: [{log: x}]}\n",
	"rules:\n  r: {when: hall.climate.temperature > " + strings.Repeat("9", 5000) + ", do: [{lgo: x}]}\n",
	"gateway: another\n",
	"vars: &a {x: *a}\n",
	"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
		"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
	"groups: " + strings.Repeat("[", 20_000) + "\n",
	"groups: " + strings.Repeat("{a: ", 5_000) + "\n",
	"\tdevices: x\n",
	"\x00\x01\xff\xfe",
	"scenes: \"" + strings.Repeat("x", 1<<20) + "\n",
	"---\ngateway: second\n",
	"location: {latitude: .nan, longitude: .inf, timezone: Mars/Olympus}\n",
	"journal: {max_size: 99999999999999999999GB}\n",
}

// badReload has the gateway read a configuration that is wrong. It refuses, and goes on.
func badReload(ctx context.Context, r *rig, f fault) error {
	if !r.gate.settled() {
		return nil
	}
	house := r.house() + bad[f.pick(uint64(len(bad)))]
	if err := os.WriteFile(r.gate.config, []byte(house), 0o600); err != nil {
		return err
	}
	r.gate.signal(syscall.SIGHUP)
	sleep(ctx, f.Hold)
	alive := r.gate.alive()
	if err := os.WriteFile(r.gate.config, []byte(r.house()), 0o600); err != nil {
		return err
	}
	if !alive {
		r.complain("a bad configuration ended the gateway: %.200s", house[len(r.house()):])
		return nil
	}
	r.gate.signal(syscall.SIGHUP)
	return nil
}

// clockJumps are what is done to the clock of the house: what NTP does behind a start without
// a clock chip, what a hand does, and back again. In sum it stays where it is, about.
var clockJumps = []string{"-2h", "+1h59m", "+3h", "-3h", "+336h", "-336h", "-11s", "+12s"}

// setClock sets the wall time of the house. A gateway that does not answer now is left alone.
func (r *rig) setClock(ctx context.Context, by string) error {
	limited, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	_, err := r.gate.SetClock(limited, by)
	return err
}

// jump sets the clock, waits and sets it again.
func jump(ctx context.Context, r *rig, f fault) error {
	for i := range uint64(2) {
		by := clockJumps[(f.Arg+i)%uint64(len(clockJumps))]
		if err := r.setClock(ctx, by); err != nil && r.gate.settled() {
			r.complain("the clock cannot be set by %s: %v", by, err)
		}
		sleep(ctx, f.Hold)
	}
	return nil
}
