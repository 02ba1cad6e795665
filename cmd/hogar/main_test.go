package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hogar/bridge/localbroker"
	"hogar/gateway/api"
	"hogar/gateway/home"
)

// actAsHogar makes the test binary behave as hogar itself: so a gateway runs as a
// process of its own, with the race detector when the tests have it.
const (
	actAsHogar = "HOGAR_TEST_ACT_AS_HOGAR"
	leashed    = "until standard input ends"
	free       = "as long as it likes"
)

// patience is how long a test waits for what must happen.
const patience = 60 * time.Second

// rabbit is the one RabbitMQ of these tests, started by the first that needs it.
// Each test has a gateway of another name there. No AMQP_URL is ever used.
var rabbit struct {
	once sync.Once
	*localbroker.RabbitMQ
	err error
	dir string
}

func TestMain(m *testing.M) {
	switch os.Getenv(actAsHogar) {
	case leashed:
		go func() { // ends with the tests, also when they are killed
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(3)
		}()
		main()
	case free:
		main()
	}
	for _, name := range []string{"AMQP_URL", "HOGAR_CONFIG", "DEMO_SECONDS", "NOTIFY_SOCKET", "WATCHDOG_USEC", "JOURNAL_STREAM",
		"CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "XDG_STATE_HOME"} {
		os.Unsetenv(name)
	}
	dir, err := os.MkdirTemp("", "hogar-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	rabbit.dir = dir
	code := m.Run()
	if rabbit.RabbitMQ != nil {
		rabbit.Kill()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// broker returns the running RabbitMQ.
func broker(t *testing.T) *localbroker.RabbitMQ {
	t.Helper()
	rabbit.once.Do(func() {
		rabbit.RabbitMQ, rabbit.err = localbroker.StartRabbitMQ(context.Background(),
			localbroker.Options{Dir: filepath.Join(rabbit.dir, "rabbitmq"), Conf: "max_message_size = 134217728\n"}) // as before RabbitMQ 4
	})
	need(t, rabbit.err)
	return rabbit.RabbitMQ
}

// need skips a test where a broker is not installed, but not on CI.
func need(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, localbroker.ErrNotInstalled) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// lines keeps what a process prints.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// gate is a gateway that runs as a process.
type gate struct {
	t      *testing.T
	args   []string
	socket string
	dir    string
	log    *lines
	*api.Client

	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// newGate writes a configuration into a folder of its own and prepares a process
// that runs it, simulated. Nothing runs before start.
func newGate(t *testing.T, yaml string, args ...string) *gate {
	t.Helper()
	dir, err := os.MkdirTemp(rabbit.dir, "g") // short: the path of a socket is at most 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, dir: dir, socket: filepath.Join(dir, "s"), log: &lines{}}
	g.write(yaml)
	g.args = append([]string{"run", "--simulate", "--config", g.config(), "--socket", g.socket}, args...)
	g.reach()
	t.Cleanup(func() {
		g.kill()
		if t.Failed() {
			t.Logf("the gateway of %s said:\n%s", t.Name(), tail(g.log.String(), 60))
		}
	})
	return g
}

func tail(s string, n int) string {
	all := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}

func (g *gate) config() string { return filepath.Join(g.dir, "hogar.yaml") }

// journal is where the configurations of these tests put it, as simulated.
func (g *gate) journal() string { return filepath.Join(g.dir, "journal-sim") }

func (g *gate) write(yaml string) {
	g.t.Helper()
	if err := os.WriteFile(g.config(), []byte(yaml), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// hogar makes a process of the test binary that acts as hogar. Its home and all
// folders of the user are below dir.
func hogar(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(slices.Clone(os.Environ()), actAsHogar+"="+free, "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "XDG_STATE_HOME="+dir,
		"XDG_CONFIG_HOME="+dir, "XDG_CACHE_HOME="+dir)
	return cmd
}

// reach makes the client of the socket.
func (g *gate) reach() { g.Client = api.NewClient(g.socket) }

// start starts the process and does not wait for it.
func (g *gate) start() {
	g.t.Helper()
	g.cmd = hogar(g.dir, g.args...)
	g.cmd.Env = append(g.cmd.Env, actAsHogar+"="+leashed)
	g.cmd.Stderr = g.log
	leash, err := g.cmd.StdinPipe()
	if err == nil {
		err = g.cmd.Start()
	}
	if err != nil {
		g.t.Fatal(err)
	}
	g.done = make(chan struct{})
	cmd, done := g.cmd, g.done
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		_ = leash.Close()
		close(done)
	}()
}

// run starts the process and waits until it answers on its socket.
func (g *gate) run() {
	g.t.Helper()
	g.start()
	until(g.t, "the gateway answers on its socket", func() bool {
		select {
		case <-g.done:
			g.t.Fatalf("the gateway ended: %s\n%s", g.cmd.ProcessState, g.log)
		default:
		}
		_, err := g.Client.Status(g.t.Context())
		return err == nil
	})
}

// kill ends the process as a power cut would.
func (g *gate) kill() {
	if g.cmd != nil {
		_ = g.cmd.Process.Kill() // it may have ended
		<-g.done
	}
}

// stop ends the process in order, and returns its exit code and how long it took.
func (g *gate) stop() (code int, took time.Duration) {
	g.t.Helper()
	began := time.Now()
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		g.t.Fatal(err)
	}
	select {
	case <-g.done:
	case <-time.After(patience):
		g.t.Fatalf("the gateway does not end within %s of SIGTERM", patience)
	}
	return g.cmd.ProcessState.ExitCode(), time.Since(began)
}

func (g *gate) status() api.Status {
	g.t.Helper()
	s, err := g.Client.Status(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	return s
}

// device returns what the gateway knows of a device.
func (g *gate) device(name string) home.DeviceState {
	g.t.Helper()
	found, err := g.Devices(g.t.Context(), name)
	if err != nil {
		g.t.Fatal(err)
	}
	if len(found) != 1 {
		return home.DeviceState{}
	}
	return found[0]
}

// value is the last reading of a device's first property.
func (g *gate) value(device string) home.Value {
	g.t.Helper()
	if d := g.device(device); len(d.Readings) > 0 {
		return d.Readings[0].Value
	}
	return home.Value{}
}

// called runs one command line in this process.
func called(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var o, e lines
	code = execute(ctx, args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}
