package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A mutant is the gateway with one promise taken out of its code. What does not
// notice shows nothing.
type mutant struct {
	name  string
	file  string // of the tree
	edits []edit
	hunt  hunt
}

// edit is a text that stands exactly once in the file, and what takes its place.
type edit struct{ old, new string }

// hunt is what has to fail on a mutant: a test, or some faults of a torture.
type hunt struct {
	pkg, run string // of go test
	only     string // faults of these names
	faults   int
}

func (h hunt) String() string {
	if h.pkg != "" {
		return "go test -run " + h.run + " " + h.pkg
	}
	return fmt.Sprintf("torture, %d times %q", h.faults, h.only)
}

// mutants are what a careless hand could do to the code, each with who finds out.
var mutants = []mutant{
	{"source told before the sync", "gateway/journal/journal.go", []edit{{
		"	if done != nil {\n		p.waiters = append(p.waiters, waiter{r.Seq, done})\n		wake = wake || len(p.waiters) == stalledWaiters\n	}\n	j.mu.Unlock()\n",
		"	j.mu.Unlock()\n	if done != nil {\n		done(nil)\n	}\n"}},
		hunt{only: "kill the gateway", faults: 8}},
	{"returns not drained", "bridge/settle.go", []edit{{
		"		p.takeReturns() // the broker sends a message back before it confirms it\n", ""}},
		hunt{only: "unbind the queue", faults: 3}},
	{"no resync behind damage", "gateway/journal/walk.go", []edit{{
		"		w.skip()\n", "		w.off = w.end\n"}},
		hunt{only: "damage a record", faults: 10}},
	{"window not restarted from the cursor", "bridge/publisher.go", []edit{
		{"	after := p.sent\n", "	after := max(p.sent, everSent)\n"},
		{"func (p *publisher) send(m *message) error {\n	seq := m.seq\n	p.sent = seq\n",
			"var everSent uint64\n\nfunc (p *publisher) send(m *message) error {\n	seq := m.seq\n	p.sent, everSent = seq, seq\n"}},
		hunt{only: "cut within a frame", faults: 8}},
	{"cursor moved before the confirm", "bridge/publisher.go", []edit{{
		"	p.b.status.published.Add(1)\n", "	p.b.status.published.Add(1)\n	p.b.journal.Confirm(seq)\n"}},
		hunt{only: "reset", faults: 24}},
	{"checkpoint without its number", "gateway/hub/checkpoint.go", []edit{{
		"	return h.o.Journal.Last(), parts\n", "	return h.o.Journal.Durable(), parts\n"}},
		hunt{pkg: "./gateway/hub", run: "TestACheckpointHasItsNumber"}},
	{"no intent", "gateway/control/control.go", []edit{{
		"	if !wait {\n		c.hub.Accept(events, nil)\n		return\n	}\n",
		"	for _, j := range jobs {\n		j.waits = false\n		c.enqueue(j.cmd.ID)\n	}\n	if len(jobs) > 0 {\n		return\n	}\n"}},
		hunt{pkg: "./gateway/control", run: "TestKilled"}},
	{"acknowledged before it is done", "bridge/consumer.go", []edit{
		{"	b.status.received.Add(1)\n", "	b.status.received.Add(1)\n	_ = d.Ack(false)\n"},
		{"	return in.end(f, f.delivery.Ack(false))\n}\n\n// end counts", "	return in.end(f, nil)\n}\n\n// end counts"}},
		hunt{pkg: "./bridge", run: "TestRedelivered"}},
	{"ids in memory only", "gateway/control/fold.go", []edit{{
		"	f.ended.put(o, elapsed(ev))\n", ""}},
		hunt{pkg: "./gateway/control", run: "TestKilled"}},
	{"no deadline before the pin", "gateway/control/serve.go", []edit{{
		"	if expired(&j.cmd) {\n", "	if false {\n"}},
		hunt{pkg: "./gateway/control", run: "TestACommandExpiresInTheQueue"}},
}

