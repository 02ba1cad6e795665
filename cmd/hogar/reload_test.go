package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hogar/gateway/home"
)

// A reload is all or nothing, and what holds goes on holding.
func TestReload(t *testing.T) {
	t.Parallel()
	good := house("turner", 1)
	g := newGate(t, good, "--amqp", "amqp://127.0.0.1:1")
	g.run()
	until(t, "the lamp has told", func() bool { return g.value("hall.lamp").Known() })
	if code, out, errs := called(t, "set", "hall.lamp.state", "on", "--socket", g.socket); code != exitDone {
		t.Fatal(out, errs)
	}

	// By SIGHUP: a bad file changes nothing and is told, with the place of its fault.
	g.write(strings.Replace(good, "bme280", "bme820", 1))
	hup(t, g)
	until(t, "the bad file is refused", func() bool {
		log := g.log.String()
		return strings.Contains(log, "not reloaded, the old configuration goes on") && strings.Contains(log, "hogar.yaml:5:") &&
			strings.Contains(log, "did you mean bme280?")
	})
	before := g.device("room0.climate").Readings[0].Time
	until(t, "the old configuration goes on", func() bool { return g.device("room0.climate").Readings[0].Time.After(before) })

	// By SIGHUP: a good file adds a device and takes one away.
	g.write(strings.Replace(good, "room0.climate: {driver: bme280, bus: I2C1, address: 0x76", "porch.probe: {driver: tmp102, bus: I2C1, address: 0x48", 1))
	hup(t, g)
	until(t, "the new device is there", func() bool { return g.value("porch.probe").Known() })
	if d := g.device("room0.climate"); d.Name != "" {
		t.Errorf("the old device is still there: %+v", d)
	}
	if v := g.value("hall.lamp"); v != on {
		t.Errorf("the lamp is %s after the reload, and was on", v)
	}

	// By the command, which says what is wrong.
	g.write("gateway: other\ndevices: {}\n")
	code, out, errs := called(t, "reload", "--socket", g.socket)
	if code != exitFailed || out != "" || !strings.Contains(errs, "gateway is other now and was turner: that needs a restart") {
		t.Errorf("reload with another name: exit code %d, %q, %q", code, out, errs)
	}
	g.write(house("turner", 2))
	if code, out, errs = called(t, "reload", "--socket", g.socket); code != exitDone || out != "reloaded\n" || errs != "" {
		t.Errorf("reload: exit code %d, %q, %q", code, out, errs)
	}
	until(t, "both chips are read", func() bool { return g.value("room0.climate").Known() && g.value("room1.climate").Known() })
	if code, took := g.stop(); code != 0 || took > 15*time.Second {
		t.Errorf("SIGTERM: exit code %d after %s", code, took)
	}
}

func hup(t *testing.T, g *gate) {
	t.Helper()
	if err := g.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// The state of the house outlives the gateway: last readings, and what a command
// with a known id ended with.
func TestRestartRemembers(t *testing.T) {
	t.Parallel()
	g := newGate(t, house("keeper", 0), "--amqp", "amqp://127.0.0.1:1")
	set := func() home.Outcome {
		o, err := g.Command(t.Context(), home.Command{ID: "once", Device: "hall.lamp", Set: lampSet(home.Toggle)})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	g.run()
	until(t, "the lamp has told", func() bool { return g.value("hall.lamp") == off })
	first := set()
	for _, end := range []func(){func() { g.stop() }, g.kill} {
		end()
		g.run()
		if again := set(); first.Result != home.Applied || again.Result != home.Applied || again.TookMS != first.TookMS {
			t.Errorf("the outcome was %+v, and after a restart %+v", first, again)
		}
	}
}

// configs/pi.yaml runs as it stands on a laptop, and reaches nothing elsewhere.
func TestPiConfigurationSimulated(t *testing.T) {
	t.Parallel()
	if conn, err := net.DialTimeout("tcp", "localhost:5672", time.Second); err == nil {
		conn.Close()
		t.Skip("a broker of this machine listens at localhost:5672, and would get what the test publishes")
	}
	dir, err := os.MkdirTemp(rabbit.dir, "pi")
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(t, "")
	g.dir, g.socket = dir, filepath.Join(dir, "hogar", "casa.sock")
	g.args = []string{"run", "--simulate", "--config", "../../configs/pi.yaml"}
	g.reach()
	g.run()
	until(t, "the devices on the board have told", func() bool {
		return g.value("kitchen.climate").Known() && g.value("hall.light").Known() && g.value("cellar.probe").Known() &&
			g.value("hall.motion").Known() && g.value("hall.lamp").Known()
	})
	if s := g.status(); s.Gateway != "casa" || !s.Simulated || s.AMQP.Connected {
		t.Errorf("status: %+v", s)
	}
	if _, err := os.Stat(filepath.Join(dir, "hogar", "casa", "journal-sim", "journal.id")); err != nil {
		t.Errorf("the journal of the simulation: %v", err)
	}
	if code, _ := g.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A simulated house keeps away from brokers on other machines and from mqtt:
// sources, whatever the configuration says.
func TestSimulationReachesNothing(t *testing.T) {
	t.Parallel()
	called := make(chan string, 10)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			called <- conn.RemoteAddr().String()
			conn.Close()
		}
	}()
	g := newGate(t, house("hermit", 1)+`  soil.probe: {driver: mqtt, topic: soil, property: moisture}
amqp: {urls: ["amqp://casa:secret@192.0.2.1", "amqp://192.0.2.2"]}
mqtt:
  - url: mqtt://`+l.Addr().String()+"\n")
	g.run()
	until(t, "the chip has told", func() bool { return g.value("room0.climate").Known() })
	if s := g.status(); s.AMQP.URL != "" || s.AMQP.Error != "no broker is configured" {
		t.Errorf("AMQP: %+v", s.AMQP)
	}
	log := g.log.String()
	if !strings.Contains(log, "talks to no broker on another machine") || !strings.Contains(log, "192.0.2.1") || strings.Contains(log, "secret") {
		t.Errorf("the log:\n%s", log)
	}
	if code, _ := g.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if len(called) > 0 {
		t.Errorf("the mqtt source was contacted by %s", <-called)
	}
}
