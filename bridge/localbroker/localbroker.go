// Package localbroker starts a private RabbitMQ or Mosquitto from Debian's
// packages: on the loopback interface only, on free ports, with a data folder of
// its own, as whoever calls. Tests and the demo use it; a broker that is already
// on the machine is neither touched nor seen.
//
//	broker, err := localbroker.StartRabbitMQ(ctx, localbroker.Options{Dir: dir})
//	defer broker.Stop()
//	connect(broker.URL())
//
// A broker and what it starts (epmd, helpers) are one process group. Its leader
// waits for the end of a pipe that only this process holds, and then kills the
// group: nothing is left over, however this process ends.
//
// The methods of one broker are not for concurrent use, except URL, Addr and Eval.
package localbroker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrNotInstalled means that the broker's program is not on this machine. The
// error that wraps it names the package to install.
var ErrNotInstalled = errors.New("not installed")

// Options of a broker.
type Options struct {
	Dir  string       // data folder; made when it is missing, kept by Stop; required
	Port int          // port on 127.0.0.1; 0: a free one
	Log  *slog.Logger // nil: silent
	TLS  *TLS         // nil: none

	// Management is a port on 127.0.0.1 for RabbitMQ's management plugin; 0: it is not there.
	Management int
	// SaveEvery is after how many changes Mosquitto writes all it has to the disk, which
	// takes the longer the more waits; 0: after each.
	SaveEvery int

	Memory  int      // MB that RabbitMQ may take before it blocks who publishes; 0: 400
	Plugins []string // of RabbitMQ, beside those that the other options need
	Conf    string   // further lines of rabbitmq.conf, for what is fixed when a node starts

	MQTT int // port of RabbitMQ's MQTT plugin; 0: it is off; -1: a free one
}

// startTimeout is enough for a RabbitMQ (6 s on two idle cores) on a busy machine.
const startTimeout = 120 * time.Second

func (o Options) prepare() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("local broker: no data folder is given")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, err
	}
	o.Dir = dir
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Port == 0 {
		if o.Port, err = freePort(); err != nil {
			return o, err
		}
	}
	if o.TLS != nil && o.TLS.Port == 0 {
		if o.TLS.Port, err = freePort(); err != nil {
			return o, err
		}
	}
	if o.MQTT < 0 {
		if o.MQTT, err = freePort(); err != nil {
			return o, err
		}
	}
	return o, os.MkdirAll(o.Dir, 0o700)
}

// freePort picks a port below those that the kernel gives to outgoing
// connections. A broker that is down for a while finds its port free again, and
// who dials it meanwhile is refused instead of being connected to himself.
func freePort() (int, error) {
	for range 100 {
		port := 15000 + rand.IntN(15000)
		l, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("local broker: no free port on 127.0.0.1 between 15000 and 30000")
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// find returns the first of paths that exists; a bare name is looked for in PATH.
func find(what, pkg string, paths ...string) (string, error) {
	for _, p := range paths {
		if found, err := exec.LookPath(p); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("%s is %w: run apt-get install %s", what, ErrNotInstalled, pkg)
}

// await calls ready until it returns nil. It gives up when the process has
// ended, when ctx ends, or after startTimeout.
func await(ctx context.Context, p *process, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended at once (%v)", p.err)
		case <-ctx.Done():
			return fmt.Errorf("%w while waiting: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// lastLines returns the end of a log file, for an error message.
func lastLines(path string) string {
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return "; its last lines:\n" + strings.Join(lines[max(0, len(lines)-12):], "\n")
}