// overlay writes the mutated file below dir, and the file that go build -overlay
// wants. It fails when the code is not as the mutant expects it.
func (m mutant) overlay(root, dir string) (string, error) {
	path := filepath.Join(root, filepath.FromSlash(m.file))
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	mutated := string(text)
	for _, e := range m.edits {
		if n := strings.Count(mutated, e.old); n != 1 {
			return "", fmt.Errorf("mutant %q: its text stands %d times in %s, expected once: write the mutant anew, so that it "+
				"takes the same promise out of the code of today:\n%s", m.name, n, m.file, e.old)
		}
		mutated = strings.Replace(mutated, e.old, e.new, 1)
	}
	changed := filepath.Join(dir, filepath.Base(m.file)+".mutant") // no package of the tree
	if err := os.WriteFile(changed, []byte(mutated), 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, list, 0o600)
}

// hunts lets each mutant be hunted. It fails when one gets away, or when what
// hunts it finds fault with the gateway as it is, too.
func (o options) hunts(ctx context.Context, b *brokers) error {
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	free := 0
	for _, m := range mutants {
		if !strings.Contains(m.name, o.only) {
			continue
		}
		dir := filepath.Join(o.dir, "mutant")
		if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
			return err
		}
		overlay, err := m.overlay(root, dir)
		if err != nil {
			return err
		}
		caught, how, err := o.caught(ctx, b, m, overlay)
		if err != nil {
			return fmt.Errorf("mutant %q: %w", m.name, err)
		}
		verdict := "caught"
		if !caught {
			verdict = "FREE  "
			free++
		}
		fmt.Printf("%s %-38s by %s: %s\n", verdict, m.name, m.hunt, how)
	}
	if free > 0 {
		return fmt.Errorf("%d mutants got away", free)
	}
	return nil
}

// caught lets one be hunted; how is the first sign of it.
func (o options) caught(ctx context.Context, b *brokers, m mutant, overlay string) (caught bool, how string, err error) {
	if m.hunt.pkg != "" {
		return test(ctx, m.hunt, overlay)
	}
	sane, how, err := o.try(ctx, b, m.hunt, o.hogar)
	if err != nil || !sane {
		return false, "", errors.Join(err, fmt.Errorf("the gateway as it is fails, too: %s", how))
	}
	program := filepath.Join(filepath.Dir(overlay), "hogar")
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", program, "./cmd/hogar")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return false, "", fmt.Errorf("build it: %w\n%s", err, out)
	}
	passed, how, err := o.try(ctx, b, m.hunt, program)
	return !passed, how, err
}

// huntPatience is enough for the few faults of a hunt, and finds out a mutant that
// has lost something in a fraction of the time.
const huntPatience = 30 * time.Second

// try is a short torture of a program.
func (o options) try(ctx context.Context, b *brokers, h hunt, program string) (passed bool, how string, err error) {
	o.hogar, o.only, o.faults, o.patience = program, h.only, h.faults, huntPatience
	res, err := o.torture(ctx, b, filepath.Join(o.dir, "hunt"), 1)
	if err != nil {
		return false, "", err
	}
	if res.verdict.passed() {
		return true, res.line(), nil
	}
	return false, res.verdict.complaints[0], nil
}

// test runs a test on the mutant. That it does not build is no catch.
func test(ctx context.Context, h hunt, overlay string) (caught bool, how string, err error) {
	if out, err := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-run", "^$", h.pkg).CombinedOutput(); err != nil {
		return false, "", fmt.Errorf("build it: %w\n%s", err, out)
	}
	out, err := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout=2m", "-overlay", overlay, "-run", "^"+h.run+"$", h.pkg).CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); failed {
		lines := strings.Split(string(out), "\n")
		i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "_test.go:") || strings.HasPrefix(l, "panic:") })
		return true, strings.TrimSpace(lines[max(0, i)]), nil
	}
	return false, "it passes", err
}
