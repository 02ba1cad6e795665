package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/bridge/localbroker"
)

// plants are secrets that no output may show.
type plants struct {
	t    *testing.T
	all  []string
	seen int // bytes of output
}

func (p *plants) secret(name string) string {
	s := "planted-" + name + "-9f3b"
	p.all = append(p.all, s)
	return s
}

// odd is a secret with signs that mean something in an address; no piece of it may be shown.
func (p *plants) odd(name string) string { return p.secret(name) + "%/?#@: ü" + p.secret(name+"-end") }

// clean looks for what was planted in an output.
func (p *plants) clean(where, text string) {
	p.t.Helper()
	p.seen += len(text)
	for _, s := range p.all {
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			if i := strings.Index(text, form); i >= 0 {
				p.t.Errorf("%s shows %s: …%s…", where, s, text[max(0, i-80):min(len(text), i+80)])
			}
		}
	}
}

// TestSecretsAreNeverShown runs a house with secrets in every place that takes one, right ones
// and wrong ones, and looks for them in all that it says, writes and sends.
func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	p := &plants{t: t}
	rabbit := broker(t)
	mosquitto, err := localbroker.StartMosquitto(t.Context(), localbroker.Options{Dir: t.TempDir()})
	need(t, err)
	t.Cleanup(mosquitto.Kill)
	right := p.odd("amqp-file")
	for _, args := range [][]string{{"add_user", "veiled", right}, {"set_permissions", "veiled", ".*", ".*", ".*"}} {
		if _, err := rabbit.Ctl(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	house := fmt.Sprintf(`gateway: veiled
journal: {path: journal, sync: 20ms}
amqp:
  urls: ["amqp://nobody:%s@%s", "amqp://veiled@%[2]s"]
  password_file: amqp.password
mqtt:
  - {url: "mqtt://ana:%s@%s", client_id: veiled-1}
  - {url: "mqtt://%[4]s", user: eva, password_file: ./mqtt.password, client_id: veiled-2}
web: {listen: "127.0.0.1:%d", tokens_file: tokens}
devices:
  hall.lamp: {driver: relay, pin: GPIO17}
  lab.count: {driver: mqtt, broker: 1, topic: lab/count, property: count}
`, url.QueryEscape(p.odd("amqp-url")), rabbit.Addr(), url.QueryEscape(p.odd("mqtt-url")), mosquitto.Addr(), port)
	g := newGate(t, house, "--with-mqtt", "--log", "debug")
	token := p.secret("token-of-the-page")
	for name, text := range map[string]string{"amqp.password": right + "\n", "mqtt.password": p.odd("mqtt-file") + "\n", "tokens": "panel:" + token + "\n"} {
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	messages := veiledMessages(t, rabbit)
	g.run()
	until(t, "the second address lets it in", func() bool { s := g.status(); return s.AMQP.Connected })
	p.commands(g)
	p.mistakes(g.dir)
	p.network(g, port, token)
	_ = g.Client.Reload(t.Context())
	if err := g.cmd.Process.Signal(syscall.SIGQUIT); err != nil { // Go's answer is a dump of all stacks
		t.Fatal(err)
	}
	<-g.done
	p.clean("the log, with the dump of its end", g.log.String())
	if !strings.Contains(g.log.String(), "goroutine ") {
		t.Error("SIGQUIT made no dump")
	}
	p.files(g)
	p.clean("messages", messages())
	if p.seen < 50_000 {
		t.Errorf("only %d bytes were looked at", p.seen)
	}
	unit, err := os.ReadFile("../../systemd/hogar.service")
	if err != nil || !strings.Contains(string(unit), "\nLimitCORE=0\n") {
		t.Errorf("core dumps are not forbidden: %v", err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// commands calls every command that reads the configuration or asks the gateway.
func (p *plants) commands(g *gate) {
	wrong := "amqp://veiled:" + url.QueryEscape(p.odd("flag")) + "@127.0.0.1:1"
	for _, args := range [][]string{
		{"check", g.config()}, {"check", "--json", g.config()},
		{"doctor", "--config", g.config()}, {"doctor", "--json", "--config", g.config()}, {"doctor", "--amqp", wrong, "--config", g.config()},
		{"topology", "--config", g.config()}, {"topology", "--json", "--config", g.config()}, {"topology", "--users", "--amqp", wrong, "--config", g.config()},
		{"dead", "list", "--amqp", wrong, "--config", g.config()},
		{"systemd-dropin", "--config", g.config()},
		{"devices", "--socket", g.socket}, {"devices", "--json", "--socket", g.socket},
		{"outbox", "--socket", g.socket}, {"outbox", "--json", "--socket", g.socket},
		{"devices", "--amqp", wrong, "--gateway", "veiled"},
		{"set", "hall.lamp.state", "on", "--socket", g.socket}, {"get", "hall.lamp.state", "--json", "--socket", g.socket},
		{"journal", "stat", "--journal", g.journal()}, {"journal", "dump", "--json", "--journal", g.journal()},
	} {
		_, out, errs := called(p.t, args...)
		p.clean("hogar "+strings.ReplaceAll(strings.Join(args, " "), wrong, "URL"), out+errs)
	}
}

// mistakes are configurations whose faults quote what stands there.
func (p *plants) mistakes(dir string) {
	s := p.secret("mistake")
	for i, text := range []string{
		"gateway: casa\namqp: {urls: [\"amqp://u:" + s + "@host:99999\"]}\n",
		"gateway: casa\namqp: {urls: [\"http://u:" + s + "@host\"]}\n",
		"gateway: casa\namqp: {urls: [\"amqp://u:" + s + "%zz@host\"]}\n",
		"gateway: casa\namqp: {password: " + s + "}\n",
		"gateway: casa\nmqtt: [{url: \"tcp://u:" + s + "@host\"}]\n",
		"gateway: casa\nmqtt: [{url: \"mqtt://h\", password: " + s + ", user: [a]}]\n",
		"gateway: casa\nmqtt: [{url: \"mqtt://u:" + s + "@h\", pasword_file: x}]\n",
		"gateway: casa\namqp:\n  urls: [\"amqp://u:" + s + "@h\"\n",
	} {
		path := filepath.Join(dir, fmt.Sprintf("mistake%d.yaml", i))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			p.t.Fatal(err)
		}
		for _, args := range [][]string{{"check", path}, {"check", "--json", path}, {"run", "--config", path}} {
			ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
			var o, e lines
			code := execute(ctx, args, strings.NewReader(""), &o, &e)
			cancel()
			p.clean(fmt.Sprintf("mistake %d, %s, code %d", i, args[0], code), o.String()+e.String())
		}
	}
}

// network asks what the API answers, on the network and on the socket, with and without the token.
func (p *plants) network(g *gate, port int, token string) {
	unix := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", g.socket)
	}}}
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	for _, path := range []string{"/", "/api/status", "/api/devices", "/api/configuration", "/api/rules", "/api/outbox", "/api/events/past", "/metrics", "/api/nothing"} {
		p.clean("socket "+path, ask(p.t, unix, "http://hogar"+path, ""))
		p.clean("network "+path, ask(p.t, http.DefaultClient, base+path, token))
		p.clean("network, wrong token "+path, ask(p.t, http.DefaultClient, base+path, p.secret("wrong-token")))
	}
}

// ask returns the status line, the headers and the body of an answer.
func ask(t *testing.T, c *http.Client, address, token string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(answer.Status, answer.Header, string(body))
}

// files looks into all that the gateway wrote.
func (p *plants) files(g *gate) {
	err := filepath.WalkDir(g.journal(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if len(data) > 0 {
			p.clean(path, string(data))
		}
		return err
	})
	if err != nil {
		p.t.Error(err)
	}
}

// veiledMessages collects all that the gateway sends.
func veiledMessages(t *testing.T, rabbit *localbroker.RabbitMQ) func() string {
	t.Helper()
	conn, err := amqp.Dial(rabbit.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.ExchangeDeclare("hogar", "topic", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	q, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err == nil {
		err = ch.QueueBind(q.Name, "veiled.#", "hogar", false, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() string {
		var all strings.Builder
		for {
			d, ok, err := ch.Get(q.Name, true)
			if err != nil || !ok {
				return all.String()
			}
			fmt.Fprintf(&all, "%s %v %s\n", d.RoutingKey, d.Headers, d.Body)
		}
	}
}
