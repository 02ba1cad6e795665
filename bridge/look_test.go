package bridge

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"
)

// deadQueue makes the queue dead of casa in an empty virtual host, with letters called 1 to n
// to an exchange that nobody listens to.
func deadQueue(t *testing.T, args amqp.Table, n int) (string, *client) {
	t.Helper()
	url := rabbit(t)
	c := dialClient(t, url)
	if _, err := c.ch.QueueDeclare("hogar.casa.dead", true, false, false, false, args); err != nil {
		t.Fatal(err)
	}
	if err := c.ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		confirm, err := c.ch.PublishWithDeferredConfirm("", "hogar.casa.dead", true, false, amqp.Publishing{MessageId: fmt.Sprint(i + 1),
			DeliveryMode: amqp.Persistent, Body: []byte("on"), Type: "text", Priority: 3, CorrelationId: "c", ReplyTo: "r", AppId: "a",
			Headers: amqp.Table{"hogar-reason": "rejected: never", "hogar-exchange": "amq.topic", "hogar-key": "nobody.listens", "CC": []any{"elsewhere"}}})
		if err != nil || !confirm.Wait() {
			t.Fatal(err)
		}
	}
	return url, c
}

func openDead(t *testing.T, url string) *DeadLetters {
	t.Helper()
	letters, err := OpenDead(t.Context(), Options{URLs: []string{url}, Gateway: "casa"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(letters.Close)
	return letters
}

// numbered fails unless list are the letters 1 to n in their order.
func numbered(t *testing.T, what string, list []Dead, n int) {
	t.Helper()
	var got, want []string
	for _, d := range list {
		got = append(got, d.ID)
	}
	for i := range n {
		want = append(want, fmt.Sprint(i+1))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("%s: %s", what, diff)
	}
}

// TestLooking lists the dead letters, shows one and redrives what no queue takes, HOGAR_LOOKS
// times: each letter stays, once and in its place. Quorum queues that were made without
// x-delivery-limit lose a letter on RabbitMQ 4 that is given back 21 times, and the order
// of more than 32 that are given back together on every version.
func TestLooking(t *testing.T) {
	t.Parallel()
	times := 25
	if n, err := strconv.Atoi(os.Getenv("HOGAR_LOOKS")); err == nil {
		times = n
	}
	for _, tc := range []struct {
		name    string
		args    amqp.Table
		letters int
		times   int
	}{
		{"classic", amqp.Table{"x-queue-type": "classic"}, 3, times},
		{"quorum", amqp.Table{"x-queue-type": "quorum"}, 3, times},
		{"quorum, many", amqp.Table{"x-queue-type": "quorum"}, 200, 6},
		{"quorum, full", amqp.Table{"x-queue-type": "quorum", "x-max-length": int64(40), "x-overflow": "drop-head"}, 40, 8},
		{"classic, full", amqp.Table{"x-queue-type": "classic", "x-max-length": int64(40), "x-overflow": "drop-head"}, 40, 8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			url, _ := deadQueue(t, tc.args, tc.letters)
			letters := openDead(t, url)
			for n := range tc.times {
				list, err := letters.List(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				numbered(t, fmt.Sprint("list ", n), list, tc.letters)
				id := fmt.Sprint(1 + n%tc.letters)
				if one, err := letters.Find(t.Context(), id); err != nil || one.ID != id || one.Body != "on" || one.Key != "nobody.listens" {
					t.Fatalf("show %d: %+v %v", n, one, err)
				}
				if sent, err := letters.Redrive(t.Context(), id); err == nil || len(sent) > 0 {
					t.Fatalf("redrive %d: %v %v", n, sent, err)
				}
			}
			list, err := openDead(t, url).List(t.Context()) // by another
			if err != nil {
				t.Fatal(err)
			}
			numbered(t, "in the end", list, tc.letters)
		})
	}
}

// TestLookingThatEndsEarly gives up each time in the midst of a pass, and once all are old there are still all.
func TestLookingThatEndsEarly(t *testing.T) {
	t.Parallel()
	url, _ := deadQueue(t, amqp.Table{"x-queue-type": "quorum"}, 5)
	letters := openDead(t, url)
	enough := fmt.Errorf("enough")
	for range 60 {
		seen := 0
		if err := letters.each(t.Context(), func(amqp.Delivery) (bool, error) {
			if seen++; seen == 3 {
				return false, enough
			}
			return false, nil
		}); err == nil {
			t.Fatal("it went on")
		}
	}
	list, err := letters.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b Dead) int { return cmp.Compare(a.ID, b.ID) }) // out of their places, then
	numbered(t, "in the end", list, 5)
}

// TestCopiedLetter is the same letter: what was in it goes along, and nothing goes elsewhere.
func TestCopiedLetter(t *testing.T) {
	t.Parallel()
	url, c := deadQueue(t, amqp.Table{"x-queue-type": "quorum"}, 1)
	c.bind("elsewhere", "amq.topic")
	letters := openDead(t, url)
	if !letters.copies {
		t.Skip("this RabbitMQ deletes nothing that is looked at")
	}
	for range tiredAfter + 2 {
		if _, err := letters.List(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	m := c.consume("hogar.casa.dead", 1)[0]
	if n, _ := m.Headers[givenBack].(int64); n > 2 {
		t.Errorf("it was given back %d times", n)
	}
	if m.MessageId != "1" || m.Type != "text" || m.Priority != 3 || m.CorrelationId != "c" || m.ReplyTo != "r" || m.AppId != "a" ||
		m.DeliveryMode != amqp.Persistent || string(m.Body) != "on" || m.Headers["hogar-key"] != "nobody.listens" {
		t.Errorf("%+v", m)
	}
	if n := waiting(t, c, "elsewhere"); n != 0 {
		t.Errorf("%d went elsewhere", n)
	}
}

// TestLookingWithoutRights takes nothing on a RabbitMQ on which a letter may have to be copied, where that is not allowed.
func TestLookingWithoutRights(t *testing.T) {
	t.Parallel()
	url, _ := deadQueue(t, amqp.Table{"x-queue-type": "quorum"}, 1)
	if major := majorOf(t); major < 4 {
		t.Skip("nothing that is looked at is deleted by RabbitMQ ", major)
	}
	addUser(t, "onlooker")
	permit(t, "onlooker", vhostOf(url), "^$", "^$", ".*")
	letters := openDead(t, "amqp://onlooker:secret@"+broker.Addr()+"/"+vhostOf(url))
	for range 30 {
		if _, err := letters.List(t.Context()); !hasCode(err, amqp.AccessRefused) {
			t.Fatal(err)
		}
	}
	list, err := openDead(t, url).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	numbered(t, "in the end", list, 1)
}
