package bridge

import (
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// bad returns what is not well, as "what: detail; fix". The clock is this machine's.
func bad(t *testing.T, findings []Finding) map[string]string {
	t.Helper()
	if len(findings) < 2 {
		t.Errorf("only %v", findings)
	}
	wrong := make(map[string]string)
	for _, f := range findings {
		if !f.OK && f.What != "clock" {
			wrong[f.What] = f.Detail + "; " + f.Fix
		}
		if f.Detail == "" || f.OK && f.Fix != "" || strings.Contains(f.Detail+f.Fix, "secret") {
			t.Errorf("%+v", f)
		}
	}
	return wrong
}

// wants compares by the part of each text that matters.
func wants(t *testing.T, name string, got map[string]string, want map[string]string) {
	t.Helper()
	for what, text := range want {
		if !strings.Contains(got[what], text) || got[what] == "" {
			t.Errorf("%s: %s: %q, want %q", name, what, got[what], text)
		}
		delete(got, what)
	}
	if len(got) > 0 {
		t.Errorf("%s: wrong as well: %v", name, got)
	}
}

func TestExamine(t *testing.T) {
	t.Parallel()
	url := rabbit(t)
	o := Options{URLs: []string{url}, Gateway: "casa", Declare: true}
	wants(t, "an empty broker", bad(t, Examine(t.Context(), o, false)), nil)
	if got := queuesOf(t, url); len(got) != 0 {
		t.Errorf("it declared %v", got)
	}
	theirs := o
	theirs.Declare = false
	missing := "it does not exist; set amqp.declare to true, or create it"
	wants(t, "nothing is declared", bad(t, Examine(t.Context(), theirs, false)), map[string]string{
		"exchange hogar": missing, "exchange hogar.now": missing, "queue hogar.history": missing, "queue hogar.casa.expired": missing,
		"queue hogar.casa.dead": missing, "queue hogar.casa.commands": missing,
		"gateway called casa": "no exchange 'hogar.now'", "route of casa.reading.#": "no exchange 'hogar'",
		"route of casa.event.#": "no exchange 'hogar'", "route of casa.outcome.#": "no exchange 'hogar'"})

	h := runOn(t, o, &door{}, openJournal(t))
	h.until("working", func() bool { return h.Status().Connected && h.Status().Commands })
	wants(t, "a running gateway", bad(t, Examine(t.Context(), o, true)), nil)
	wants(t, "declared by others", bad(t, Examine(t.Context(), theirs, true)), nil)
	wants(t, "a second one", bad(t, Examine(t.Context(), o, false)), map[string]string{
		"gateway called casa": "another gateway of this name is connected"})
	if st := h.Status(); st.Received != 0 || !st.Connected || !st.Commands {
		t.Errorf("the gateway was disturbed: %+v", st)
	}
	h.stop()
	wants(t, "one that is not connected", bad(t, Examine(t.Context(), o, true)), map[string]string{
		"gateway called casa": "is not connected to this broker"})

	c := dialClient(t, url)
	for _, name := range []string{"hogar.history", "hogar.casa.dead"} {
		if _, err := c.ch.QueueDelete(name, false, false, false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.ch.QueueDeclare("hogar.casa.dead", true, false, false, false, amqp.Table{"x-max-length-bytes": int64(1000)}); err != nil {
		t.Fatal(err)
	}
	o.History = "none"
	kept := "no queue takes it: the gateway keeps it, and all behind it, until one does; bind a queue"
	wants(t, "a difference, and no routes", bad(t, Examine(t.Context(), o, false)), map[string]string{
		"queue hogar.casa.dead": "it differs: PRECONDITION_FAILED - inequivalent arg", "route of casa.reading.#": kept,
		"route of casa.event.#": kept, "route of casa.outcome.#": kept})
}

func TestExamineRights(t *testing.T) {
	t.Parallel()
	url := rabbit(t)
	addUser(t, "patient")
	o := Options{Gateway: "casa", Declare: true, URLs: []string{"amqp://patient:wrong@" + broker.Addr() + "/" + vhostOf(url)}}
	login := "login as patient, virtual host " + vhostOf(url)
	wants(t, "password", bad(t, Examine(t.Context(), o, false)), map[string]string{login: "rabbitmqctl change_password patient"})
	o.URLs[0] = "amqp://patient:secret@" + broker.Addr() + "/" + vhostOf(url)
	wants(t, "virtual host", bad(t, Examine(t.Context(), o, false)), map[string]string{login: "rabbitmqctl set_permissions"})
	h := runOn(t, Options{URLs: []string{url}, Declare: true}, &door{}, openJournal(t))
	h.until("working", func() bool { return h.Status().Connected && h.Status().Commands })
	h.stop()
	permit(t, "patient", vhostOf(url), "^$", "^$", "^$")
	grant := "rabbitmqctl set_permissions"
	want := map[string]string{"right to reply, and to put refused commands aside": grant, "right to consume hogar.casa.commands": grant,
		"right to consume hogar.casa.expired": grant, "gateway called casa": grant,
		"route of casa.reading.#": grant, "route of casa.event.#": grant, "route of casa.outcome.#": grant}
	for _, kind := range publishedKinds {
		want["right to publish "+kind.String()] = grant
	}
	wants(t, "no rights", bad(t, Examine(t.Context(), o, false)), want)
}

func TestExamineAddress(t *testing.T) {
	t.Parallel()
	o := Options{Gateway: "casa", URLs: []string{"amqp://casa:secret@127.0.0.1:1/"}}
	wants(t, "no broker", bad(t, Examine(t.Context(), o, false)), map[string]string{"port 127.0.0.1:1": "is RabbitMQ running"})

	server := httptest.NewTLSServer(nil)
	defer server.Close()
	addr := server.Listener.Addr().String()
	o.URLs[0] = "amqps://casa:secret@" + addr + "/"
	wants(t, "unknown certificate", bad(t, Examine(t.Context(), o, false)), map[string]string{"TLS of " + addr: "cacertfile"})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	o.URLs[0] += "?cacertfile=" + ca
	wants(t, "no AMQP", bad(t, Examine(t.Context(), o, false)), map[string]string{"login as casa, virtual host /": "; "})
}

// words splits a line as a shell does.
func words(t *testing.T, line string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", "printf '%s\\n' "+line).Output()
	if err != nil {
		t.Fatal(line, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// TestOperated sets a broker up as an operator would, by what Topology returns,
// and runs a gateway that declares nothing, with its rights and no more.
func TestOperated(t *testing.T) {
	t.Parallel()
	url := rabbit(t)
	mine := "amqp://operated:secret@" + broker.Addr() + "/" + vhostOf(url)
	o := Options{URLs: []string{mine}, Gateway: "casa"}
	definitions, lines, err := Topology(o)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "definitions.json")
	if err := os.WriteFile(file, definitions, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		w := words(t, strings.NewReplacer("FILE", file, "PASSWORD", "secret").Replace(line))
		if w[0] != "rabbitmqctl" {
			t.Fatal(line)
		}
		ctl(t, w[1:]...)
	}
	wants(t, "the doctor", bad(t, Examine(t.Context(), o, false)), nil)
	h := runOn(t, o, punctual(), openJournal(t))
	h.reading("hall.lamp", "state", 1)
	h.until("working", func() bool { return h.Status().Commands && h.journal.Cursor() == 1 })
	c := dialClient(t, url)
	for _, exchange := range []string{"hogar", "hogar.now"} {
		key := map[string]string{"hogar": "casa.command.hall.lamp.state", "hogar.now": "casa.hall.lamp.state"}[exchange]
		if o, _ := c.ask(t, exchange, key, amqp.Publishing{Body: []byte("on")}); o.Result != home.Applied {
			t.Errorf("receipt %+v", o)
		}
	}
	if err := c.ch.Publish("hogar", "casa.command.hall.lamp.state", false, false, amqp.Publishing{MessageId: "bad"}); err != nil {
		t.Fatal(err)
	}
	h.until("the refused one is in dead", func() bool { return waiting(t, c, "hogar.casa.dead") == 1 })
	letters, err := OpenDead(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer letters.Close()
	if list, err := letters.List(t.Context()); len(list) != 1 || err != nil {
		t.Error(list, err)
	}
	h.stop()
	if strings.Contains(h.log.String(), "WARN") {
		t.Error(h.log)
	}
	for what, try := range map[string]func(*amqp.Channel) error{
		"publish for another": func(ch *amqp.Channel) error {
			return ch.Publish("hogar", "villa.reading.a.x", false, false, amqp.Publishing{})
		},
		"command": func(ch *amqp.Channel) error {
			return ch.Publish("hogar", "casa.command.a", false, false, amqp.Publishing{})
		},
		"read the history": func(ch *amqp.Channel) error {
			_ = ch.Qos(1, 0, false)
			_, err := ch.Consume("hogar.history", "", false, false, false, false, nil)
			return err
		},
		"delete": func(ch *amqp.Channel) error {
			_, err := ch.QueueDelete("hogar.history", false, false, false)
			return err
		},
	} {
		ch, err := dialClient(t, mine).conn.Channel()
		if err != nil {
			t.Fatal(err)
		}
		closed := ch.NotifyClose(make(chan *amqp.Error, 1))
		_ = try(ch)
		select {
		case why := <-closed:
			if why == nil || why.Code != amqp.AccessRefused {
				t.Errorf("%s: %v", what, why)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s is allowed", what)
		}
	}
}

func TestTopologyFile(t *testing.T) {
	file, lines, err := Topology(Options{Gateway: "casa", QueueType: "quorum", Exchange: "amq.topic"})
	if err != nil {
		t.Fatal(err)
	}
	var d definitions
	if err := json.Unmarshal(file, &d); err != nil {
		t.Fatal(err)
	}
	var names []any
	for _, part := range [][]map[string]any{d.Users, d.Vhosts, d.Exchanges, d.Queues} {
		for _, one := range part {
			names = append(names, one["name"])
		}
	}
	want := []any{"casa", "/", "hogar.now", "hogar.history", "hogar.casa.expired", "hogar.casa.dead", "hogar.casa.commands"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if want := `rabbitmqctl set_topic_permissions -p / casa hogar.now '^$' '^casa\..*'`; lines[4] != want {
		t.Errorf("%s, want %s", lines[4], want)
	}
	if want := `rabbitmqctl set_policy -p / --apply-to queues hogar.casa.keep '^hogar\.casa\.(dead|expired|messages)$' '{"delivery-limit":-1}' # RabbitMQ 4`; !strings.HasPrefix(lines[len(lines)-1], want) {
		t.Errorf("%s, want %s", lines[len(lines)-1], want)
	}
	if _, _, err := Topology(Options{Gateway: "Casa Mia"}); err == nil {
		t.Error("a name that is none")
	}
}
