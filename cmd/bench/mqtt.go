package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"hogar/bridge/localbroker"
)

// mqttPeer is a program that takes MQTT messages to RabbitMQ.
type mqttPeer struct {
	name     string
	exchange string
	key      string
	start    func(ctx context.Context, mqtt, test string, values int) (pid int, stop func() error, err error)
	each     func(values int) int  // AMQP messages for each MQTT message
	plugin   *localbroker.RabbitMQ // of one that has no other broker than this; else nil
}

func one(int) int { return 1 }

func all(values int) int { return values }

// The bare Go programs: they acknowledge what RabbitMQ has confirmed, and keep no journal.
const (
	passingOn    = "bare Go"                   // each message as it came
	sameMessages = "bare Go, hogar's messages" // one for each value that is new, as hogar publishes it
)

// mqttRound is what one round of a peer cost.
type mqttRound struct{ rate, cpu, highest, twice float64 }

// mosquitto starts one; it is nil without an error when there is none on this machine.
func (b *bench) mosquitto(ctx context.Context) (*localbroker.Mosquitto, error) {
	m, err := localbroker.StartMosquitto(ctx, localbroker.Options{Dir: filepath.Join(b.dir, "mosquitto"), SaveEvery: 1_000_000})
	if errors.Is(err, localbroker.ErrNotInstalled) {
		b.report.skip("mqtt", err.Error())
		return nil, nil
	}
	return m, err
}

// hogarPeer is hogar itself.
func (b *bench) hogarPeer() mqttPeer {
	return mqttPeer{name: "hogar", exchange: "hogar", key: gatewayName + ".reading.#", start: b.mqttHogar, each: all}
}

// mqtt measures Mosquitto, a peer, RabbitMQ: hogar beside two bare Go programs, a Node
// program, and RabbitMQ's own plugin.
func (b *bench) mqtt(ctx context.Context, test string) error {
	m, err := b.mosquitto(ctx)
	if m == nil {
		return err
	}
	defer m.Kill()
	peers := []mqttPeer{
		b.hogarPeer(),
		{name: passingOn, exchange: "amq.topic", key: "zigbee2mqtt.#", start: b.mqttBare("bare"), each: one},
		{name: sameMessages, exchange: "amq.topic", key: "casa.reading.#", start: b.mqttBare("readings"), each: all},
	}
	if script, err := b.nodeBridge(ctx); err != nil {
		b.report.skip("mqtt, Node", err.Error())
	} else {
		peers = append(peers, mqttPeer{name: "Node", exchange: "amq.topic", key: "zigbee2mqtt.#", each: one,
			start: func(ctx context.Context, mqtt, _ string, _ int) (int, func() error, error) {
				return b.child(ctx, exec.CommandContext(ctx, "node", script, mqtt, b.broker))
			}})
	}
	plugin, err := localbroker.StartRabbitMQ(ctx, localbroker.Options{Dir: filepath.Join(b.dir, "plugin"), MQTT: -1})
	if err != nil {
		return err
	}
	defer plugin.Kill()
	peers = append(peers, mqttPeer{name: "RabbitMQ's plugin, the whole broker", exchange: "amq.topic", key: "zigbee2mqtt.*", each: one, plugin: plugin,
		start: func(ctx context.Context, _, _ string, _ int) (int, func() error, error) {
			pid, err := plugin.PID(ctx)
			return pid, func() error { return nil }, err
		}})
	return errors.Join(b.mqttValues(ctx, m.URL(), test, peers, 1), b.mqttValues(ctx, m.URL(), test, peers, 4))
}

// mqttWaiting measures a house of a hundred MQTT devices that does nothing, and one for which
// 30,000 messages waited in the MQTT broker.
func (b *bench) mqttWaiting(ctx context.Context, test string) error {
	const waiting = 30_000
	m, err := b.mosquitto(ctx)
	if m == nil {
		return err
	}
	defer m.Kill()
	env := append(b.hogarPeer().env(m.URL(), b.broker, 1), fmt.Sprint("HOGAR_BENCH_MQTT_COUNT=", waiting))
	state, err := os.MkdirTemp(b.dir, "mqtt-waiting-")
	if err != nil {
		return err
	}
	run := func(steps ...string) (used memory, err error) {
		h, err := b.houseOf(ctx, m.URL(), state, 1)
		if err != nil {
			return used, err
		}
		defer func() { err = errors.Join(err, h.stop()) }()
		for _, step := range steps {
			if _, err := b.mqttStep(ctx, test, step, env); err != nil {
				return used, err
			}
		}
		if err := h.sleep(ctx, 10*time.Second); err != nil {
			return used, err
		}
		return memoryOf(h.cmd.Process.Pid)
	}
	if _, err := b.mqttStep(ctx, test, "setup", env); err != nil {
		return err
	}
	if _, err = run("hear"); err != nil { // from here on the broker keeps what comes
		return err
	}
	idle, err := run()
	if err != nil {
		return err
	}
	var highest, left []float64
	for range min(b.rounds, 3) {
		if _, err := b.mqttStep(ctx, test, "feed", env); err != nil {
			return err
		}
		loaded, err := run("gather")
		if err != nil {
			return err
		}
		highest, left = append(highest, loaded.highest), append(left, loaded.anonymous)
	}
	b.report.add(figure{Name: "mqtt, idle, 100 devices, resident", Unit: "MB", Goal: atMost, Target: 16, Samples: []float64{idle.resident}})
	b.report.add(figure{Name: "mqtt, idle, of it not in files", Unit: "MB", Samples: []float64{idle.anonymous}})
	b.report.add(figure{Name: "mqtt, idle, resident, highest since the start", Unit: "MB", Samples: []float64{idle.highest}})
	b.report.add(figure{Name: "mqtt, 30,000 waited, resident, highest", Unit: "MB", Goal: atMost, Target: 24, Samples: highest})
	b.report.add(figure{Name: "mqtt, 30,000 waited, of it not in files, at the end", Unit: "MB", Samples: left})
	return nil
}

