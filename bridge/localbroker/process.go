package localbroker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// group is a process group whose leader kills it when our end of the leader's
// standard input is closed: by kill, or by the kernel when this process ends.
type group struct {
	leader *process
	pipe   io.Closer
	all    []*process
}

// process is a started program; done is closed when it has ended, err says how.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

func launch(cmd *exec.Cmd) (*process, error) {
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() { // ends with the process, which the group's kill makes sure of
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func newGroup() (*group, error) {
	cmd := exec.Command("/bin/sh", "-c", "read line; kill -KILL 0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	leader, err := launch(cmd)
	if err != nil {
		return nil, errors.Join(err, pipe.Close())
	}
	return &group{leader: leader, pipe: pipe, all: []*process{leader}}, nil
}

// start runs a program in the group. Its output goes to the file named console.
func (g *group) start(console string, cmd *exec.Cmd) (*process, error) {
	out, err := os.OpenFile(console, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: g.leader.cmd.Process.Pid}
	p, err := launch(cmd)
	if err != nil {
		return nil, err
	}
	g.all = append(g.all, p)
	return p, nil
}

// kill ends the whole group with SIGKILL and returns when its programs are gone.
func (g *group) kill() {
	_ = syscall.Kill(-g.leader.cmd.Process.Pid, syscall.SIGKILL) // no such group: that is what is wanted
	_ = g.pipe.Close()
	for _, p := range g.all {
		<-p.done
	}
}

// terminate asks p to end, and waits; the group is killed then in any case.
func (g *group) terminate(p *process, patience time.Duration) error {
	defer g.kill()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%s did not end within %s and was killed", filepath.Base(p.cmd.Path), patience)
	}
}

// pause stops the program as a hung machine does: connections stay, and nothing
// moves. The leader of the group is not stopped, so that nothing is left over.
func (p *process) pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

func (p *process) resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }
