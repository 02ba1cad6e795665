package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hogar/bridge/chaos"
)

// gatewayName is the first word of all keys.
const gatewayName = "casa"

// lines are the ways from the gateway to the nodes of RabbitMQ. What befalls one
// befalls all, as with the one cable of a house.
type lines []*chaos.Proxy

func (l lines) each(do func(*chaos.Proxy)) {
	for _, p := range l {
		do(p)
	}
}

// rig is one run: the gateway, what it is connected to, and who watches.
//
//	source -> mosquitto -> line -> tap -> gateway -> line -> guard (TLS) -> rabbitmq -> consumer
type rig struct {
	*brokers
	dir   string
	vhost string
	began time.Time
	locks *locks
	story *logFile
	far   progress

	patience time.Duration // when nothing comes, though not all is there

	tap       *forwarder
	lines     lines
	mqttLine  *chaos.Proxy
	gate      *gate
	page      *page
	source    *source
	consumer  *consumer
	commander *commander
	disk      disk

	mu         sync.Mutex
	complaints []string                // of faults, about the gateway
	damaged    map[string]map[int]bool // by meter
	forgets    bool                    // Mosquitto was killed or restarted
	gaps       int                     // messages that the ledger owns to have no more
	closers    []func()
}

// newRig builds everything below the folder dir, and starts it.
func newRig(ctx context.Context, b *brokers, program, dir string, seed uint64) (_ *rig, err error) {
	b.runs++
	r := &rig{brokers: b, dir: dir, vhost: fmt.Sprintf("torture%d-%d", seed, b.runs), began: time.Now(), locks: newLocks(),
		damaged: make(map[string]map[int]bool)}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	diskDir := filepath.Join(dir, "disk")
	_ = unmount(diskDir) // of a run that was killed
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return nil, err
	}
	logs := make(map[string]*logFile)
	for _, name := range []string{"story", "source", "consumer", "commands"} {
		if logs[name], err = newLogFile(filepath.Join(dir, name+".log"), r.began); err != nil {
			return nil, err
		}
		r.closers = append(r.closers, logs[name].close)
	}
	r.story = logs["story"]
	if err := r.user(ctx); err != nil {
		return nil, err
	}
	r.disk = newDisk(diskDir)
	r.closers = append(r.closers, r.disk.close)
	r.source = newSource(100*time.Millisecond, r.topic(""), logs["source"])
	var urls []string
	for _, node := range b.nodes() {
		urls = append(urls, node.URL()+r.vhost)
	}
	r.consumer = newConsumer(urls, gatewayName, logs["consumer"])
	r.consumer.queues = int(seed % uint64(len(r.consumer.types))) // each run begins with another type
	if b.cluster != nil {
		r.consumer.types = []string{"quorum"}
	}
	r.commander = newCommander(urls, gatewayName, r.topic(""), logs["commands"])
	cert, err := r.lay(seed)
	if err != nil {
		return nil, err
	}
	if r.gate, err = newGate(program, dir); err != nil {
		return nil, err
	}
	r.closers = append(r.closers, r.gate.close)
	if r.page, err = newPage(ctx, r.gate, dir, cert); err != nil {
		return nil, err
	}
	if err := os.WriteFile(r.gate.config, []byte(r.house()), 0o600); err != nil {
		return nil, err
	}
	if err := r.consumer.bind(true); err != nil {
		return nil, err
	}
	if err := r.gate.start(); err != nil {
		return nil, err
	}
	if err := r.subscribed(ctx); err != nil {
		return nil, err
	}
	r.closers = append(r.closers, r.source.end)
	if err := r.source.start(b.mosquitto.Addr()); err != nil {
		return nil, err
	}
	r.closers = append(r.closers, r.commander.close)
	return r, r.commander.start(b.mosquitto.Addr(), seed)
}

// lay lays what is between the gateway and the brokers, and returns the certificate of its TLS.
func (r *rig) lay(seed uint64) (cert tls.Certificate, err error) {
	cert, err = selfSigned(filepath.Join(r.dir, "ca.pem"))
	if err != nil {
		return cert, err
	}
	for _, node := range r.nodes() {
		guard, err := newGuard(node.Addr(), cert)
		if err != nil {
			return cert, err
		}
		r.closers = append(r.closers, guard.close)
		line, err := chaos.New(guard.addr(), seed)
		if err != nil {
			return cert, err
		}
		r.closers = append(r.closers, func() { _ = line.Close() })
		r.lines = append(r.lines, line)
	}
	if r.mqttLine, err = chaos.New(r.mosquitto.Addr(), seed+1); err != nil {
		return cert, err
	}
	r.closers = append(r.closers, func() { _ = r.mqttLine.Close() })
	if r.tap, err = newTap(r.mqttLine.Addr(), r.source); err != nil {
		return cert, err
	}
	r.closers = append(r.closers, r.tap.close)
	return cert, nil
}

