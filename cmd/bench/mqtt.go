package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hogar/bridge/localbroker"
)

// mqttPeer is a program that takes MQTT messages to RabbitMQ.
type mqttPeer struct {
	name     string
	exchange string
	key      string
	start    func(ctx context.Context, mqtt, test string, values int) (pid int, stop func() error, err error)
	each     func(values int) int // AMQP messages for each MQTT message
}

func one(int) int { return 1 }

// mqttRound is what one round of a peer cost.
type mqttRound struct{ rate, cpu, resident float64 }

// mqtt measures Mosquitto, a peer, RabbitMQ: hogar beside a bare Go program that
// acknowledges what is confirmed and keeps no journal, and beside a Node program.
func (b *bench) mqtt(ctx context.Context, test string) error {
	m, err := localbroker.StartMosquitto(ctx, localbroker.Options{Dir: filepath.Join(b.dir, "mosquitto")})
	if errors.Is(err, localbroker.ErrNotInstalled) {
		b.report.skip("mqtt", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	defer m.Kill()
	peers := []mqttPeer{
		{name: "hogar", exchange: "hogar", key: gatewayName + ".reading.#", start: b.mqttHogar, each: func(values int) int { return values }},
		{name: "bare Go", exchange: "amq.topic", key: "zigbee2mqtt.#", start: b.mqttBare, each: one},
	}
	if script, err := b.nodeBridge(ctx); err != nil {
		b.report.skip("mqtt, Node", err.Error())
	} else {
		peers = append(peers, mqttPeer{name: "Node", exchange: "amq.topic", key: "zigbee2mqtt.#", each: one,
			start: func(ctx context.Context, mqtt, _ string, _ int) (int, func() error, error) {
				return b.child(ctx, exec.CommandContext(ctx, "node", script, mqtt, b.broker))
			}})
	}
	for _, values := range []int{1, 4} {
		if err := b.mqttValues(ctx, m.URL(), test, peers, values); err != nil {
			return err
		}
	}
	return nil
}

// mqttValues measures all peers in interleaved rounds.
func (b *bench) mqttValues(ctx context.Context, mqtt, test string, peers []mqttPeer, values int) error {
	rates, cpus, resident := make(map[string][]float64), make(map[string][]float64), make(map[string][]float64)
	for range min(b.rounds, 3) {
		for _, p := range peers {
			r, err := b.mqttRound(ctx, mqtt, test, p, values)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			rates[p.name], cpus[p.name] = append(rates[p.name], r.rate), append(cpus[p.name], r.cpu)
			resident[p.name] = append(resident[p.name], r.resident)
		}
	}
	what := fmt.Sprintf("mqtt, %d changed, ", values)
	for _, p := range peers {
		b.report.add(figure{Name: what + p.name, Unit: "msgs/s", Samples: rates[p.name]})
		b.report.add(figure{Name: what + p.name + ", processor", Unit: "s/10,000", Samples: cpus[p.name]})
		b.report.add(figure{Name: what + p.name + ", resident", Unit: "MB", Samples: resident[p.name]})
	}
	rate, cpu := figure{Name: what + "hogar / bare Go", Unit: "ratio", Samples: ratios(rates["hogar"], rates["bare Go"])},
		figure{Name: what + "hogar / bare Go, processor", Unit: "ratio", Samples: ratios(cpus["hogar"], cpus["bare Go"])}
	if values == 1 { // with four, hogar publishes four messages for one
		rate.Goal, rate.Target, cpu.Goal, cpu.Target = atLeast, 1, atMost, 1.15
	}
	b.report.add(rate)
	b.report.add(cpu)
	if node := resident["Node"]; node != nil {
		b.report.add(figure{Name: what + "hogar / Node, resident", Unit: "ratio", Goal: atMost, Target: 0.25, Samples: ratios(resident["hogar"], node)})
	}
	return nil
}

func (b *bench) mqttRound(ctx context.Context, mqtt, test string, p mqttPeer, values int) (r mqttRound, err error) {
	env := []string{mqttVarName + "=" + mqtt, "HOGAR_BENCH_MQTT_EXCHANGE=" + p.exchange, "HOGAR_BENCH_MQTT_KEY=" + p.key,
		fmt.Sprint("HOGAR_BENCH_MQTT_COUNT=", b.messages), fmt.Sprint("HOGAR_BENCH_MQTT_VALUES=", values), fmt.Sprint("HOGAR_BENCH_MQTT_EACH=", p.each(values))}
	if _, err := b.mqttStep(ctx, test, "setup", env); err != nil {
		return r, err
	}
	pid, stop, err := p.start(ctx, mqtt, test, values)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	before, err := processorTime(pid)
	if err != nil {
		return r, err
	}
	out, err := b.mqttStep(ctx, test, "round", env)
	if err != nil {
		return r, err
	}
	var seconds float64
	var depth int
	i := bytes.Index(out, []byte("SECONDS "))
	if _, err := fmt.Sscanf(string(out[max(i, 0):]), "SECONDS %f DEPTH %d", &seconds, &depth); err != nil {
		return r, fmt.Errorf("round: %w: %s", err, out)
	}
	if want := b.messages * p.each(values); depth < want { // on a busy machine a message may come twice
		return r, fmt.Errorf("%d messages arrived, expected %d", depth, want)
	}
	after, err1 := processorTime(pid)
	m, err2 := memoryOf(pid)
	per10k := float64(b.messages) / 10_000
	return mqttRound{float64(b.messages) / seconds, (after - before).Seconds() / per10k, m.highest}, errors.Join(err1, err2)
}

// mqttVarName is the address of Mosquitto.
const mqttVarName = "HOGAR_BENCH_MQTT"

// mqttStep runs a step of the test binary to its end.
func (b *bench) mqttStep(ctx context.Context, test, step string, env []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, test, "-test.run=^TestMQTTStep$", "-test.v")
	cmd.Env = append(append(os.Environ(), brokerVar+"="+b.broker, "HOGAR_BENCH_MQTT_STEP="+step), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", step, err, out)
	}
	return out, nil
}

// mqttHogar starts hogar on the Zigbee2MQTT.
func (b *bench) mqttHogar(ctx context.Context, mqtt, _ string, values int) (int, func() error, error) {
	include := ""
	if values > 1 {
		include = ", include: [linkquality]"
	}
	config := filepath.Join(b.dir, "mqtt.yaml")
	yaml := fmt.Sprintf("gateway: %s\namqp: {history: none}\nmqtt: [{url: %q, zigbee2mqtt: zigbee2mqtt%s}]\n", gatewayName, mqtt, include)
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		return 0, nil, err
	}
	state, err := os.MkdirTemp(b.dir, "mqtt-")
	if err != nil {
		return 0, nil, err
	}
	h, err := b.start(ctx, config, state, "--with-mqtt")
	if err != nil {
		return 0, nil, err
	}
	return h.cmd.Process.Pid, h.stop, nil
}

