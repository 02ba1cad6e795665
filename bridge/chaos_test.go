package bridge

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"hogar/bridge/chaos"
	"hogar/gateway/home"
)

// chaotic is a bridge that talks to the broker through a proxy, while readings come.
type chaotic struct {
	*house
	proxy  *chaos.Proxy
	direct string // the broker without the proxy
	n      int    // readings that are appended
}

const chaosReadings = 600

// underChaos starts a bridge and a stream of readings over six seconds at most.
func underChaos(t *testing.T) *chaotic {
	t.Helper()
	c := &chaotic{direct: rabbit(t), n: chaosReadings}
	p, err := chaos.New(broker.Addr(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	c.proxy = p
	through := strings.Replace(c.direct, broker.Addr(), p.Addr(), 1)
	c.house = runBridge(t, Options{URLs: []string{through}, Declare: true, History: "classic", Coalesce: true}, &door{})
	c.until("working", func() bool { return c.Status().Connected && c.Status().Commands })
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := range c.n {
			if err := appendEvent(c.journal, home.Event{Kind: home.KindReading, Device: "a", Property: "x", Value: home.NumberOf(float64(i)),
				DSeq: uint64(i + 1), Flags: home.FlagPublished}); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-ended })
	c.flows()
	return c
}

// flows waits until readings arrive anew.
func (c *chaotic) flows() {
	c.t.Helper()
	from := c.journal.Cursor()
	c.until("readings flow", func() bool { return c.journal.Cursor() > from || c.journal.Cursor() == uint64(c.n) })
}

// breaks waits until the loss of the connection is noticed.
func (c *chaotic) breaks() {
	c.t.Helper()
	c.until("the loss is noticed", func() bool { return !c.Status().Connected })
}

// survives wants all readings in the history, in order, and commands to work.
func (c *chaotic) survives() {
	c.t.Helper()
	c.until("all is confirmed", func() bool { return c.journal.Cursor() == uint64(c.n) })
	c.until("all works", func() bool { return c.Status().Commands && c.Status().Error == "" })
	cl := dialClient(c.t, c.direct)
	checkReadings(c.t.(*testing.T), cl.consume("hogar.history", waiting(c.t.(*testing.T), cl, "hogar.history")), c.journal.ID(), c.n, true)
	talk, err := Connect(c.t.Context(), c.direct, "", "casa")
	if err != nil {
		c.t.Fatal(err)
	}
	defer talk.Close()
	c.until("a command is obeyed", func() bool { // what was sent into the last of the broken connections is lost, and no wonder
		ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Second)
		defer cancel()
		o, err := talk.Now(ctx, home.Command{Device: "a", Set: home.Settings{{Property: "state", Value: home.TextOf("on")}}})
		return err == nil && o.Result == home.Applied
	})
}

// TestZeroWindow has a broker that reads nothing any more (fault F3).
func TestZeroWindow(t *testing.T) {
	t.Parallel()
	c := underChaos(t)
	c.proxy.Stall(chaos.Up, true)
	c.breaks()
	c.proxy.Heal()
	c.survives()
}

// TestReset breaks the connections off at random bytes, within frames and
// without (fault F4).
func TestReset(t *testing.T) {
	t.Parallel()
	c, random := underChaos(t), rand.New(rand.NewPCG(1, 2))
	for i := range 6 {
		c.proxy.CutAfter(chaos.Way(i%2), random.Int64N(3000))
		c.until("the loss is noticed, or made good already", func() bool { return !c.Status().Connected || c.journal.Cursor() == uint64(c.n) })
		c.flows()
	}
	c.proxy.Reset()
	c.proxy.Heal()
	c.survives()
}

// TestCut ends the connections in order, and refuses new ones for a while (fault F4).
func TestCut(t *testing.T) {
	t.Parallel()
	c := underChaos(t)
	c.proxy.Refuse(true)
	c.proxy.Cut()
	c.breaks()
	c.proxy.Heal()
	c.survives()
}

// TestHalfOpen swallows what is sent one way, or both (fault F5). What the bridge
// does not hear of it notices within one and a half heartbeats; what the broker
// does not hear of, the broker does, within three.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ways []chaos.Way
		most float64 // heartbeats
	}{
		"both": {[]chaos.Way{chaos.Up, chaos.Down}, 1.5},
		"down": {[]chaos.Way{chaos.Down}, 1.5},
		"up":   {[]chaos.Way{chaos.Up}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := underChaos(t)
			began := time.Now()
			for _, w := range tc.ways {
				c.proxy.Drop(w, true)
			}
			c.breaks()
			const slack = 700 * time.Millisecond // of a busy machine, and to give up the connection
			if took, most := time.Since(began), time.Duration(tc.most*float64(c.times.heartbeat))+slack; took > most {
				t.Errorf("noticed after %s, want %s", took, most)
			}
			c.proxy.Reset()
			c.proxy.Heal()
			c.survives()
		})
	}
}

// TestSlow has a long and a narrow way (fault F6).
func TestSlow(t *testing.T) {
	t.Parallel()
	c := underChaos(t)
	for _, w := range []chaos.Way{chaos.Up, chaos.Down} {
		c.proxy.Delay(w, 100*time.Millisecond, 100*time.Millisecond)
	}
	c.flows()
	c.proxy.Throttle(chaos.Up, 8000)
	c.flows()
	connected := c.Status().Since
	c.proxy.Heal()
	c.survives()
	if again := c.Status().Since; !again.Equal(connected) {
		t.Error("a slow way made it connect anew")
	}
}

