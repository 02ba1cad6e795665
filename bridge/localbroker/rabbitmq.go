package localbroker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// RabbitMQ is a private RabbitMQ node. Its user is guest, password guest.
type RabbitMQ struct {
	opts   Options
	name   string   // of the node
	peers  []string // names of the first node of its cluster and of itself; none: it is alone
	dist   int      // port of the Erlang distribution
	epmd   int      // port of its Erlang port mapper: its own, or that of its cluster
	server string   // paths of the programs
	mapper string
	ctl    string
	call   string
	group  *group // nil: stopped
	node   *process

	calls sync.Mutex // a node takes one erl_call at a time: all have the same name
}

// The scripts are called where Debian keeps them, because the wrapper in
// /usr/sbin changes the user and drops the environment.
const debianBin = "/usr/lib/rabbitmq/bin/"

// StartRabbitMQ starts a node and returns when it takes connections, usually
// after 4 to 8 seconds.
func StartRabbitMQ(ctx context.Context, o Options) (*RabbitMQ, error) {
	r, err := newRabbitMQ(o, nodeName)
	if err != nil {
		return nil, err
	}
	if err := r.writeFiles(); err != nil {
		return nil, err
	}
	return r, r.Start(ctx)
}

// newRabbitMQ finds programs and ports for a node.
func newRabbitMQ(o Options, name string) (*RabbitMQ, error) {
	o, err := o.prepare()
	if err != nil {
		return nil, err
	}
	r := &RabbitMQ{opts: o, name: name}
	if r.server, err = o.program("RabbitMQ", "rabbitmq-server", debianBin+"rabbitmq-server"); err != nil {
		return nil, err
	}
	if r.ctl, err = o.program("RabbitMQ", "rabbitmq-server", debianBin+"rabbitmqctl"); err != nil {
		return nil, err
	}
	if r.mapper, err = o.program("Erlang", "erlang-base", "epmd", "/usr/bin/epmd"); err != nil {
		return nil, err
	}
	if r.call, err = o.program("Erlang", "erlang-base", "erl_call", "/usr/bin/erl_call"); err != nil {
		return nil, err
	}
	for _, port := range []*int{&r.dist, &r.epmd} {
		if *port, err = freePort(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// URL returns the AMQP address, with user and password.
func (r *RabbitMQ) URL() string { return "amqp://guest:guest@" + r.Addr() + "/" }

// MQTTURL returns the address of its MQTT plugin, which [Options] switches on.
func (r *RabbitMQ) MQTTURL() string { return "mqtt://" + loopback(r.opts.MQTT) }

// PID returns the number of the node's process.
func (r *RabbitMQ) PID(ctx context.Context) (int, error) {
	text, err := r.Eval(ctx, "list_to_integer(os:getpid()).")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// Addr returns host and port.
func (r *RabbitMQ) Addr() string { return loopback(r.opts.Port) }

// Start starts the node again, on the same port and with its data.
func (r *RabbitMQ) Start(ctx context.Context) error {
	if r.group != nil {
		return errors.New("start rabbitmq: it is running")
	}
	g, err := newGroup()
	if err != nil {
		return fmt.Errorf("start rabbitmq: %w", err)
	}
	began := time.Now()
	if err := r.start(ctx, g); err != nil {
		g.kill()
		return fmt.Errorf("start rabbitmq in %s: %w%s", r.opts.Dir, err, lastLines(r.path("console.log")))
	}
	r.group = g
	r.opts.Log.Info("private rabbitmq started", "addr", r.Addr(), "took", time.Since(began).Round(time.Millisecond))
	return nil
}

func (r *RabbitMQ) start(ctx context.Context, g *group) (err error) {
	if len(r.peers) == 0 { // a cluster has one for all
		if err := r.startMapper(ctx, g); err != nil {
			return err
		}
	}
	node := exec.Command(r.server)
	node.Dir, node.Env = r.opts.Dir, r.environment()
	if r.node, err = g.start(r.path("console.log"), node); err != nil {
		return err
	}
	if err := await(ctx, r.node, r.greets); err != nil {
		return err
	}
	return await(ctx, r.node, func() error { // the port is open a little before rabbitmqctl is obeyed
		out, err := r.Eval(ctx, "rabbit:is_running().")
		if err == nil && out != "true" {
			err = errors.New("the broker is still starting")
		}
		return err
	})
}

// startMapper starts epmd. A node that finds none would start one that outlives it.
func (r *RabbitMQ) startMapper(ctx context.Context, g *group) error {
	mapper := exec.Command(r.mapper, "-address", "127.0.0.1", "-port", fmt.Sprint(r.epmd))
	p, err := g.start(r.path("epmd.log"), mapper)
	if err != nil {
		return err
	}
	err = await(ctx, p, func() error {
		conn, err := net.Dial("tcp", loopback(r.epmd))
		if err == nil {
			err = conn.Close()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("epmd: %w", err)
	}
	return nil
}

// greets checks that the broker answers the protocol header; the port is open
// before it does.
func (r *RabbitMQ) greets() error {
	conn, err := net.DialTimeout("tcp", r.Addr(), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write([]byte("AMQP\x00\x00\x09\x01")); err != nil {
		return err
	}
	frame := make([]byte, 1)
	if _, err := io.ReadFull(conn, frame); err != nil {
		return err
	}
	if frame[0] != 1 {
		return fmt.Errorf("%s does not speak AMQP 0-9-1", r.Addr())
	}
	return nil
}

// Running reports whether the node was started, and neither stopped nor killed.
func (r *RabbitMQ) Running() bool { return r.group != nil }

// Stop ends the node in order (SIGTERM); its data stays. Stopping a stopped
// node does nothing.
func (r *RabbitMQ) Stop() error {
	if r.group == nil {
		return nil
	}
	err := r.group.terminate(r.node, 30*time.Second)
	r.group = nil
	r.opts.Log.Info("private rabbitmq stopped", "addr", r.Addr())
	return err
}

// Kill ends the node as a crash would (SIGKILL).
func (r *RabbitMQ) Kill() {
	if r.group != nil {
		r.group.kill()
		r.group = nil
	}
}

// Pause hangs the node (SIGSTOP): its connections stay, and nothing moves. A node
// that is stopped is left alone.
func (r *RabbitMQ) Pause() error {
	if r.group == nil {
		return nil
	}
	return r.node.pause()
}

// Resume lets a hung node go on.
func (r *RabbitMQ) Resume() error {
	if r.group == nil {
		return nil
	}
	return r.node.resume()
}

// Ctl runs rabbitmqctl against the node and returns what it prints.
func (r *RabbitMQ) Ctl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, r.ctl, append([]string{"--quiet", "--node", r.name}, args...)...)
	cmd.Dir, cmd.Env = r.opts.Dir, r.environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("rabbitmqctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// CtlCommand is the program rabbitmqctl and the environment in which it finds the node.
func (r *RabbitMQ) CtlCommand() (program string, env []string) { return r.ctl, r.environment() }

// Eval evaluates Erlang expressions, the last with a full stop, in the node and
// returns what the last one is. It takes a tenth of rabbitmqctl's second, and may
// be called concurrently.
func (r *RabbitMQ) Eval(ctx context.Context, expressions string) (string, error) {
	r.calls.Lock()
	defer r.calls.Unlock()
	cookie, err := os.ReadFile(r.path("home/.erlang.cookie"))
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, r.call, "-c", string(cookie), "-address", loopback(r.dist), "-e")
	cmd.Dir, cmd.Env, cmd.Stdin = r.opts.Dir, r.environment(), strings.NewReader(expressions+"\n")
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	result, ok := strings.CutPrefix(text, "{ok, ")
	if err != nil || !ok {
		return "", fmt.Errorf("evaluate %s: %s (%v)", expressions, text, err)
	}
	return strings.TrimSuffix(result, "}"), nil
}
