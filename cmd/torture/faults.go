package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"hogar/bridge/chaos"
)

const (
	instant = 0
	blink   = 100 * time.Millisecond
	moment  = 1500 * time.Millisecond
	long    = 17 * time.Second // beyond one and a half heartbeats, and the limit of a write
	longer  = 20 * time.Second
)

// kinds is all that goes wrong.
func kinds() []kind {
	all := []kind{
		{name: "kill the gateway", weight: 14, uses: theGateway, to: 300 * time.Millisecond, run: killGateway},
		{name: "stop the gateway", weight: 3, uses: theGateway, to: 300 * time.Millisecond, run: stopGateway},
		{name: "hang the gateway", weight: 3, uses: theGateway, from: blink, to: moment, run: hangGateway},
		{name: "kill RabbitMQ", weight: 2, uses: theRabbit, to: moment, slow: true, run: killRabbit},
		{name: "restart RabbitMQ", weight: 2, uses: theRabbit, to: moment, slow: true, run: restartRabbit},
		{name: "hang RabbitMQ", weight: 3, uses: theRabbit, from: blink, to: moment, run: hangRabbit},
		{name: "hang RabbitMQ for long", weight: 1, uses: theRabbit, from: long, to: longer, slow: true, run: hangRabbit},
		{name: "close connections", weight: 3, uses: theRabbit, run: closeConnections},
		{name: "cut", weight: 5, uses: theLine, run: func(_ context.Context, r *rig, _ fault) error { r.line.Cut(); return nil }},
		{name: "reset", weight: 5, uses: theLine, run: func(_ context.Context, r *rig, _ fault) error { r.line.Reset(); return nil }},
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
		{name: "cut MQTT", weight: 5, uses: theMosquitto, run: cutMQTT},
		{name: "half-open MQTT", weight: 3, uses: theMosquitto, from: blink, to: moment, run: halfOpenMQTT},
	}
	return all
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

func hangGateway(ctx context.Context, r *rig, f fault) error {
	r.gate.signal(syscall.SIGSTOP)
	sleep(ctx, f.Hold)
	r.gate.signal(syscall.SIGCONT)
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

// closeConnections does what an operator does: rabbitmqctl close_all_user_connections.
func closeConnections(ctx context.Context, r *rig, _ fault) error {
	_, err := r.rabbit.Eval(ctx, fmt.Sprintf(`[catch rabbit_networking:close_connection(P, "torture") || P <- rabbit_networking:connections(),
		[{vhost, <<"%s">>}, {user, <<"casa">>}] =:= (catch rabbit_reader:info(P, [vhost, user]))], ok.`, r.vhost))
	return err
}

// way is the one that the fault is about.
func (f fault) way() chaos.Way {
	if f.pick(2) == 0 {
		return chaos.Up
	}
	return chaos.Down
}

func cutAfter(ctx context.Context, r *rig, f fault) error {
	r.line.CutAfter(f.way(), int64(f.Arg>>8%20_000))
	sleep(ctx, f.Hold)
	r.line.Heal()
	return nil
}

func corrupt(ctx context.Context, r *rig, f fault) error {
	r.line.Corrupt(f.way(), int64(f.Arg>>8%3_000))
	sleep(ctx, f.Hold)
	r.line.Heal()
	return nil
}

// halfOpen swallows what goes one way, or both. A network that comes back never
// goes on in the middle: what is lost ends the connection.
func halfOpen(ctx context.Context, r *rig, f fault) error {
	swallow(ctx, r.line, f)
	return nil
}

func swallow(ctx context.Context, p *chaos.Proxy, f fault) {
	ways := [][]chaos.Way{{chaos.Up}, {chaos.Down}, {chaos.Up, chaos.Down}}[f.pick(3)]
	for _, w := range ways {
		p.Drop(w, true)
	}
	sleep(ctx, f.Hold)
	p.Reset()
	p.Heal()
}

func stall(ctx context.Context, r *rig, f fault) error {
	r.line.Stall(f.way(), true)
	sleep(ctx, f.Hold)
	r.line.Heal()
	return nil
}

func slowLine(ctx context.Context, r *rig, f fault) error {
	for _, w := range []chaos.Way{chaos.Up, chaos.Down} {
		r.line.Delay(w, 20*time.Millisecond, 80*time.Millisecond)
		r.line.Throttle(w, 20_000)
	}
	sleep(ctx, f.Hold)
	r.line.Heal()
	return nil
}

func refuse(ctx context.Context, r *rig, f fault) error {
	r.line.Refuse(true)
	r.line.Reset()
	sleep(ctx, f.Hold)
	r.line.Heal()
	return nil
}

func restartMosquitto(ctx context.Context, r *rig, f fault) error {
	if err := r.mosquitto.Stop(); err != nil {
		return err
	}
	sleep(ctx, f.Hold)
	return r.mosquitto.Start(context.WithoutCancel(ctx))
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
	swallow(ctx, r.mqttLine, f)
	return nil
}
