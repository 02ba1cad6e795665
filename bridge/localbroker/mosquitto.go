package localbroker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Mosquitto is a private Mosquitto. It lets everybody in, and keeps queued
// messages and sessions on disk.
type Mosquitto struct {
	opts    Options
	program string
	group   *group // nil: stopped
	process *process
}

// StartMosquitto starts a broker and returns when it takes connections.
func StartMosquitto(ctx context.Context, o Options) (*Mosquitto, error) {
	o, err := o.prepare()
	if err != nil {
		return nil, err
	}
	m := &Mosquitto{opts: o}
	if m.program, err = o.program("Mosquitto", "mosquitto", "mosquitto", "/usr/sbin/mosquitto"); err != nil {
		return nil, err
	}
	if err := os.WriteFile(m.path("mosquitto.conf"), []byte(m.config()), 0o600); err != nil {
		return nil, err
	}
	return m, m.Start(ctx)
}

// URL returns the MQTT address: mqtt://127.0.0.1:18830.
func (m *Mosquitto) URL() string { return "mqtt://" + m.Addr() }

// Addr returns host and port.
func (m *Mosquitto) Addr() string { return loopback(m.opts.Port) }

// Start starts the broker again, on the same port and with its data.
func (m *Mosquitto) Start(ctx context.Context) error {
	if m.group != nil {
		return errors.New("start mosquitto: it is running")
	}
	g, err := newGroup()
	if err != nil {
		return fmt.Errorf("start mosquitto: %w", err)
	}
	m.process, err = g.start(m.path("console.log"), exec.Command(m.program, "-c", m.path("mosquitto.conf")))
	if err == nil {
		err = await(ctx, m.process, func() error {
			conn, err := net.DialTimeout("tcp", m.Addr(), time.Second)
			if err == nil {
				err = conn.Close()
			}
			return err
		})
	}
	if err != nil {
		g.kill()
		return fmt.Errorf("start mosquitto in %s: %w%s", m.opts.Dir, err, lastLines(m.path("console.log")))
	}
	m.group = g
	m.opts.Log.Info("private mosquitto started", "addr", m.Addr())
	return nil
}

// Stop ends the broker in order (SIGTERM); its data stays. Stopping a stopped
// broker does nothing.
func (m *Mosquitto) Stop() error {
	if m.group == nil {
		return nil
	}
	err := m.group.terminate(m.process, 10*time.Second)
	m.group = nil
	m.opts.Log.Info("private mosquitto stopped", "addr", m.Addr())
	return err
}

// Kill ends the broker as a crash would (SIGKILL).
func (m *Mosquitto) Kill() {
	if m.group != nil {
		m.group.kill()
		m.group = nil
	}
}

// Pause hangs the broker (SIGSTOP): its connections stay, and nothing moves. A broker
// that is stopped is left alone.
func (m *Mosquitto) Pause() error {
	if m.group == nil {
		return nil
	}
	return m.process.pause()
}

// Resume lets a hung broker go on.
func (m *Mosquitto) Resume() error {
	if m.group == nil {
		return nil
	}
	return m.process.resume()
}

func (m *Mosquitto) path(name string) string { return filepath.Join(m.opts.Dir, name) }

// config raises the limits that lose messages with the stock settings: 1000
// queued for an absent subscriber, persistence off, saved every half hour.
func (m *Mosquitto) config() string {
	conf := fmt.Sprintf(`listener %d 127.0.0.1
allow_anonymous true
persistence true
persistence_location %s/
autosave_on_changes true
autosave_interval %d
max_queued_messages 100000
max_inflight_messages 200
`, m.opts.Port, m.opts.Dir, max(1, m.opts.SaveEvery))
	if m.opts.TLS != nil {
		conf += m.opts.TLS.mosquitto()
	}
	if os.Geteuid() == 0 {
		conf += "user root\n" // else it becomes a user who cannot reach the folder
	}
	return conf
}
