package mqtt

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

func TestCommand(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	c, _ := connect(t, broker.address, &house{auto: always})
	if err := c.Set(t.Context(), "porch.lamp", "state", home.BooleanOf(true)); !errors.Is(err, ErrNotConnected) {
		t.Errorf("Set before Run = %v", err)
	}
	stop := run(t, c)
	connected(t, c)
	lamp := broker.client("lamp")
	got := make(chan string, 10)
	finish(t, lamp.Subscribe("porch/lamp/set", 1, func(_ paho.Client, m paho.Message) {
		got <- fmt.Sprintf("%s %d %v", m.Payload(), m.Qos(), m.Retained())
	}))
	for _, on := range []bool{true, false} {
		if err := c.Set(t.Context(), "porch.lamp", "state", home.BooleanOf(on)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"ON 1 false", "OFF 1 false"} {
		select {
		case s := <-got:
			if s != want {
				t.Errorf("the lamp was told %s, want %s", s, want)
			}
		case <-time.After(patience):
			t.Fatal("the lamp was told nothing")
		}
	}
	for name, err := range map[string]error{
		"device":   c.Set(t.Context(), "nobody", "state", home.BooleanOf(true)),
		"property": c.Set(t.Context(), "porch.lamp", "power", home.BooleanOf(true)),
		"sensor":   c.Set(t.Context(), "garden.soil", "moisture", home.NumberOf(1)),
		"value":    c.Set(t.Context(), "porch.lamp", "state", home.Toggle),
	} {
		if err == nil || errors.Is(err, ErrNotConnected) {
			t.Errorf("%s: %v, want it refused", name, err)
		}
	}
	stop()
	if err := c.Set(t.Context(), "porch.lamp", "state", home.BooleanOf(true)); !errors.Is(err, ErrNotConnected) {
		t.Errorf("Set after Run = %v", err)
	}
}

// A command whose acknowledgement does not come ends with its context, and is
// not sent again later.
func TestCommandGivesUp(t *testing.T) {
	broker := startMosquitto(t, "allow_anonymous true")
	c, _ := connect(t, broker.address, &house{auto: always})
	run(t, c)
	connected(t, c)
	_ = broker.process.Process.Signal(syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Set(ctx, "porch.lamp", "state", home.BooleanOf(true)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Set = %v, want the deadline", err)
	}
	broker.kill()
	eventually(t, "the loss", func() bool { return !c.Connected() })
	lamp := &house{}
	if !broker.start() {
		t.Fatal("mosquitto does not start again")
	}
	watcher := broker.client("lamp")
	finish(t, watcher.Subscribe("porch/lamp/set", 1, func(_ paho.Client, m paho.Message) {
		lamp.accept([]home.Event{{Value: home.TextOf(string(m.Payload()))}}, nil)
	}))
	connected(t, c)
	if err := c.Set(t.Context(), "porch.lamp", "state", home.BooleanOf(false)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second command", func() bool { return len(lamp.values()) > 0 })
	if diff := cmp.Diff([]string{"OFF"}, lamp.values()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}
