package localbroker

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// need skips a test where a broker is not installed, but not on CI.
func need(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, ErrNotInstalled) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestRabbitMQ(t *testing.T) {
	r, err := StartRabbitMQ(t.Context(), Options{Dir: t.TempDir()})
	need(t, err)
	t.Cleanup(r.Kill)
	if out, err := r.Eval(t.Context(), `rabbit_vhost:add(<<"kept">>, <<"test">>).`); err != nil || out != "ok" {
		t.Fatal(out, err)
	}
	if out, err := r.Eval(t.Context(), `1 = 2.`); err == nil {
		t.Errorf("a false match is %s", out)
	}
	onlyLoopback(t, r.group)
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, port := range []int{r.opts.Port, r.dist, r.epmd} {
		refused(t, port)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := r.Ctl(t.Context(), "list_vhosts")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(out), "kept") {
		t.Errorf("the virtual host is gone after a restart: %q", out)
	}
	g := r.group
	r.Kill()
	refused(t, r.opts.Port)
	refused(t, r.epmd)
	if left := members(t, g); len(left) > 0 {
		t.Errorf("left after Kill: %v", left)
	}
}

func TestMosquitto(t *testing.T) {
	m, err := StartMosquitto(t.Context(), Options{Dir: t.TempDir()})
	need(t, err)
	t.Cleanup(m.Kill)
	onlyLoopback(t, m.group)
	m.Kill()
	refused(t, m.opts.Port)
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Stop(); err != nil {
		t.Fatal(err)
	}
	refused(t, m.opts.Port)
}

// TestOrphans starts a child that starts a broker, and kills the child.
func TestOrphans(t *testing.T) {
	if dir := os.Getenv("LOCALBROKER_CHILD"); dir != "" {
		m, err := StartMosquitto(context.Background(), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		_ = os.WriteFile(filepath.Join(dir, "port"), []byte(strconv.Itoa(m.opts.Port)), 0o600)
		select {} // until it is killed
	}
	_, err := find("Mosquitto", "mosquitto", "mosquitto", "/usr/sbin/mosquitto")
	need(t, err)
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestOrphans$")
	child.Env = append(os.Environ(), "LOCALBROKER_CHILD="+dir)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	port := 0
	eventually(t, func() bool {
		b, _ := os.ReadFile(filepath.Join(dir, "port"))
		port, _ = strconv.Atoi(string(b))
		return port > 0
	})
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	eventually(t, func() bool {
		conn, err := net.Dial("tcp", loopback(port))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
}

func TestNotInstalled(t *testing.T) {
	_, err := find("RabbitMQ", "rabbitmq-server", filepath.Join(t.TempDir(), "rabbitmq-server"))
	want := "RabbitMQ is not installed: run apt-get install rabbitmq-server"
	if !errors.Is(err, ErrNotInstalled) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNoFolder(t *testing.T) {
	if _, err := StartMosquitto(t.Context(), Options{}); err == nil {
		t.Error("started without a folder")
	}
}

func refused(t *testing.T, port int) {
	t.Helper()
	if conn, err := net.Dial("tcp", loopback(port)); err == nil {
		conn.Close()
		t.Errorf("port %d is still open", port)
	}
}

func eventually(t *testing.T, what func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !what(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen within 60 s")
		}
	}
}

// members lists the processes of a group (zombies apart) from /proc.
func members(t *testing.T, g *group) []string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Skip("this system has no /proc")
	}
	var found []string
	for _, path := range stats {
		b, _ := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(b), ") ") // state, parent, group …
		f := strings.Fields(rest)
		if len(f) > 2 && f[0] != "Z" && f[2] == strconv.Itoa(g.leader.cmd.Process.Pid) {
			found = append(found, filepath.Base(filepath.Dir(path)))
		}
	}
	return found
}

// onlyLoopback checks that no process of the group listens elsewhere.
func onlyLoopback(t *testing.T, g *group) {
	t.Helper()
	sockets := make(map[string]bool)
	for _, pid := range members(t, g) {
		fds, _ := filepath.Glob("/proc/" + pid + "/fd/*")
		for _, fd := range fds {
			if link, _ := os.Readlink(fd); strings.HasPrefix(link, "socket:[") {
				sockets[strings.Trim(link, "socket:[]")] = true
			}
		}
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, _ := os.ReadFile(table)
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			const listening, loopback4, loopback6 = "0A", "0100007F:", "00000000000000000000000001000000:"
			if len(f) > 9 && f[3] == listening && sockets[f[9]] &&
				!strings.HasPrefix(f[1], loopback4) && !strings.HasPrefix(f[1], loopback6) {
				t.Errorf("listens on %s", f[1])
			}
		}
	}
}
