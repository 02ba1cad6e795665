package control

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hogar/gateway/home"
)

// Commands that are refused before they could act use up nothing, however many there are.
func TestRefusedIDsAreNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lamp{}
		door, h := house(t, l)
		past := time.Now().Add(-time.Second)
		refused := func(id string) []home.Command {
			return []home.Command{
				{ID: id + "-device", Source: "amqp:mallory", Device: "no.lamp", Set: set("state", "on")},
				{ID: id + "-value", Source: "amqp:mallory", Device: "hall.lamp", Set: set("state", "maybe")},
				{ID: id + "-late", Source: "amqp:mallory", Device: "hall.lamp", Set: set("state", "on"), Deadline: past},
				{ID: id + "-group", Source: "amqp:mallory", Device: "lamps", Set: set("color", "red")},
			}
		}
		door.house.Groups = map[string][]string{"lamps": {"hall.lamp"}}
		for i := range 6_000 {
			for _, cmd := range refused(fmt.Sprint(i)) {
				if o := submit(t, door, cmd); o.Result.OK() {
					t.Fatalf("%+v", o)
				}
			}
			door.Refuse(home.Command{ID: fmt.Sprint(i, "-body"), Source: "amqp:mallory"}, "the body is empty", "", nil)
			h.records, h.kinds = nil, nil
		}
		for _, source := range []string{"amqp:mallory", "amqp:app", ""} {
			if o := submit(t, door, home.Command{ID: "1-value" + source[min(len(source), 5):], Source: source, Device: "hall.lamp", Set: set("state", "on")}); o.Result != home.Applied {
				t.Errorf("%s: %+v", source, o)
			}
		}
		if n := len(door.fold.ended.list); n != 3 {
			t.Errorf("%d outcomes are remembered", n)
		}
		if len(door.pending) != 0 || len(door.inHand) != 0 {
			t.Errorf("%d commands are pending, of %d senders", len(door.pending), len(door.inHand))
		}
	})
}

// Who sends refused commands with another's ids, before and while the other uses them,
// keeps him from nothing.
func TestRefusedCommandsTakeNobodysID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lamp{}
		door, h := house(t, l)
		h.slow = true // nothing becomes durable
		got := make(map[string]home.Result)
		squat := func() {
			door.Submit(home.Command{ID: "night-1", Source: "amqp:mallory", Device: "hall.lamp", Set: set("state", "maybe")}, nil)
			door.Refuse(home.Command{ID: "night-1", Source: "amqp:mallory", Device: "hall.lamp"}, "the body is empty", "", nil)
		}
		squat()
		door.Submit(home.Command{ID: "night-1", Source: "amqp:app", Device: "hall.lamp", Set: set("state", "on")},
			func(o home.Outcome) { got["first"] = o.Result })
		squat()
		synctest.Wait()
		h.sync()
		synctest.Wait()
		h.sync()
		h.slow = false
		squat()
		got["again"] = submit(t, door, home.Command{ID: "night-1", Source: "amqp:app", Device: "hall.lamp", Set: set("state", "on")}).Result
		if got["first"] != home.Applied || got["again"] != home.Applied || len(l.seen()) != 1 {
			t.Errorf("receipts %v, the lamp was set %v", got, l.seen())
		}
	})
}

