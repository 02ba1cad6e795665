package bridge

import (
	"context"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
)

// TestCarbonCopiesPassTopicRights measures what SECURITY.md says of RabbitMQ: before 4.0 topic rights
// are about the routing key alone; 4.0 refuses such a message. A message goes to the keys in its CC and BCC headers, too,
// whatever the sender may write. Who gets it sees the key that the sender was allowed, and so
// a gateway does not take such a copy for a command.
func TestCarbonCopiesPassTopicRights(t *testing.T) {
	t.Parallel()
	admin := rabbit(t)
	vhost := vhostOf(admin)
	lines, err := Users(Options{Gateway: "cortijo", URLs: []string{"amqp://guest@" + broker.Addr() + "/" + vhost}, Declare: true})
	if err != nil {
		t.Fatal(err)
	}
	orders := &door{}
	villa := runBridge(t, Options{URLs: []string{admin}, Gateway: "villa", Declare: true}, orders)
	villa.until("villa has its queues", func() bool { return villa.Status().Commands })
	obey(t, lines)
	conn, err := amqp.Dial(admin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare("readings", false, true, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := ch.QueueBind("readings", "villa.reading.#", "hogar", false, nil); err != nil {
		t.Fatal(err)
	}
	url := "amqp://cortijo-panel:secret@" + broker.Addr() + "/" + vhost
	send := func(key string, headers amqp.Table) error {
		return attempt(t, url, func(c *amqp.Channel) error {
			return c.PublishWithContext(context.Background(), "hogar", key, false, false, amqp.Publishing{Headers: headers, Body: []byte("on")})
		})
	}
	if err := send("villa.reading.a.x", nil); err == nil {
		t.Error("it may write the key itself")
	}
	checked := majorOf(t) >= 4
	for _, header := range []string{"CC", "BCC"} {
		err := send("cortijo.command.lamp.state", amqp.Table{header: []any{"villa.reading.a.x", "villa.command.lamp.state"}})
		if checked != hasCode(err, amqp.AccessRefused) {
			t.Errorf("%s: %v: it is not as SECURITY.md and docs/amqp.md say", header, err)
		}
		if err != nil {
			continue
		}
		d, ok, err := ch.Get("readings", true)
		if err != nil || !ok || d.RoutingKey != "cortijo.command.lamp.state" {
			t.Errorf("%s: readings got %q, %v, %v", header, d.RoutingKey, ok, err)
		}
	}
	villa.until("villa has refused both copies", func() bool {
		q, err := ch.QueueDeclarePassive("hogar.villa.dead", true, false, false, false, nil)
		return err == nil && (checked || q.Messages == 2)
	})
	if got := orders.commands(); len(got) != 0 {
		t.Errorf("villa has carried out %+v", got)
	}
}
