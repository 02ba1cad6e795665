package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/bridge/localbroker"
	"hogar/gateway/config"
	"hogar/gateway/home"
)

// shop is the other applications on the broker: a web shop that places orders, and
// an inventory that is told what was picked.
type shop struct {
	t        *testing.T
	broker   *localbroker.RabbitMQ
	conn     *amqp.Connection
	ch       *amqp.Channel
	confirms <-chan amqp.Confirmation
	orders   int
}

// open connects to the broker and declares what belongs to the shop.
func (s *shop) open() {
	s.t.Helper()
	var err error
	await(s.t, "the broker answers", func() bool { s.conn, err = amqp.Dial(s.broker.URL()); return err == nil })
	if s.ch, err = s.conn.Channel(); err != nil {
		s.t.Fatal(err)
	}
	for _, one := range [][3]string{{"shop", "inventory", "stock.changed"}, {"hogar", "everything", "store.#"}} {
		_, err := s.ch.QueueDeclare(one[1], true, false, false, false, nil)
		if err = errors.Join(err, s.ch.ExchangeDeclare(one[0], "topic", true, false, false, false, nil), s.ch.QueueBind(one[1], one[2], one[0], false, nil)); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.ch.Confirm(false); err != nil {
		s.t.Fatal(err)
	}
	s.confirms = s.ch.NotifyPublish(make(chan amqp.Confirmation, 1))
}

// place places an order, and tells it twice, as who missed a confirm does.
func (s *shop) place(sku string) {
	s.t.Helper()
	s.orders++
	for range 2 {
		err := s.ch.Publish("shop", "order.placed", true, false, amqp.Publishing{DeliveryMode: amqp.Persistent,
			MessageId: fmt.Sprintf("order-%d", s.orders), Body: fmt.Appendf(nil, `{"order":%d,"sku":%q}`, s.orders, sku)})
		if err != nil {
			s.t.Fatal(err)
		}
		if c, open := <-s.confirms; !open || !c.Ack {
			s.t.Fatal("the order is not confirmed")
		}
	}
}

// inventory reads what it was told, by message_id: the shelf, and how much.
func (s *shop) inventory(want int) map[string]string {
	s.t.Helper()
	told := make(map[string]string)
	deadline := time.Now().Add(30 * time.Second)
	for quiet := time.Now(); len(told) < want || time.Since(quiet) < time.Second; {
		d, ok, err := s.ch.Get("inventory", true)
		if err != nil || time.Now().After(deadline) {
			s.t.Fatalf("the inventory was told of %d picks, want %d (%v)", len(told), want, err)
		}
		if !ok {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		quiet = time.Now()
		var change struct {
			SKU string `json:"sku"`
			By  int    `json:"by"`
		}
		if json.Unmarshal(d.Body, &change) != nil || change.By != -1 || d.Type != "hogar.message.v1" || d.MessageId == "" {
			s.t.Errorf("the inventory was told %s, type %q, id %q", d.Body, d.Type, d.MessageId)
		}
		told[d.MessageId] = change.SKU
	}
	return told
}

// runStore runs configs/shop.yaml.
func runStore(t *testing.T, journal, url string) *testHouse {
	t.Helper()
	yaml, err := os.ReadFile("../configs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return runHouse(t, planOf(t, string(yaml)), nil, func(o *Options) {
		o.Journal = journal
		o.URLs = func(config.AMQP) ([]string, error) { return []string{url}, nil }
	})
}

// press presses and releases the button at a shelf.
func (h *testHouse) press(pin string) {
	h.t.Helper()
	for _, high := range []bool{false, true} {
		if err := h.board.Drive(pin, high); err != nil {
			h.t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // longer than it bounces
	}
}

func (h *testHouse) ordered(shelf string) float64 {
	for _, r := range h.device(home.Vars).Readings {
		if r.Name == home.Join(home.Vars, shelf) {
			return r.Value.Number()
		}
	}
	return -1
}

// TestShop is the shop of configs/shop.yaml on a real broker: each order lights its
// shelf, each pick is told once, although the broker is killed in between, orders
// are told twice, and the gateway is away when some of them come.
func TestShop(t *testing.T) {
	t.Parallel()
	broker, err := localbroker.StartRabbitMQ(t.Context(), localbroker.Options{Dir: filepath.Join(t.TempDir(), "rabbitmq")})
	if errors.Is(err, localbroker.ErrNotInstalled) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Kill)
	s := &shop{t: t, broker: broker}
	s.open() // the exchange is there before the store, which would look for it again after a while
	journal := t.TempDir()
	h := runStore(t, journal, broker.URL())
	await(t, "the store listens", func() bool {
		q, err := s.ch.QueueDeclarePassive("hogar.store.messages", true, false, false, false, nil)
		if err != nil {
			s.open()
		}
		return err == nil && q.Consumers == 1
	})
	for range 3 {
		s.place("A-7")
	}
	s.place("B-2")
	s.place("C-9")
	await(t, "the orders are at the shelves", func() bool { return h.ordered("a7") == 3 && h.ordered("b2") == 1 })
	await(t, "the shelves are lit", func() bool { return h.board.Level("GPIO17") && h.board.Level("GPIO22") })
	h.press("GPIO27") // the first pick
	await(t, "it is counted", func() bool { return h.ordered("a7") == 2 })

	broker.Kill()
	h.press("GPIO27") // picks go on without a broker
	h.press("GPIO23")
	await(t, "they are counted", func() bool { return h.ordered("a7") == 1 && h.ordered("b2") == 0 && !h.board.Level("GPIO22") })
	if err := broker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.open()

	h.stop() // an order that comes while the store is away waits for it
	s.place("A-7")
	h = runStore(t, journal, broker.URL())
	await(t, "the order that waited is at the shelf", func() bool { return h.ordered("a7") == 2 && h.board.Level("GPIO17") })
	for range 3 { // once more than was ordered
		h.press("GPIO27")
	}
	await(t, "nothing is left", func() bool { return h.ordered("a7") == 0 && !h.board.Level("GPIO17") })

	picked := make(map[string]int)
	for _, sku := range s.inventory(5) {
		picked[sku]++
	}
	if picked["A-7"] != 4 || picked["B-2"] != 1 || len(picked) != 2 {
		t.Errorf("the inventory was told of %v, picked were 4 of A-7 and 1 of B-2", picked)
	}
}
