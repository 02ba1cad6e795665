package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hogar/bridge/localbroker"
	"hogar/configs"
	"hogar/drivers"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/gateway/api"
	"hogar/gateway/config"
	"hogar/gateway/home"
	"hogar/gateway/web"
)

// seen is the house of the demo with a broker of its own, as a browser sees it.
type seen struct {
	t      *testing.T
	file   string
	rabbit *localbroker.RabbitMQ
	clock  *home.Clock
	dir    string // of the journal
	listen string // address of the page; the same over restarts
	url    string
	house  *testHouse
	board  *simboard.Board
}

// more are devices beside those of the demo: two of which only one may run, and a dimmer.
const more = `devices:
  workshop.saw:   {driver: relay, pin: GPIO12, safety: {interlock: [workshop.mixer]}}
  workshop.mixer: {driver: relay, pin: GPIO13}
  living.lights:  {driver: pca9685, address: 0x41, out0: sofa}
`

// TestPageInABrowser runs gateway/web/webtest/page.mjs in Chromium: what people do
// on the page, and what they must see, while the broker and the gateway come and go.
func TestPageInABrowser(t *testing.T) {
	browser := os.Getenv("HOGAR_BROWSER")
	if browser == "" {
		t.Skip("HOGAR_BROWSER is not set: make web-test runs this test")
	}
	shots, err := filepath.Abs("../build/web-test")
	if err != nil {
		t.Fatal(err)
	}
	s := newSeen(t)
	guarded := guardedHouse(t)
	node := exec.CommandContext(t.Context(), "node", "page.mjs")
	node.Dir = "web/webtest"
	node.Env = append(os.Environ(), "HOGAR_PAGE="+s.url, "HOGAR_GUARDED="+guarded, "HOGAR_SHOTS="+shots)
	node.Stderr = os.Stderr
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
	s.serve(in, out)
	if err := node.Wait(); err != nil {
		t.Errorf("the browser's part: %v; the last screen is build/web-test/failed.png", err)
	}
}

func newSeen(t *testing.T) *seen {
	t.Helper()
	dir := t.TempDir()
	r, err := localbroker.StartRabbitMQ(t.Context(), localbroker.Options{Dir: filepath.Join(dir, "rabbitmq")})
	if errors.Is(err, localbroker.ErrNotInstalled) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	s := &seen{t: t, rabbit: r, dir: filepath.Join(dir, "journal"), file: filepath.Join(dir, "hogar.yaml"), listen: "127.0.0.1:0"}
	s.write(s.yaml())
	s.clock = home.NewClock(time.Date(2026, 3, 21, 21, 30, 0, 0, time.UTC), 60) // dusk in Córdoba
	s.start()
	t.Cleanup(func() { s.house.stop() })
	return s
}

// yaml is the demo's house without its MQTT devices, which would come from another program.
func (s *seen) yaml() string {
	return strings.NewReplacer("devices:\n", more, "catalog: demo_catalog.yaml\n", "").Replace(string(configs.Demo))
}

func (s *seen) write(yaml string) {
	if err := os.WriteFile(s.file, []byte(yaml), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// start runs the gateway; its page is where it was.
func (s *seen) start() {
	cfg, source, faults := config.Load(s.file)
	plan := Check(cfg, faults)
	if faults.Failed() {
		s.t.Fatal(source.Problems(faults))
	}
	opened := make(chan string, 1)
	s.house = runHouse(s.t, plan, s.clock, func(o *Options) {
		o.Journal, o.Web, o.WebOpened = s.dir, s.listen, func(url string) { opened <- url }
		o.URLs = func(config.AMQP) ([]string, error) { return []string{s.rabbit.URL()}, nil }
		o.Config, o.NoMQTT = s.configuration, true
		at := cfg.Location
		w := world.New(world.Options{Seed: 1, Latitude: at.Latitude, Longitude: at.Longitude, Location: at.Timezone})
		o.Board = func(parts map[string][]drivers.Part) (drivers.Board, error) {
			b, err := simboard.New(w, s.clock.Now, parts)
			s.board = b
			return b, err
		}
	})
	s.url = <-opened
	s.listen = strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/")
}

// configuration is what hogar run shows of its files.
func (s *seen) configuration() api.Configuration {
	cfg, source, faults := config.Load(s.file)
	Check(cfg, faults)
	c := api.Configuration{Problems: []api.Problem{}}
	for _, f := range source.Files() {
		c.Files = append(c.Files, api.File{Name: f.Name, Text: f.Text})
	}
	for _, p := range source.Problems(faults) {
		c.Problems = append(c.Problems, api.Problem{File: p.File, Line: p.Line, Column: p.Column, Message: p.Message, Hint: p.Hint, Warning: p.Warning})
	}
	return c
}

// guardedHouse is a second house, whose page listens on all addresses; its URL has
// one that is not this machine's own, where there is one.
func guardedHouse(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	line, err := web.Hash("ana", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "users"), []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plan := planIn(t, dir, "gateway: guarded\nweb: {listen: '0.0.0.0:0', users_file: users}\ndevices:\n  hall.lamp: {driver: relay, pin: GPIO17}\n")
	opened := make(chan string, 1)
	runHouse(t, plan, home.NewClock(time.Time{}, 1), func(o *Options) { o.WebOpened = func(url string) { opened <- url } })
	url := <-opened
	_, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	host := "127.0.0.1"
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			host = n.IP.String()
		}
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// serve does what the browser's part asks for, until that ends.
func (s *seen) serve(in io.WriteCloser, out io.Reader) {
	defer in.Close()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		what, asks := strings.CutPrefix(lines.Text(), "ask: ")
		if !asks {
			s.t.Log(lines.Text())
			continue
		}
		answer, err := s.do(what)
		if err != nil {
			answer = "failed: " + err.Error()
		}
		if _, err := io.WriteString(in, answer+"\n"); err != nil {
			return
		}
	}
}

func (s *seen) do(what string) (string, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	word, arg, _ := strings.Cut(what, " ")
	switch what {
	case "broker stop":
		s.rabbit.Kill()
		return "stopped", nil
	case "broker start":
		return "started", s.rabbit.Start(ctx)
	case "gateway stop":
		s.house.stop()
		return "stopped", nil
	case "gateway start":
		s.start()
		return "started", nil
	case "spoil":
		s.write(strings.Replace(s.yaml(), "driver: bme280", "driver: bme281", 1))
		return "spoiled", nil
	case "mend":
		s.write(s.yaml())
		return "mended", nil
	}
	switch word {
	case "pin":
		if s.board.Level(arg) {
			return "high", nil
		}
		return "low", nil
	case "value":
		device, _ := home.Split(arg)
		for _, r := range s.house.device(device).Readings {
			if r.Name == arg {
				return r.Value.String(), nil
			}
		}
	}
	return "", fmt.Errorf("nobody knows %q", what)
}
