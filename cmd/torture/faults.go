package main

import (
	"context"
	"errors"
	"syscall"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/bridge/chaos"
)

const (
	blink  = 100 * time.Millisecond
	moment = 1500 * time.Millisecond
	long   = 17 * time.Second // beyond one and a half heartbeats, and the limit of a write
	longer = 20 * time.Second
)

// kinds is all that goes wrong.
func kinds() []kind {
	return []kind{
		{name: "kill the gateway", weight: 14, uses: theGateway, to: 300 * time.Millisecond, run: killGateway},
		{name: "stop the gateway", weight: 3, uses: theGateway, to: 300 * time.Millisecond, run: stopGateway},
		{name: "hang the gateway", weight: 3, uses: theGateway, from: blink, to: moment, run: hangGateway},
		{name: "reload", weight: 2, uses: theGateway, run: reload},
		{name: "a second gateway", weight: 1, uses: theGateway, run: secondGateway},
		{name: "fill the disk", weight: 2, uses: theGateway | theDisk, from: blink, to: moment, can: func(r *rig) bool { return r.disk.small }, run: fullDisk},
		{name: "damage a record", weight: 3, uses: theGateway | theDisk, run: damage},
		{name: "kill RabbitMQ", weight: 2, uses: theRabbit, to: moment, slow: true, run: killRabbit},
		{name: "restart RabbitMQ", weight: 2, uses: theRabbit, to: moment, slow: true, run: restartRabbit},
		{name: "hang RabbitMQ", weight: 3, uses: theRabbit, from: blink, to: moment, run: hangRabbit},
		{name: "hang RabbitMQ for long", weight: 1, uses: theRabbit, from: long, to: longer, slow: true, run: hangRabbit},
		{name: "close connections", weight: 3, uses: theRabbit, run: closeConnections},
		{name: "delete the queue", weight: 4, uses: theRabbit, from: blink, to: moment, run: deleteQueue},
		{name: "unbind the queue", weight: 2, uses: theRabbit, from: blink, to: moment, run: unbind},
		{name: "delete the exchange", weight: 3, uses: theRabbit, from: blink, to: moment, run: deleteExchange},
		{name: "a full queue", weight: 3, uses: theRabbit, from: blink, to: moment, run: fullQueue},
		{name: "revoke the rights", weight: 3, uses: theRabbit, from: blink, to: moment, run: revoke},
		{name: "change the password", weight: 1, uses: theRabbit, from: blink, to: moment, run: wrongUser},
		{name: "alarm", weight: 4, uses: theRabbit, from: blink, to: moment, run: alarm},
		{name: "cut", weight: 5, uses: theLine, run: func(_ context.Context, r *rig, _ fault) error { r.lines.each((*chaos.Proxy).Cut); return nil }},
		{name: "reset", weight: 5, uses: theLine, run: func(_ context.Context, r *rig, _ fault) error { r.lines.each((*chaos.Proxy).Reset); return nil }},
		{name: "cut within a frame", weight: 6, uses: theLine, from: blink, to: moment, run: cutAfter},
		{name: "corrupt a byte", weight: 5, uses: theLine, from: blink, to: moment, run: corrupt},
		{name: "half-open", weight: 6, uses: theLine, from: blink, to: moment, run: halfOpen},
		{name: "half-open for long", weight: 1, uses: theLine, from: long, to: longer, slow: true, run: halfOpen},
		{name: "stall", weight: 5, uses: theLine, from: blink, to: moment, run: stall},
		{name: "stall for long", weight: 1, uses: theLine, from: long, to: longer, slow: true, run: stall},
		{name: "slow line", weight: 3, uses: theLine, from: blink, to: moment, run: slowLine},
		{name: "refuse connections", weight: 2, uses: theLine, from: blink, to: moment, run: refuse},
		{name: "restart Mosquitto", weight: 2, uses: theMosquitto, to: moment, run: restartMosquitto},
		{name: "hang Mosquitto", weight: 2, uses: theMosquitto, from: blink, to: moment, run: hangMosquitto},
		{name: "kill Mosquitto", weight: 1, uses: theMosquitto, to: moment, run: killMosquitto},
		{name: "steal the client id", weight: 1, uses: theMosquitto, from: blink, to: moment, run: stealClientID},
		{name: "cut MQTT", weight: 5, uses: theMosquitto, run: cutMQTT},
		{name: "set the clock", weight: 4, uses: theClock, from: blink, to: moment, run: jump},
		{name: "big messages", weight: 2, uses: theRabbit, run: bigMessages},
		{name: "a crowd at the page", weight: 2, uses: thePage, from: blink, to: moment, run: crowdAtThePage},
		{name: "wrong passwords at once", weight: 2, uses: thePage, run: guessesAtOnce},
		{name: "reload with a bad configuration", weight: 3, uses: theGateway, from: blink, to: moment, run: badReload},
		{name: "half-open MQTT", weight: 3, uses: theMosquitto, from: blink, to: moment, run: halfOpenMQTT},
	}
}

func killGateway(ctx context.Context, r *rig, f fault) error {
	r.gate.kill()
	sleep(ctx, f.Hold)
	return r.gate.start()
}

func stopGateway(ctx context.Context, r *rig, f fault) error {
	if err := r.gate.stop(30 * time.Second); err != nil {
		r.complain("%v", err)
	}
	sleep(ctx, f.Hold)
	return r.gate.start()
}

// reload asks a gateway that answers, as systemd does: before that a signal ends it.
func reload(ctx context.Context, r *rig, _ fault) error {
	if _, err := r.gate.Status(ctx); err == nil {
		r.gate.signal(syscall.SIGHUP)
	}
	return nil
}

