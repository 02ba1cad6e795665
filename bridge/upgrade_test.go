package bridge

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/bridge/localbroker"
	"hogar/gateway/home"
)

// TestFromDebian12To13 goes the way of docs/operating.md: RabbitMQ 3.10's definitions into an empty 4.0, on the same port.
// The gateway waits meanwhile, goes on by itself, and a resend brings back what was in the queues.
func TestFromDebian12To13(t *testing.T) {
	root := os.Getenv(localbroker.RootVariable)
	if root == "" {
		t.Skip("the other Debian is not named: make test-13")
	}
	t.Setenv(localbroker.RootVariable, "")
	old := startRabbit(t, localbroker.Options{Dir: t.TempDir()})
	o := Options{URLs: []string{old.URL()}, Declare: true, QueueType: "quorum"}
	h := runOn(t, o, &door{}, openJournal(t))
	h.until("connected", func() bool { return h.Status().Connected && h.Status().Commands })
	c := dialClient(t, old.URL())
	c.bind("reader", "hogar", "casa.reading.#")
	for n := range 50 {
		h.reading("hall.probe", "temperature", uint64(n+1))
	}
	h.until("all is confirmed", func() bool { return h.journal.Cursor() == 50 })
	file := filepath.Join(t.TempDir(), "rabbitmq.json")
	if _, err := old.Ctl(t.Context(), "export_definitions", file); err != nil {
		t.Fatal(err)
	}
	port := portOf(t, old)
	if err := old.Stop(); err != nil {
		t.Fatal(err)
	}
	for n := range 50 {
		h.reading("hall.probe", "temperature", uint64(n+51))
	}

	t.Setenv(localbroker.RootVariable, root)
	young := startRabbit(t, localbroker.Options{Dir: t.TempDir(), Port: port})
	if _, err := young.Ctl(t.Context(), "import_definitions", file); err != nil {
		t.Fatal(err)
	}
	h.until("what waited is sent", func() bool { return h.journal.Cursor() == 100 && h.Status().Commands })
	if done, err := h.Resend(t.Context(), time.Now().Add(-time.Hour)); err != nil || done.Sent < 100 {
		t.Errorf("%+v %v", done, err)
	}
	c = dialClient(t, young.URL())
	seen := map[string]bool{}
	for _, d := range c.consume("reader", waiting(t, c, "reader")) {
		seen[d.MessageId] = true
	}
	for n := range 100 {
		if id := fmt.Sprintf("%s-%d", h.journal.ID(), n+1); !seen[id] {
			t.Errorf("reading %s is lost", id)
		}
	}
	if r, _ := c.ask(t, "hogar", "casa.command.hall.lamp.state", amqp.Publishing{Body: []byte("on")}); r.Result != home.Applied {
		t.Errorf("a command: %+v", r)
	}
}