// env is what the steps are told.
func (p mqttPeer) env(mqtt, amqp string, values int) []string {
	return []string{brokerVar + "=" + amqp, mqttVarName + "=" + mqtt, "HOGAR_BENCH_MQTT_EXCHANGE=" + p.exchange, "HOGAR_BENCH_MQTT_KEY=" + p.key,
		fmt.Sprint("HOGAR_BENCH_MQTT_VALUES=", values), fmt.Sprint("HOGAR_BENCH_MQTT_EACH=", p.each(values))}
}

// mqttValues measures all peers in interleaved rounds.
func (b *bench) mqttValues(ctx context.Context, mqtt, test string, peers []mqttPeer, values int) error {
	rates, cpus, highest, twice := make(map[string][]float64), make(map[string][]float64), make(map[string][]float64), make(map[string][]float64)
	for range min(b.rounds, 3) {
		for _, p := range peers {
			r, err := b.mqttRound(ctx, mqtt, test, p, values)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			rates[p.name], cpus[p.name] = append(rates[p.name], r.rate), append(cpus[p.name], r.cpu)
			twice[p.name] = append(twice[p.name], r.twice)
			highest[p.name] = append(highest[p.name], r.highest)
		}
	}
	what := fmt.Sprintf("mqtt, %d changed, ", values)
	for _, p := range peers {
		b.report.add(figure{Name: what + p.name, Unit: "msgs/s", Samples: rates[p.name]})
		b.report.add(figure{Name: what + p.name + ", processor", Unit: "s/10,000", Samples: cpus[p.name]})
		b.report.add(figure{Name: what + p.name + ", resident, highest", Unit: "MB", Samples: highest[p.name]})
		b.report.add(figure{Name: what + p.name + ", came twice", Unit: "msgs", Samples: twice[p.name]})
	}
	for _, ceiling := range []string{passingOn, sameMessages} {
		rate := figure{Name: what + "hogar / " + ceiling, Unit: "ratio", Samples: ratios(rates["hogar"], rates[ceiling])}
		cpu := figure{Name: what + "hogar / " + ceiling + ", processor", Unit: "ratio", Samples: ratios(cpus["hogar"], cpus[ceiling])}
		if ceiling == sameMessages { // RabbitMQ needs a quarter more for messages with all their properties
			rate.Goal, rate.Target, cpu.Goal, cpu.Target = atLeast, 1, atMost, 1.15
		}
		b.report.add(rate)
		b.report.add(cpu)
	}
	if node := highest["Node"]; node != nil {
		b.report.add(figure{Name: what + "hogar / Node, resident, highest", Unit: "ratio", Goal: atMost, Target: 0.25, Samples: ratios(highest["hogar"], node)})
	}
	return nil
}

func (b *bench) mqttRound(ctx context.Context, mqtt, test string, p mqttPeer, values int) (r mqttRound, err error) {
	amqp := b.broker
	if p.plugin != nil {
		mqtt, amqp = p.plugin.MQTTURL(), p.plugin.URL()
	}
	env := append(p.env(mqtt, amqp, values), fmt.Sprint("HOGAR_BENCH_MQTT_COUNT=", b.messages))
	if _, err := b.mqttStep(ctx, test, "setup", env); err != nil {
		return r, err
	}
	pid, stop, err := p.start(ctx, mqtt, test, values)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if _, err := b.mqttStep(ctx, test, "hear", env); err != nil {
		return r, err
	}
	before, err := processorTime(pid) // its start, and that of the devices, is not what a message costs
	if err != nil {
		return r, err
	}
	out, err := b.mqttStep(ctx, test, "round", env)
	if err != nil {
		return r, err
	}
	seconds, err1 := said(out, "SECONDS")
	twice, err2 := said(out, "TWICE")
	if err := errors.Join(err1, err2); err != nil {
		return r, err
	}
	after, err1 := processorTime(pid)
	m, err2 := memoryOf(pid)
	per10k := float64(b.messages) / 10_000
	return mqttRound{float64(b.messages) / seconds, (after - before).Seconds() / per10k, m.highest, twice}, errors.Join(err1, err2)
}

// said finds a number in the output of a step.
func said(out []byte, word string) (n float64, err error) {
	_, rest, ok := bytes.Cut(out, []byte(word+" "))
	if _, err := fmt.Sscanf(string(rest), "%f", &n); !ok || err != nil {
		return 0, fmt.Errorf("there is no %s in: %s", word, out)
	}
	return n, nil
}

// mqttVarName is the address of Mosquitto.
const mqttVarName = "HOGAR_BENCH_MQTT"

// mqttStep runs a step of the test binary to its end.
func (b *bench) mqttStep(ctx context.Context, test, step string, env []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, test, "-test.run=^TestMQTTStep$", "-test.v")
	cmd.Env = append(append(os.Environ(), "HOGAR_BENCH_MQTT_STEP="+step), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", step, err, out)
	}
	return out, nil
}