func hangGateway(ctx context.Context, r *rig, f fault) error {
	r.gate.signal(syscall.SIGSTOP)
	sleep(ctx, f.Hold)
	r.gate.signal(syscall.SIGCONT)
	return nil
}

// secondGateway must refuse to run, and the first must not notice.
func secondGateway(ctx context.Context, r *rig, _ fault) error {
	if !r.gate.alive() {
		return nil
	}
	if _, err := r.gate.Status(ctx); err != nil {
		r.story.add("the first does not answer yet: %v", err)
		return nil
	}
	if err := r.gate.second(ctx); err != nil {
		r.complain("%v", err)
	}
	return nil
}

func killRabbit(ctx context.Context, r *rig, f fault) error {
	r.rabbit.Kill()
	sleep(ctx, f.Hold)
	return r.rabbit.Start(context.WithoutCancel(ctx))
}

func restartRabbit(ctx context.Context, r *rig, f fault) error {
	if err := r.rabbit.Stop(); err != nil {
		return err
	}
	sleep(ctx, f.Hold)
	return r.rabbit.Start(context.WithoutCancel(ctx))
}

func hangRabbit(ctx context.Context, r *rig, f fault) error {
	err := r.rabbit.Pause()
	sleep(ctx, f.Hold)
	return errors.Join(err, r.rabbit.Resume())
}

// way is the one that the fault is about.
func (f fault) way() chaos.Way {
	if f.pick(2) == 0 {
		return chaos.Up
	}
	return chaos.Down
}

func cutAfter(ctx context.Context, r *rig, f fault) error {
	r.lines.each(func(p *chaos.Proxy) { p.CutAfter(f.way(), int64(f.Arg>>8%20_000)) })
	sleep(ctx, f.Hold)
	r.lines.each((*chaos.Proxy).Heal)
	return nil
}

func corrupt(ctx context.Context, r *rig, f fault) error {
	r.lines.each(func(p *chaos.Proxy) { p.Corrupt(f.way(), int64(f.Arg>>8%3_000)) })
	sleep(ctx, f.Hold)
	r.lines.each((*chaos.Proxy).Heal)
	return nil
}

// halfOpen swallows what goes one way, or both. A network that comes back never
// goes on in the middle: what is lost ends the connection.
func halfOpen(ctx context.Context, r *rig, f fault) error {
	swallow(ctx, r.lines, f)
	return nil
}

func swallow(ctx context.Context, l lines, f fault) {
	ways := [][]chaos.Way{{chaos.Up}, {chaos.Down}, {chaos.Up, chaos.Down}}[f.pick(3)]
	for _, w := range ways {
		l.each(func(p *chaos.Proxy) { p.Drop(w, true) })
	}
	sleep(ctx, f.Hold)
	l.each((*chaos.Proxy).Reset)
	l.each((*chaos.Proxy).Heal)
}

func stall(ctx context.Context, r *rig, f fault) error {
	r.lines.each(func(p *chaos.Proxy) { p.Stall(f.way(), true) })
	sleep(ctx, f.Hold)
	r.lines.each((*chaos.Proxy).Heal)
	return nil
}

func slowLine(ctx context.Context, r *rig, f fault) error {
	for _, w := range []chaos.Way{chaos.Up, chaos.Down} {
		r.lines.each(func(p *chaos.Proxy) {
			p.Delay(w, 20*time.Millisecond, 80*time.Millisecond)
			p.Throttle(w, 20_000)
		})
	}
	sleep(ctx, f.Hold)
	r.lines.each((*chaos.Proxy).Heal)
	return nil
}

func refuse(ctx context.Context, r *rig, f fault) error {
	r.lines.each(func(p *chaos.Proxy) { p.Refuse(true) })
	r.lines.each((*chaos.Proxy).Reset)
	sleep(ctx, f.Hold)
	r.lines.each((*chaos.Proxy).Heal)
	return nil
}

func restartMosquitto(ctx context.Context, r *rig, f fault) error {
	r.forgive()
	if err := r.mosquitto.Stop(); err != nil {
		return err
	}
	sleep(ctx, f.Hold)
	return r.mosquitto.Start(context.WithoutCancel(ctx))
}

// forgive notes that Mosquitto may have lost what it alone had.
func (r *rig) forgive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgets = true
}

// killMosquitto may cost what Mosquitto alone has.
func killMosquitto(ctx context.Context, r *rig, f fault) error {
	r.forgive()
	r.mosquitto.Kill()
	sleep(ctx, f.Hold)
	return r.mosquitto.Start(context.WithoutCancel(ctx))
}

// stealClientID connects under the gateway's id, which throws it out. The thief
// acknowledges nothing.
func stealClientID(ctx context.Context, r *rig, f fault) error {
	thief := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + r.mosquitto.Addr()).SetClientID(r.clientID()).
		SetCleanSession(false).SetAutoReconnect(false).SetAutoAckDisabled(true).SetOrderMatters(false))
	if token := thief.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		r.story.add("the thief is not let in: %v", token.Error())
		return nil
	}
	sleep(ctx, f.Hold)
	thief.Disconnect(0)
	return nil
}

func hangMosquitto(ctx context.Context, r *rig, f fault) error {
	err := r.mosquitto.Pause()
	sleep(ctx, f.Hold)
	return errors.Join(err, r.mosquitto.Resume())
}

func cutMQTT(_ context.Context, r *rig, f fault) error {
	if f.pick(2) == 0 {
		r.mqttLine.Cut()
	} else {
		r.mqttLine.Reset()
	}
	return nil
}

func halfOpenMQTT(ctx context.Context, r *rig, f fault) error {
	swallow(ctx, lines{r.mqttLine}, f)
	return nil
}