// mqttBare starts the bare program.
func (b *bench) mqttBare(ctx context.Context, mqtt, test string, _ int) (int, func() error, error) {
	cmd := exec.CommandContext(ctx, test, "-test.run=^TestMQTTStep$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), brokerVar+"="+b.broker, "HOGAR_BENCH_MQTT_STEP=bare", mqttVarName+"="+mqtt, "HOGAR_BENCH_MQTT_EXCHANGE=amq.topic")
	return b.child(ctx, cmd)
}

// child starts a peer that ends with its standard input.
func (b *bench) child(_ context.Context, cmd *exec.Cmd) (int, func() error, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, nil, err
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	return cmd.Process.Pid, func() error {
		_ = in.Close()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("%w\n%s", err, out.String())
			}
			return nil
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			return errors.Join(errors.New("it did not end with its input"), <-ended)
		}
	}, nil
}

// nodeScript is the usual bridge in Node: a confirm channel, and the MQTT library
// acknowledges when its handler has returned.
const nodeScript = `import mqtt from "mqtt";
import amqplib from "amqplib";
const [, , from, to] = process.argv;
const channel = await (await amqplib.connect(to)).createConfirmChannel();
const client = mqtt.connect(from, {clientId: "bench-node", clean: false});
client.on("connect", () => client.subscribe("zigbee2mqtt/+", {qos: 1}));
client.on("message", (topic, payload) => channel.publish("amq.topic", topic.replaceAll("/", "."), payload, {persistent: true, contentType: "application/json"}));
process.stdin.on("end", () => process.exit(0)).resume();
`

// nodeBridge installs its libraries below build/ and returns the script.
func (b *bench) nodeBridge(ctx context.Context) (string, error) {
	dir, err := filepath.Abs(filepath.Join(filepath.Dir(b.json), "node"))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return "", errors.New("npm is not installed")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "amqplib")); err != nil {
		cmd := exec.CommandContext(ctx, "npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--silent", "mqtt@5", "amqplib@0.10")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm install: %w %s", err, strings.TrimSpace(string(out)))
		}
	}
	script := filepath.Join(dir, "bridge.mjs")
	return script, os.WriteFile(script, []byte(nodeScript), 0o644)
}
