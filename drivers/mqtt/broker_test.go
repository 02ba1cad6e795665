package mqtt

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A topic that left the configuration is acknowledged and given back.
func TestFormerTopic(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	h := &house{auto: always}
	c, _ := connect(t, broker.address, h)
	stop := run(t, c)
	connected(t, c)
	stop()
	device := broker.client("device")
	finish(t, device.Publish("garden/soil", 1, false, "1"))
	finish(t, device.Publish("porch/lamp", 1, false, `{"state":"ON"}`))

	c, log := connect(t, broker.address, h)
	delete(c.told, "garden/soil")
	stop = run(t, c)
	eventually(t, "the lamp", func() bool { return len(h.seen()) == 1 })
	if diff := cmp.Diff([]string{"~on"}, h.values()); diff != "" {
		t.Errorf("what waited in the broker is late: want -, got +\n%s", diff)
	}
	eventually(t, "both to be counted", func() bool { return c.Status().Received == 2 })
	eventually(t, "the topic to be given back", func() bool {
		before, lamps := c.Status().Received, len(h.seen())
		finish(t, device.Publish("garden/soil", 1, false, "2"))
		finish(t, device.Publish("porch/lamp", 1, false, `{"state":"OFF"}`))
		eventually(t, "the lamp", func() bool { return len(h.seen()) > lamps })
		return c.Status().Received == before+1
	})
	stop()
	if strings.Count(log.String(), "not configured any more") != 1 {
		t.Errorf("log %s, want one line about the topic", log)
	}
}

// Without a broker the gateway runs, says so once, and connects when one comes.
func TestNoBroker(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	broker.stop()
	c, log := connect(t, broker.address, &house{auto: always})
	run(t, c)
	eventually(t, "a reason", func() bool { return c.Status().Reason == "connection refused" })
	eventually(t, "more attempts", func() bool { return strings.Count(log.String(), "level=DEBUG") >= 3 })
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("told %d times, want once:\n%s", n, log)
	}
	if !broker.start() {
		t.Fatal("mosquitto does not start again")
	}
	connected(t, c)
	broker.kill()
	eventually(t, "the loss", func() bool { return !c.Connected() })
	eventually(t, "the loss to be told", func() bool { return strings.Count(log.String(), "level=WARN") >= 2 })
}

func TestPasswordFile(t *testing.T) {
	tool, err := exec.LookPath("mosquitto_passwd")
	if err != nil {
		t.Skipf("no tool to make a password file: %v", err)
	}
	folder := t.TempDir()
	passwords := filepath.Join(folder, "passwords")
	if out, err := exec.Command(tool, "-b", "-c", passwords, "casa", "right").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	broker := startMosquitto(t, "password_file "+passwords)
	secret := filepath.Join(folder, "secret")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := errors.Join(os.WriteFile(secret, []byte(text), mode), os.Chmod(secret, mode)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", folder)
	write("wrong\n", 0o600)
	c, log := connectTo(t, &house{}, "url", "mqtt://"+broker.address, "user", "casa", "password_file", "secret")
	run(t, c)
	eventually(t, "the refusal", func() bool { return c.Status().Reason == "not Authorized" })
	write("right\n", 0o644)
	eventually(t, "the open file", func() bool { return strings.Contains(c.Status().Reason, "chmod 600") })
	if err := os.Remove(secret); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the missing file", func() bool { return strings.Contains(c.Status().Reason, "no such file") })
	write("right\n", 0o600)
	connected(t, c)
	if strings.Contains(log.String(), "right") || strings.Contains(log.String(), "wrong") {
		t.Errorf("the log has a password:\n%s", log)
	}
}

func TestRunLeavesNothingRunning(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	line := startProxy(t, broker.address)
	c, _ := connect(t, line.address, &house{auto: always})
	stop := run(t, c)
	connected(t, c)
	before := c.current.Load()
	line.cut()
	eventually(t, "another session", func() bool { s := c.current.Load(); return s != nil && s != before })
	stop()
	stacks := make([]byte, 1<<20)
	// paho's own goroutines end a moment after it says so: they are closing their sockets.
	eventually(t, "all goroutines to end", func() bool {
		all := stacks[:runtime.Stack(stacks, true)]
		return !bytes.Contains(all, []byte("paho.mqtt.golang")) && !bytes.Contains(all, []byte("(*session)"))
	})
}
