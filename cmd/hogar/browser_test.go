package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hogar/bridge/localbroker"
	"hogar/gateway/web"
)

// TestPageInABrowser runs the stories of gateway/web/webtest in Chromium: what people
// do on the page, and what they must see. What they look at are the programs of make
// build and make demo, in processes of their own.
func TestPageInABrowser(t *testing.T) {
	programs := os.Getenv("HOGAR_PROGRAMS")
	if os.Getenv("HOGAR_BROWSER") == "" || programs == "" {
		t.Skip("HOGAR_BROWSER and HOGAR_PROGRAMS are not set: make web-test runs this test")
	}
	t.Run("demo", func(t *testing.T) { demoInABrowser(t, programs) })
	t.Run("house", func(t *testing.T) { houseInABrowser(t, programs) })
}

// process is a program that comes and goes while a browser looks at it.
type process struct {
	t    *testing.T
	args []string
	env  []string
	log  *lines
	cmd  *exec.Cmd
}

// start starts the program in a group of its own, so that its child ends with it.
func (p *process) start() {
	p.t.Helper()
	p.log = &lines{}
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = append(os.Environ(), p.env...), p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// end sends a signal and waits for the end.
func (p *process) end(s syscall.Signal) {
	if p.cmd == nil {
		return
	}
	target := p.cmd.Process.Pid
	if s == syscall.SIGKILL {
		target = -target // the whole group
	}
	_ = syscall.Kill(target, s) // it may have ended
	_ = p.cmd.Wait()
	p.cmd = nil
}

// pageAt is where a program says that its page is.
var pageAt = regexp.MustCompile(`the page is at +.*(http://[\w.:]+/)|the page is served" url=(http://[\w.:]+/\S*)`)

// page waits until the page is served, and returns where.
func (p *process) page() string {
	p.t.Helper()
	var found []string
	until(p.t, "the page is served", func() bool { found = pageAt.FindStringSubmatch(p.log.String()); return found != nil })
	return found[1] + found[2]
}

// newProcess prepares a program whose folders of the user are below dir.
func newProcess(t *testing.T, dir string, args ...string) *process {
	p := &process{t: t, args: args, env: []string{"HOME=" + dir, "TMPDIR=" + dir, "XDG_RUNTIME_DIR=" + dir, "XDG_STATE_HOME=" + dir}}
	t.Cleanup(func() {
		p.end(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(args[0]), tail(p.log.String(), 60))
		}
	})
	return p
}

// demoInABrowser is the demo as make demo starts it, with its MQTT devices, on ports
// and in folders of its own.
func demoInABrowser(t *testing.T, programs string) {
	dir := shortDir(t)
	r, err := localbroker.StartRabbitMQ(t.Context(), localbroker.Options{Dir: filepath.Join(dir, "rabbitmq")})
	need(t, err)
	t.Cleanup(r.Kill)
	mqtt := loopback(freePort(t))
	config := filepath.Join(dir, "demo.yaml")
	yaml := map[string]string{}
	for _, name := range []string{"demo.yaml", "demo_catalog.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../configs", name))
		if err != nil {
			t.Fatal(err)
		}
		yaml[name] = strings.ReplaceAll(string(text), "127.0.0.1:18833", mqtt)
		put(t, filepath.Join(dir, name), yaml[name])
	}
	p := newProcess(t, dir, filepath.Join(programs, "demomqtt"), "-listen", mqtt, "--",
		filepath.Join(programs, "hogar"), "demo", "--config", config, "--with-mqtt", "--web", loopback(freePort(t)))
	p.env = append(p.env, "AMQP_URL="+r.URL(), "DEMO_SECONDS=1200")
	p.start()
	browse(t, "demo.mjs", []string{"HOGAR_PAGE=" + p.page()}, func(ctx context.Context, what string) error {
		switch what {
		case "broker stop":
			r.Kill()
		case "broker start":
			return r.Start(ctx)
		case "demo stop":
			p.end(syscall.SIGTERM)
		case "demo start":
			p.start()
			p.page()
		case "spoil":
			put(t, config, strings.Replace(yaml["demo.yaml"], "driver: bme280", "driver: bme281", 1))
		case "mend":
			put(t, config, yaml["demo.yaml"])
		default:
			return errors.ErrUnsupported
		}
		return nil
	})
}

// loops are rules that go round for ever, and that contradict each other.
const loops = `
  round:
    when: living.lights.sofa > 10
    do: [{set: {living.lights.sofa: 5}}]
  about:
    when: living.lights.sofa < 10
    do: [{set: {living.lights.sofa: 20}}]
  contrary:
    when: {every: 5h}
    do: [{set: {porch.lamp.state: off}}]
`

// houseInABrowser is a house with people and rights, behind a reverse proxy at a
// sub-path.
func houseInABrowser(t *testing.T, programs string) {
	dir := shortDir(t)
	text, err := os.ReadFile("testdata/web/house.yaml")
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	yaml := strings.Replace(string(text), "PORT", strconv.Itoa(port), 1)
	config := filepath.Join(dir, "house.yaml")
	put(t, config, yaml)
	var users strings.Builder
	for name, password := range map[string]string{"ana": "correct horse", "kids": "hidden garden", "guest": "just visiting"} {
		line, err := web.Hash(name, password)
		if err != nil {
			t.Fatal(err)
		}
		users.WriteString(line + "\n")
	}
	put(t, filepath.Join(dir, "users"), users.String())
	p := newProcess(t, dir, filepath.Join(programs, "hogar"), "run", "--simulate", "--config", config, "--speed", "60")
	p.start()
	p.page()
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: loopback(port)})
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}})
	t.Cleanup(proxy.Close)
	direct := "http://" + net.JoinHostPort(ownAddress(t), strconv.Itoa(port)) + "/villa/"
	browse(t, "house.mjs", []string{"HOGAR_PAGE=" + proxy.URL + "/villa/", "HOGAR_DIRECT=" + direct}, func(_ context.Context, what string) error {
		switch what {
		case "power cut":
			p.end(syscall.SIGKILL)
		case "power back":
			p.start()
			p.page()
		case "loops":
			put(t, config, yaml+loops)
		case "mend":
			put(t, config, yaml)
		default:
			return errors.ErrUnsupported
		}
		return nil
	})
}

// browse runs a story in the browser and does what it asks for, until it ends.
func browse(t *testing.T, story string, env []string, do func(ctx context.Context, what string) error) {
	t.Helper()
	shots, err := filepath.Abs("../../build/web-test")
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", story)
	node.Dir, node.Stderr = "../../gateway/web/webtest", os.Stderr
	node.Env = append(append(os.Environ(), "HOGAR_SHOTS="+shots), env...)
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	said.Buffer(nil, 1<<20)
	for said.Scan() {
		what, asks := strings.CutPrefix(said.Text(), "ask: ")
		if !asks {
			t.Log(said.Text())
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		answer := "done"
		if err := do(ctx, what); err != nil {
			answer = fmt.Sprintf("failed: %s: %v", what, err)
		}
		cancel()
		if _, err := io.WriteString(in, answer+"\n"); err != nil {
			break
		}
	}
	in.Close()
	if err := node.Wait(); err != nil {
		t.Errorf("%s: %v; the last screen is build/web-test/failed.png", story, err)
	}
}

// shortDir is a folder whose sockets have paths of less than 108 bytes.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(rabbit.dir, "w")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// loopback is a port of this machine's own address.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ownAddress is an address of this machine by which others reach it, where there is one.
func ownAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}
