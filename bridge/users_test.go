package bridge

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// obey types the lines of an operator, with the password secret.
func obey(t *testing.T, lines []string) {
	t.Helper()
	for _, line := range lines {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words, err := exec.CommandContext(t.Context(), "sh", "-c", `set -- `+line+`; printf '%s\n' "$@"`).Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		args := strings.Split(strings.TrimSuffix(string(words), "\n"), "\n")[1:]
		if args[0] == "add_user" {
			args = append(args, "secret")
		}
		ctl(t, args...)
	}
}

// TestLeastRights lives with the rights that Users prints, in both modes, and tries
// what they must not allow.
func TestLeastRights(t *testing.T) {
	t.Parallel()
	admin := rabbit(t)
	vhost := vhostOf(admin)
	at := func(user string) string { return "amqp://" + user + ":secret@" + broker.Addr() + "/" + vhost }
	villa := runBridge(t, Options{URLs: []string{admin}, Gateway: "villa", Declare: true}, &door{})
	villa.until("villa has its queues", func() bool { return villa.Status().Commands })
	for _, declare := range []bool{true, false} {
		lines, err := Users(Options{Gateway: "finca", URLs: []string{"amqp://guest@" + broker.Addr() + "/" + vhost}, Declare: declare})
		if err != nil {
			t.Fatal(err)
		}
		if !declare { // the gateway's own rights change, and nothing else
			lines = lines[2:slices.Index(lines, "")]
		}
		obey(t, lines)
		h := runBridge(t, Options{URLs: []string{at("finca")}, Gateway: "finca", Declare: declare}, &door{})
		h.until("finca works with its rights", func() bool { s := h.Status(); return s.Connected && s.Commands && s.Error == "" })
		h.reading("a", "x", 1)
		h.until("the reading is confirmed", func() bool { return h.journal.Cursor() == 1 })
		h.stop()
		forbidden(t, at("finca"), "finca", "villa")
	}
	for user, allowed := range map[string]bool{"finca-panel": true, "finca-reader": false} {
		err := attempt(t, at(user), func(ch *amqp.Channel) error {
			return ch.PublishWithContext(context.Background(), "hogar", "finca.command.lamp", false, false, amqp.Publishing{UserId: user})
		})
		if (err == nil) != allowed {
			t.Errorf("a command of %s: %v", user, err)
		}
		err = attempt(t, at(user), func(ch *amqp.Channel) error {
			if _, err := ch.QueueDeclare(user+".live", false, true, false, false, nil); err != nil {
				return err
			}
			return ch.QueueBind(user+".live", "finca.reading.#", "hogar", false, nil)
		})
		if err != nil {
			t.Errorf("%s cannot read: %v", user, err)
		}
	}
}

// forbidden tries, as a gateway, what would harm another one.
func forbidden(t *testing.T, url, me, other string) {
	t.Helper()
	publish := func(exchange, key, user string) func(*amqp.Channel) error {
		return func(ch *amqp.Channel) error {
			return ch.PublishWithContext(context.Background(), exchange, key, false, false, amqp.Publishing{UserId: user})
		}
	}
	for what, one := range map[string]struct {
		code int
		try  func(*amqp.Channel) error
	}{
		"write another's readings": {amqp.AccessRefused, publish("hogar", other+".reading.a.x", "")},
		"send a command":           {amqp.AccessRefused, publish("hogar", other+".command.lamp", "")},
		"send a command now":       {amqp.AccessRefused, publish("hogar.now", other+".lamp", "")},
		"command itself":           {amqp.AccessRefused, publish("hogar", me+".command.lamp", "")},
		"say that it is another":   {amqp.PreconditionFailed, publish("hogar", me+".reading.a.x", other)},
		"read another's commands":  {amqp.AccessRefused, consume("hogar." + other + ".commands")},
		"read another's refused":   {amqp.AccessRefused, consume("hogar." + other + ".dead")},
		"read everybody's history": {amqp.AccessRefused, consume("hogar.history")},
		"delete another's commands": {amqp.AccessRefused, func(ch *amqp.Channel) error {
			_, err := ch.QueueDelete("hogar."+other+".commands", false, false, false)
			return err
		}},
		"delete the exchange's name": {amqp.AccessRefused, func(ch *amqp.Channel) error { return ch.ExchangeDelete("amq.topic", false, false) }},
		"listen to another": {amqp.AccessRefused, func(ch *amqp.Channel) error {
			return ch.QueueBind("hogar."+me+".dead", other+".reading.#", "hogar", false, nil)
		}},
	} {
		err := attempt(t, url, one.try)
		if e, ok := err.(*amqp.Error); !ok || e.Code != one.code {
			t.Errorf("%s can %s: %v, want code %d", me, what, err, one.code)
		}
	}
}

func consume(queue string) func(*amqp.Channel) error {
	return func(ch *amqp.Channel) error {
		_, err := ch.Consume(queue, "", false, false, false, false, nil)
		return err
	}
}

// attempt does one thing on a connection of its own, and returns why the broker closed it.
func attempt(t *testing.T, url string, do func(*amqp.Channel) error) error {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	confirms := ch.NotifyPublish(make(chan amqp.Confirmation, 1))
	if err := do(ch); err != nil {
		return err
	}
	if ch.GetNextPublishSeqNo() == 1 { // nothing was published
		return nil
	}
	select {
	case why := <-closed:
		return why
	case _, confirmed := <-confirms:
		if confirmed {
			return nil
		}
		why, told := <-closed // which was told before the confirms ended
		if !told {
			t.Fatal("the channel is closed, and the broker does not say why")
		}
		return why
	case <-time.After(time.Minute):
		t.Fatal("the broker says nothing")
		return nil
	}
}
