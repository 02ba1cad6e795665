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
)

// mqttHogar starts hogar on the Zigbee2MQTT.
func (b *bench) mqttHogar(ctx context.Context, mqtt, _ string, values int) (int, func() error, error) {
	state, err := os.MkdirTemp(b.dir, "mqtt-")
	if err != nil {
		return 0, nil, err
	}
	h, err := b.houseOf(ctx, mqtt, state, values)
	if err != nil {
		return 0, nil, err
	}
	return h.cmd.Process.Pid, h.stop, nil
}

// houseOf starts hogar on the Zigbee2MQTT with its state in a folder.
func (b *bench) houseOf(ctx context.Context, mqtt, state string, values int) (*house, error) {
	include := ""
	if values > 1 {
		include = ", include: [linkquality]"
	}
	config := filepath.Join(b.dir, "mqtt.yaml")
	yaml := fmt.Sprintf("gateway: %s\namqp: {history: none}\nmqtt: [{url: %q, zigbee2mqtt: zigbee2mqtt%s}]\n", gatewayName, mqtt, include)
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		return nil, err
	}
	return b.start(ctx, config, state, "--with-mqtt")
}

// mqttBare starts the bare program: one that passes on what comes, or one that publishes
// what hogar does.
func (b *bench) mqttBare(step string) func(ctx context.Context, mqtt, test string, values int) (int, func() error, error) {
	return func(ctx context.Context, mqtt, test string, _ int) (int, func() error, error) {
		cmd := exec.CommandContext(ctx, test, "-test.run=^TestMQTTStep$", "-test.timeout=0")
		cmd.Env = append(os.Environ(), brokerVar+"="+b.broker, "HOGAR_BENCH_MQTT_STEP="+step, mqttVarName+"="+mqtt, "HOGAR_BENCH_MQTT_EXCHANGE=amq.topic")
		return b.child(ctx, cmd)
	}
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
