package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"hogar/gateway/api"
)

// house is a running `hogar run --simulate`.
type house struct {
	*api.Client
	cmd    *exec.Cmd
	began  time.Time
	ended  chan error
	output *bytes.Buffer // read it when it has ended
}

// start runs the configuration with its state below the folder state. Whoever
// starts a house stops it.
func (b *bench) start(ctx context.Context, config, state string, flags ...string) (*house, error) {
	run := filepath.Join(os.TempDir(), fmt.Sprintf("hogar-bench-%d", os.Getpid())) // short: a socket's path has 108 bytes
	if err := errors.Join(os.MkdirAll(state, 0o700), os.MkdirAll(run, 0o700)); err != nil {
		return nil, err
	}
	socket := filepath.Join(run, "sock")
	h := &house{Client: api.NewClient(socket), ended: make(chan error, 1), output: new(bytes.Buffer)}
	h.cmd = exec.CommandContext(ctx, b.hogar, append([]string{"run", "--simulate", "--config", config, "--amqp", b.broker,
		"--socket", socket, "--log", "warn"}, flags...)...)
	h.cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+state)
	h.cmd.Stdout, h.cmd.Stderr = h.output, h.output
	h.began = time.Now()
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", b.hogar, err)
	}
	go func() {
		err := h.cmd.Wait()
		os.RemoveAll(run) // before anybody may start the next one there
		h.ended <- err
	}()
	return h, nil
}

// stop ends the house in order.
func (h *house) stop() error {
	_ = h.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already: then Wait says how
	select {
	case err := <-h.ended:
		if err != nil {
			return fmt.Errorf("hogar: %w\n%s", err, h.output)
		}
		return nil
	case <-time.After(20 * time.Second):
		_ = h.cmd.Process.Kill()
		<-h.ended
		return fmt.Errorf("hogar did not stop within 20 s\n%s", h.output)
	}
}

// sleep waits while the house runs.
func (h *house) sleep(ctx context.Context, d time.Duration) error {
	select {
	case err := <-h.ended:
		h.ended <- err
		return fmt.Errorf("hogar ended by itself: %v\n%s", err, h.output)
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// connected waits until messages are confirmed.
func (h *house) connected(ctx context.Context) error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if s, err := h.Status(ctx); err == nil && s.AMQP.Confirmed > 0 {
			return nil
		}
		if err := h.sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("hogar got nothing confirmed within 20 s")
}

// idle measures a house in which little happens: sensors that are read once or
// twice a minute.
func (b *bench) idle(ctx context.Context, _ string) (err error) {
	h, err := b.start(ctx, b.config, filepath.Join(b.dir, "idle"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.stop()) }()
	const settle, span = 5 * time.Second, 20 * time.Second
	if err := errors.Join(h.connected(ctx), h.sleep(ctx, settle)); err != nil {
		return err
	}
	share, m, err := h.cost(ctx, span)
	if err != nil {
		return err
	}
	b.report.add(figure{Name: "idle, resident memory", Unit: "MB", Goal: atMost, Target: 16, Samples: []float64{m.resident}})
	b.report.add(figure{Name: "idle, of it not in files", Unit: "MB", Samples: []float64{m.anonymous}})
	b.report.add(figure{Name: "idle, resident memory, highest since the start", Unit: "MB", Samples: []float64{m.highest}})
	b.report.add(figure{Name: "idle, its share (PSS)", Unit: "MB", Samples: []float64{m.share}})
	b.report.add(figure{Name: "idle, processor", Unit: "% of 1 core", Goal: atMost, Target: 1, Samples: []float64{share * 100}})
	return nil
}
