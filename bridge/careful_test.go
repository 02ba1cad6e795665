package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// actAsGateway makes the test binary a gateway that dies over every command or message with the
// word killer in it, as a fault of hogar or a lack of memory would have it.
const actAsGateway = "HOGAR_BRIDGE_ACT_AS_GATEWAY"

// deadly is the door and the house of that gateway.
type deadly struct{ done *os.File }

func (d deadly) Submit(c home.Command, done func(home.Outcome)) {
	text, _ := json.Marshal(c)
	if strings.Contains(string(text), "killer") {
		time.Sleep(50 * time.Millisecond) // the others of a crowd are in hand, too
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	fmt.Fprintln(d.done, c.ID)
	done(home.Outcome{ID: c.ID, Result: home.Applied})
}

func (d deadly) Refuse(c home.Command, problem, _ string, done func(home.Outcome)) {
	fmt.Fprintln(d.done, "refused", c.ID, problem)
	done(home.Outcome{ID: c.ID, Result: home.Rejected, Error: problem})
}

func (d deadly) accept(events []home.Event, done func(error)) {
	for _, ev := range events {
		if ev.Kind == home.KindMessage {
			d.Submit(home.Command{ID: ev.Message.ID}, func(home.Outcome) {})
		}
	}
	if done != nil {
		done(nil)
	}
}

// beGateway runs until it is killed, or standard input ends.
func beGateway(url, dir string) {
	file, err := os.OpenFile(filepath.Join(dir, "done"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{Sync: journal.OS})
	if err != nil {
		panic(err)
	}
	d := deadly{file}
	b := New(Options{URLs: []string{url}, Gateway: "casa", Declare: true, Accept: d.accept, Messages: []Source{{"shop", "#"}},
		Mark: filepath.Join(dir, "in-hand")}, j, d, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := b.Run(ctx); err != nil {
		panic(err)
	}
}

// TestKillsTwice: the process dies over a command or a message among others. What was in hand is taken one by
// one at the next start, and what kills once more, alone, is set aside: all others are served, and none twice
// but those that were in hand when it died.
func TestKillsTwice(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{"commands", "messages", "expired"} {
		t.Run(queue, func(t *testing.T) { killsTwice(t, queue) })
	}
}

func killsTwice(t *testing.T, queue string) {
	url, dir := rabbit(t), t.TempDir()
	c := dialClient(t, url)
	c.topic("shop")
	died := runDeadly(t, url, dir) // declares all, and ends in order
	if died.until("nothing", func() bool { return waitingIn(c, "hogar.casa."+queue) == 0 }); t.Failed() {
		return
	}
	died.stop()
	want := map[string]bool{}
	for i := range 21 {
		id := fmt.Sprint("good-", i)
		if i == 10 {
			id = "killer"
		} else {
			want[id] = true
		}
		msg := amqp.Publishing{MessageId: id, Body: []byte("on"), DeliveryMode: amqp.Persistent}
		switch queue {
		case "commands":
			c.publish("hogar", "casa.command.hall.lamp.state", msg)
		case "expired":
			msg.Expiration = "1"
			c.publish("hogar", "casa.command.hall.lamp.state", msg)
		default:
			c.publish("shop", "order", msg)
		}
	}
	until(t, "all wait", func() bool { return waitingIn(c, "hogar.casa."+queue) == 21 })
	starts := 0
	for alive := false; !alive; starts++ {
		if starts == 5 {
			t.Fatal("it dies without end")
		}
		g := runDeadly(t, url, dir)
		alive = g.until("all are served", func() bool { return waitingIn(c, "hogar.casa."+queue) == 0 && waitingIn(c, "hogar.casa.dead") > 0 })
		g.stop()
	}
	if starts != 3 {
		t.Errorf("%d starts until it lives; the third should", starts)
	}
	text, err := os.ReadFile(filepath.Join(dir, "done"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if id := strings.TrimSpace(line); strings.HasPrefix(id, "good-") {
			got[id] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("served (-want +got):\n%s", diff)
	}
	dead := c.consume("hogar.casa.dead", 1)[0]
	if reason, _ := dead.Headers["hogar-reason"].(string); dead.MessageId != "killer" || !strings.Contains(reason, "died twice") {
		t.Errorf("set aside: %s, %v", dead.MessageId, dead.Headers)
	}
	if _, err := os.Stat(filepath.Join(dir, "in-hand")); err == nil {
		t.Error("the mark is left, though it has ended in order")
	}
}

func waitingIn(c *client, queue string) int {
	ch, err := c.conn.Channel()
	if err != nil {
		return -1
	}
	defer ch.Close()
	q, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
	if err != nil {
		return -1
	}
	return q.Messages
}

// mortal is a gateway that runs as a process.
type mortal struct {
	t    *testing.T
	stop func()
	done chan struct{}
}

func runDeadly(t *testing.T, url, dir string) *mortal {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), actAsGateway+"="+url+" "+dir)
	said := &lines{}
	cmd.Stderr = said
	leash, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &mortal{t: t, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		_ = cmd.Wait() // it may have been killed
	}()
	m.stop = func() {
		_ = leash.Close()
		select {
		case <-m.done:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-m.done
			t.Error("it did not end")
		}
		if t.Failed() {
			t.Log(said.String())
		}
	}
	t.Cleanup(m.stop)
	return m
}

// until reports whether a condition came before the process died.
func (m *mortal) until(what string, is func() bool) bool {
	m.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		select {
		case <-m.done:
			return false
		default:
		}
		if time.Now().After(deadline) {
			m.t.Errorf("not within 30 s: %s", what)
			return true
		}
	}
	return true
}
