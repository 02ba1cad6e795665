package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"hogar/gateway/api"
)

// gate is the gateway under torture: the real program, as a process of its own.
// Its methods are safe for concurrent use; one fault at a time has the process.
type gate struct {
	*api.Client
	program, dir string
	path         string // of the socket
	config       string // path
	journal      string // folder, as the program names it when it simulates

	mu      sync.Mutex
	cmd     *exec.Cmd
	ended   chan struct{} // closed when cmd has ended
	log     *os.File
	starts  int
	exit    string        // how it ended last when nobody had asked for it
	asked   bool          // somebody has
	hung    bool          // it was stopped for a while since its start
	said    bool          // it has answered since its start
	slowest time.Duration // from exec to the first answer, where nothing came between
	most    float64       // resident memory, MB
	wrote   float64       // the most that it had written of its memory, MB

	cage cage
}

// goal is the memory at which the unit has the program free what it no longer needs.
const goal = "GOMEMLIMIT=200MiB"

func newGate(program, dir string) (*gate, error) {
	log, err := os.OpenFile(filepath.Join(dir, "gateway.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	run, err := os.MkdirTemp("", "torture-") // short: a socket's path has 108 bytes
	if err != nil {
		return nil, err
	}
	path := filepath.Join(run, "s")
	return &gate{Client: api.NewClient(path), cage: newCage(filepath.Base(run), diskSize), program: program, dir: dir, path: path, log: log,
		config: filepath.Join(dir, "hogar.yaml"), journal: filepath.Join(dir, "disk", "journal-sim")}, nil
}

// command makes a process of the program, under the limits of the unit where the system lets
// us. Its folders are all below dir.
func (g *gate) command(args ...string) *exec.Cmd {
	args = g.cage.wrap(append([]string{g.program}, args...))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = []string{goal, "PATH=" + os.Getenv("PATH"), "HOME=" + g.dir, "XDG_RUNTIME_DIR=" + g.dir, "XDG_STATE_HOME=" + g.dir}
	cmd.SysProcAttr = leashed()
	return cmd
}

func (g *gate) runArgs() []string {
	return []string{"run", "--simulate", "--with-mqtt", "--config", g.config, "--socket", g.path}
}

// start starts the process. It does not wait until it answers.
func (g *gate) start() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.starts++
	fmt.Fprintf(g.log, "--- start %d at %s\n", g.starts, time.Now().UTC().Format(time.RFC3339Nano))
	g.cmd = g.command(g.runArgs()...)
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	g.asked, g.hung, g.said = false, false, false
	if err := g.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", g.program, err)
	}
	g.ended = make(chan struct{})
	go g.watch(g.cmd, g.ended, time.Now()) // ends with the process, which end makes sure of
	return nil
}

// watch waits for the end of a process, and notes when it answered first.
func (g *gate) watch(cmd *exec.Cmd, ended chan struct{}, began time.Time) {
	go func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(10 * time.Millisecond):
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_, err := g.Status(ctx)
			cancel()
			if err == nil {
				g.mu.Lock()
				g.said = g.said || g.cmd == cmd
				if !g.hung {
					g.slowest = max(g.slowest, time.Since(began))
				}
				g.mu.Unlock()
				return
			}
		}
	}()
	go g.measure(cmd.Process.Pid, ended)
	err := cmd.Wait()
	g.mu.Lock()
	if !g.asked && g.cmd == cmd {
		g.exit = fmt.Sprint(err)
	}
	g.mu.Unlock()
	close(ended)
}

// measure looks at the memory of a process until it has ended. What the system tells of one
// that has ended begins with the memory of who started it: this program's.
func (g *gate) measure(pid int, ended <-chan struct{}) {
	for tick := time.Tick(250 * time.Millisecond); ; {
		select {
		case <-ended:
			return
		case <-tick:
		}
		now, wrote := highest(pid), written(pid)
		g.mu.Lock()
		g.most, g.wrote = max(g.most, now), max(g.wrote, wrote)
		g.mu.Unlock()
	}
}

// process returns the one that runs, and says that its end is asked for.
func (g *gate) process(ends bool) (*os.Process, chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = g.asked || ends
	return g.cmd.Process, g.ended
}

// kill ends the process as a power cut would.
func (g *gate) kill() {
	p, ended := g.process(true)
	_ = p.Kill() // it may have ended
	<-ended
}

// stop ends it in order; one that does not end is killed, and that is an error.
func (g *gate) stop(patience time.Duration) error {
	p, ended := g.process(true)
	_ = p.Signal(syscall.SIGTERM)
	select {
	case <-ended:
		return nil
	case <-time.After(patience):
		_ = p.Kill()
		<-ended
		return fmt.Errorf("it did not end within %s of SIGTERM", patience)
	}
}

func (g *gate) signal(s syscall.Signal) {
	p, _ := g.process(false)
	g.mu.Lock()
	g.hung = g.hung || s == syscall.SIGSTOP
	g.mu.Unlock()
	_ = p.Signal(s)
}

// alive reports whether the process runs.
func (g *gate) alive() bool {
	g.mu.Lock()
	ended := g.ended
	g.mu.Unlock()
	select {
	case <-ended:
		return false
	default:
		return true
	}
}

// begun is how often it was started.
func (g *gate) begun() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.starts
}

// settled reports whether the process runs, has answered since its start, was not stopped since
// then and is not about to be ended: one that must answer now.
func (g *gate) settled() bool {
	if !g.alive() {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.said && !g.hung && !g.asked
}

// revive starts it again when it has ended by itself, as systemd would, and
// reports whether it had.
func (g *gate) revive() (bool, error) {
	if g.alive() {
		return false, nil
	}
	return true, g.start()
}

// lastExit is how it ended when nobody had asked for it.
func (g *gate) lastExit() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.exit
}

// second starts another process of the same configuration, which must refuse to
// run beside the first.
func (g *gate) second(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := g.command("run", "--simulate", "--config", g.config, "--socket", g.path+"2")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	err := cmd.Wait()
	fmt.Fprintf(g.log, "--- the second: %v: %s", err, out.String())
	if _, refused := errors.AsType[*exec.ExitError](err); !refused || ctx.Err() != nil {
		return fmt.Errorf("a second gateway on the same journal did not refuse to run: %v", err)
	}
	return nil
}

// close ends the process and what belongs to it.
func (g *gate) close() {
	if g.ended != nil {
		g.kill()
	}
	g.cage.close()
	_ = os.RemoveAll(filepath.Dir(g.path))
	_ = g.log.Close()
}