// house is the configuration: the meters, and two chips that nobody can ask again.
func (r *rig) house() string {
	var b strings.Builder
	var urls []string
	for _, line := range r.lines {
		urls = append(urls, fmt.Sprintf("%q", fmt.Sprintf("amqps://casa:secret@%s/%s?cacertfile=%s", line.Addr(), r.vhost, filepath.Join(r.dir, "ca.pem"))))
	}
	history, commands := "none", "classic" // what the consumer's queue does not take, no queue takes
	if r.cluster != nil {
		history, commands = "quorum", "quorum"
	}
	fmt.Fprintf(&b, `gateway: %s
amqp:
  urls: [%s]
  history: %s
  queue_type: %s
journal: {path: %s, sync: 200ms, max_size: 40MB, keep: 1m}
mqtt:
  - {url: "mqtt://%s", client_id: %s}
devices:
  hall.climate: {driver: bme280, bus: I2C1, address: 0x76, every: 1s}
  yard.climate: {driver: bme280, bus: I2C1, address: 0x77, every: 1s}
`, gatewayName, strings.Join(urls, ", "), history, commands,
		strings.TrimSuffix(r.gate.journal, "-sim"), r.tap.addr(), r.clientID())
	for i := range meters {
		fmt.Fprintf(&b, "  %s: {driver: mqtt, topic: %s, property: note, type: text}\n", meterName(i), r.topic(meterName(i)))
	}
	b.WriteString(r.commander.devices())
	fmt.Fprintf(&b, besiegedLines, r.topic(""))
	b.WriteString(r.page.lines())
	return b.String()
}

func (r *rig) clientID() string { return "hogar-" + r.vhost }

// topic of a meter; each run has its own, for Mosquitto is that of all runs.
func (r *rig) topic(meter string) string { return r.vhost + "/" + meter }

// user makes the virtual host and the gateway's user.
func (r *rig) user(ctx context.Context) error {
	for _, e := range []string{
		`catch rabbit_vhost:delete(<<"%[1]s">>, <<"torture">>), ok = rabbit_vhost:add(<<"%[1]s">>, <<"torture">>).`,
		`catch rabbit_auth_backend_internal:add_user(<<"casa">>, <<"secret">>, <<"torture">>), ok.`,
		permit("guest", "%[1]s", ".*"), permit("casa", "%[1]s", ".*"),
	} {
		if _, err := r.rabbit.Eval(ctx, strings.ReplaceAll(e, "%[1]s", r.vhost)); err != nil {
			return err
		}
	}
	return nil
}

// permit gives a user all rights to what fits a pattern.
func permit(user, vhost, pattern string) string {
	return fmt.Sprintf(`ok = rabbit_auth_backend_internal:set_permissions(<<"%s">>, <<"%s">>, <<"%[3]s">>, <<"%[3]s">>, <<"%[3]s">>, <<"torture">>).`,
		user, vhost, pattern)
}

// subscribed waits until the gateway has its session at Mosquitto, before which
// nobody could have promised anything.
func (r *rig) subscribed(ctx context.Context) error {
	return r.until(ctx, 60*time.Second, "the gateway has subscribed at mosquitto", func() bool {
		s, err := r.gate.Status(ctx)
		return err == nil && s.AMQP.Connected && r.source.marked()
	})
}

// until waits for a condition.
func (r *rig) until(ctx context.Context, limit time.Duration, what string, is func() bool) error {
	for deadline := time.Now().Add(limit); !is(); {
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s: %s", limit, what)
		}
		if !sleep(ctx, 50*time.Millisecond) {
			return ctx.Err()
		}
	}
	return nil
}

// sleep waits, and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *rig) complain(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.story.add("COMPLAINT %s", text)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complaints = append(r.complaints, text)
}

// close ends everything but the brokers.
func (r *rig) close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
	r.closers = nil
}