// Whatever other senders do, over checkpoints, what acted under an id is answered with its receipt for
// a day and does not act again; and who has not used up a share of its own is never refused.
func TestAnIDThatActedIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lamp{}
		door, h := house(t, l)
		random := rand.New(rand.NewPCG(1, 2))
		type used struct {
			at    time.Time
			value string
		}
		mine, acted, most := make(map[string]used), 0, 0
		begin := time.Now()
		for n := 0; time.Since(begin) < 30*time.Hour; n++ {
			for i := range 800 { // two that flood, one with what is carried out, one with what is not
				cmd := home.Command{ID: fmt.Sprint(n, "/", i), Source: "amqp:flood", Device: "hall.lamp", Set: set("brightness", i%100)}
				if i%2 == 0 {
					cmd.Source, cmd.Set = "amqp:nonsense", set("state", "maybe")
				}
				door.Submit(cmd, nil)
			}
			id, value := fmt.Sprint("mine-", n), []string{"on", "off"}[random.IntN(2)]
			before := count(l, "state=")
			if o := submit(t, door, home.Command{ID: id, Source: "amqp:app", Device: "hall.lamp", Set: set("state", value)}); o.Result != home.Applied {
				t.Fatalf("%s: %+v", id, o)
			}
			if acted = count(l, "state="); acted != before+1 {
				t.Fatalf("%s did not act", id)
			}
			mine[id] = used{time.Now(), value}
			most = max(most, door.fold.ended.of("amqp:flood", time.Now()).of)
			for id, u := range mine {
				if time.Since(u.at) > rememberFor {
					delete(mine, id)
				} else if o := submit(t, door, home.Command{ID: id, Source: "amqp:app", Device: "hall.lamp", Set: set("state", u.value)}); o.Result != home.Applied {
					t.Fatalf("%s after %s: %+v", id, time.Since(u.at), o)
				}
			}
			if now := count(l, "state="); now != acted {
				t.Fatalf("an id acted again")
			}
			h.records, h.kinds = nil, nil
			if n%20 == 19 {
				saved, err := door.Save()
				if err != nil || len(saved) > 6_000_000 {
					t.Fatalf("a checkpoint of %d bytes: %v", len(saved), err)
				}
				if err := door.Restore(saved); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(20 * time.Minute)
			synctest.Wait()
		}
		if most != rememberMax {
			t.Errorf("%d outcomes of who floods were remembered", most)
		}
	})
}

// count says how often the lamp was set so.
func count(l *lamp, prefix string) (n int) {
	for _, s := range l.seen() {
		if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
			n++
		}
	}
	return n
}

// A checkpoint of a release before this one, in which nobody has a share, is taken with all that
// it remembers.
func TestSharesOfAnOldCheckpoint(t *testing.T) {
	door, _ := house(t, &lamp{})
	old := newMemory()
	for i := range rememberMax + 5_000 {
		old.put(&home.Outcome{ID: fmt.Sprint(i), Source: "amqp:mallory", Device: "hall.lamp", Set: set("state", true), Result: home.Applied}, time.Now())
	}
	saved := append(appendEnded([]byte(`{"open":[],"order":1,"shown":{}`), old.list), '}')
	if err := door.Restore(saved); err != nil {
		t.Fatal(err)
	}
	o := submit(t, door, home.Command{ID: "24999", Source: "amqp:mallory", Device: "hall.lamp", Set: set("state", true)})
	if o.Result != home.Applied || o.ID != "24999" {
		t.Errorf("what it remembers: %+v", o)
	}
	if o := submit(t, door, home.Command{ID: "new", Source: "amqp:mallory", Device: "hall.lamp", Set: set("state", true)}); o.Result != home.Rejected {
		t.Errorf("a new one of who has used up its share: %+v", o)
	}
	if o := submit(t, door, home.Command{ID: "new", Source: "amqp:app", Device: "hall.lamp", Set: set("state", true)}); o.Result != home.Applied {
		t.Errorf("a new one of another: %+v", o)
	}
}

// Long texts use up their sender's room, and nobody else's.
func TestLongReceiptsAreBounded(t *testing.T) {
	l := &lamp{}
	door, h := house(t, l)
	big, refused := 0, 0
	for i := range 200 {
		cmd := home.Command{ID: fmt.Sprint(i), Source: "amqp:flood", Device: "hall.lamp", Set: set("state", "on"), Reason: fmt.Sprint(i, strings.Repeat("x", 60_000))}
		if o := submit(t, door, cmd); o.Result == home.Applied {
			big++
		} else {
			refused++
		}
		h.records, h.kinds = nil, nil
	}
	saved, err := door.Save()
	if err != nil || big*60_000 > rememberBytes+60_000 || refused == 0 || len(saved) > rememberBytes+200_000 {
		t.Errorf("%d taken, %d refused, a checkpoint of %d bytes: %v", big, refused, len(saved), err)
	}
	if o := submit(t, door, home.Command{ID: "mine", Source: "amqp:app", Device: "hall.lamp", Set: set("state", "off")}); o.Result != home.Applied {
		t.Errorf("another sender: %+v", o)
	}
}