// TestCorrupt changes single bits of what the broker answers. (What it is sent has
// no checksum in AMQP: that is TLS's.)
func TestCorrupt(t *testing.T) {
	t.Parallel()
	c, random := underChaos(t), rand.New(rand.NewPCG(3, 4))
	for range 4 {
		c.proxy.Corrupt(chaos.Down, random.Int64N(100))
		c.flows()
	}
	c.proxy.Heal()
	c.survives()
}

// TestExchangeDeleted deletes the exchange, and with it all bindings (fault F9).
func TestExchangeDeleted(t *testing.T) {
	t.Parallel()
	c := underChaos(t)
	cl := dialClient(t, c.direct)
	for range 3 {
		if err := cl.ch.ExchangeDelete("hogar", false, false); err != nil {
			t.Fatal(err)
		}
		c.flows()
	}
	c.survives()
}

// TestExchangeMissing has an operator who owns the exchange, and deletes it: all is
// kept until he makes it again (fault F9).
func TestExchangeMissing(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true}, &door{})
	h.until("working", func() bool { return h.Status().Connected && h.Status().Commands })
	h.stop()
	h = runOn(t, Options{URLs: []string{h.url}}, &door{}, openJournal(t))
	h.until("working", func() bool { return h.Status().Connected && h.Status().Commands })
	cl := dialClient(t, h.url)
	if err := cl.ch.ExchangeDelete("hogar", false, false); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		h.reading("a", "x", uint64(i+1))
	}
	h.until("it is told", func() bool { return strings.Contains(h.Status().Error, "exchange hogar does not exist") })
	if err := cl.ch.ExchangeDeclare("hogar", "topic", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	h.until("it is told that nothing is bound", func() bool { return strings.Contains(h.Status().Held, "no queue takes it") })
	cl.bind("reader", "hogar", "casa.#")
	checkReadings(t, cl.consume("reader", 50), h.journal.ID(), 50, false)
	h.until("all is confirmed", func() bool { return h.journal.Cursor() == 50 && h.Status().SetAside == 0 })
}

// TestRightsRevoked takes the user's rights while it publishes, and gives them
// back (fault F10).
func TestRightsRevoked(t *testing.T) {
	t.Parallel()
	url := rabbit(t)
	addUser(t, "revoked")
	all := func(regexp string) { permit(t, "revoked", vhostOf(url), regexp, regexp, regexp) }
	all(".*")
	h := runBridge(t, Options{URLs: []string{"amqp://revoked:secret@" + broker.Addr() + "/" + vhostOf(url)}, Declare: true}, &door{})
	h.reading("a", "x", 1)
	h.until("working", func() bool { return h.journal.Cursor() == 1 && h.Status().Commands })
	all("^$")
	closeAll(t, url)
	for i := range 50 {
		h.reading("a", "x", uint64(i+2))
	}
	h.until("it is told how to grant them", func() bool { return strings.Contains(h.Status().Error, "rabbitmqctl set_permissions") })
	all(".*")
	h.until("all is confirmed", func() bool { return h.journal.Cursor() == 51 && h.Status().Commands && h.Status().Error == "" })
	if st := h.Status(); st.SetAside != 0 || st.Dropped != 0 {
		t.Errorf("status %+v", st)
	}
}

// TestAlarms has a broker short of memory, then of disk space: the connection
// stays, readings wait, and commands are obeyed (faults F7 and F8).
func TestAlarms(t *testing.T) {
	heal := func() {
		watermark(t, "{absolute, 400000000}")
		eval(t, "rabbit_disk_monitor:set_disk_free_limit(50000000).")
	}
	t.Cleanup(heal)
	for name, alarm := range map[string]func(){
		"memory": func() { watermark(t, "0.00000001") },
		"disk":   func() { eval(t, `ok = rabbit_disk_monitor:set_disk_free_limit("1000GB").`) },
	} {
		t.Run(name, func(t *testing.T) {
			h := runBridge(t, Options{Declare: true, Names: names{"hall.lamp"}}, &door{})
			h.until("working", func() bool { return h.Status().Connected && h.Status().Commands })
			since := h.Status().Since
			c, err := Connect(t.Context(), h.url, "", "casa")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			cmd := home.Command{ID: "before", Device: "hall.lamp", Set: home.Settings{{Property: "state", Value: home.TextOf("on")}}}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if o, err := c.Now(ctx, cmd); err != nil || o.Result != home.Applied {
				t.Fatal(o, err)
			}
			alarm()
			h.until("blocked", func() bool {
				h.reading("a", "x", 1) // the broker tells it when somebody publishes
				time.Sleep(10 * time.Millisecond)
				return h.Status().Blocked != ""
			})
			if st := h.Status(); !st.Connected || !st.Commands {
				t.Errorf("status %+v: a blocked connection is still one", st)
			}
			heal()
			h.until("all is confirmed", func() bool { return h.Status().Blocked == "" && h.journal.Cursor() == h.journal.Durable() })
			if again := h.Status().Since; !again.Equal(since) {
				t.Error("it connected anew")
			}
		})
	}
}
