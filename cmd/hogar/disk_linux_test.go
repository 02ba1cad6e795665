package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hogar/gateway/home"
)

// fills lets no file of the process grow, as a full disk would, until the returned
// function is called.
func fills(t *testing.T, g *gate) (makeRoom func()) {
	t.Helper()
	var before unix.Rlimit
	limit := func(to, old *unix.Rlimit) {
		if err := unix.Prlimit(g.cmd.Process.Pid, unix.RLIMIT_FSIZE, to, old); err != nil {
			t.Fatal(err)
		}
	}
	limit(nil, &before)
	limit(&unix.Rlimit{Cur: 0, Max: before.Max}, nil)
	return func() { limit(&before, nil) }
}

// A disk that is full refuses, and the house goes on: what it could not record is
// counted as refused, and when there is room it records again without a restart.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	g := newGate(t, house("full", 2), "--amqp", "amqp://127.0.0.1:1", "--speed", "5")
	g.run()
	makeRoom := fills(t, g)
	until(t, "the journal says that it is full", func() bool { return strings.Contains(g.status().Journal.Error, "file too large") })
	refused := func() uint64 { return outboxOf(t, g).Ledger.All.Refused["full"] }
	until(t, "readings are refused", func() bool { return refused() > 10 })
	if o, err := g.Command(t.Context(), home.Command{Device: "hall.lamp", Set: home.Settings{{Property: "state", Value: on}}}); err != nil || o.Result != home.Applied {
		t.Errorf("a command: %+v %v", o, err)
	}
	makeRoom()
	until(t, "the journal takes records again", func() bool { return g.status().Journal.Error == "" })
	waiting, were := g.status().Journal.Waiting, refused()
	until(t, "records are added", func() bool { return g.status().Journal.Waiting > waiting+10 })
	o := outboxOf(t, g)
	if n := o.Ledger.All.Refused["full"]; n > were+10 {
		t.Errorf("%d were refused after that", n-were)
	}
	if s, a := o.Ledger.All.Missing(); s != 0 || a != 0 {
		t.Errorf("the ledger does not add up: %d, %d: %+v", s, a, o.Ledger)
	}
	if code, _ := g.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A disk that has refused everything for half a minute ends the gateway where that
// is configured; elsewhere it waits, and records again when the disk is back.
func TestADeadDisk(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, when string
		code       int
	}{{"ends", "exit", 75}, {"waits", "go_on", 0}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			yaml := strings.Replace(house("dead", 2), "journal: {", "journal: {when_dead: "+tc.when+", ", 1)
			g := newGate(t, yaml, "--amqp", "amqp://127.0.0.1:1", "--speed", "5")
			g.run()
			makeRoom := fills(t, g) // what is open is no use any more, and nothing else can be opened
			if err := os.Rename(g.journal(), g.journal()+".gone"); err != nil {
				t.Fatal(err)
			}
			until(t, "the disk is dead", func() bool { return strings.Contains(g.status().Journal.Error, "no such file") })
			if tc.code != 0 {
				select {
				case <-g.done:
				case <-time.After(patience + 30*time.Second):
					t.Fatal("it goes on")
				}
			} else {
				if err := os.Rename(g.journal()+".gone", g.journal()); err != nil {
					t.Fatal(err)
				}
				makeRoom()
				until(t, "it records again", func() bool { return g.status().Journal.Error == "" })
				g.stop()
			}
			if got := g.cmd.ProcessState.ExitCode(); got != tc.code {
				t.Errorf("exit code %d, want %d", got, tc.code)
			}
		})
	}
}
