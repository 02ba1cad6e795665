package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"hogar/systemd"
)

// permitted are the system calls that a unit lets a program make, as systemd reads it
// (systemd.exec(5), SystemCallFilter=): the first list says what is allowed, the next ones add and take
// away; ProtectClock=yes takes those of @clock in any case.
func permitted(t *testing.T, unit string) map[string]bool {
	t.Helper()
	allowed := make(map[string]bool)
	var expand func(name string, allow bool)
	expand = func(name string, allow bool) {
		if !strings.HasPrefix(name, "@") {
			allowed[name] = allow
			return
		}
		out, err := exec.Command("systemd-analyze", "syscall-filter", name).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for line := range strings.Lines(string(out)) {
			if line = strings.TrimSpace(line); line != "" && line != name && !strings.HasPrefix(line, "#") {
				expand(line, allow)
			}
		}
	}
	clock := false
	for line := range strings.Lines(unit) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "ProtectClock" {
			clock = value == "yes"
		} else if key == "SystemCallFilter" {
			rest, taken := strings.CutPrefix(value, "~")
			for name := range strings.FieldsSeq(rest) {
				expand(name, !taken)
			}
		}
	}
	if clock {
		expand("@clock", false)
	}
	return allowed
}

// calls runs a house on the real machine until it has a page and waits for RabbitMQ, and
// returns the system calls that it made.
func calls(t *testing.T, strace string) map[string]bool {
	t.Helper()
	g := newGate(t, `gateway: casa
journal: {path: ./journal, sync: always}
web: {listen: "127.0.0.1:0"}
rules: {beat: {when: {every: 1s}, do: [{log: beat}]}}
`)
	table := filepath.Join(g.dir, "calls")
	var log lines
	cmd := hogar(g.dir, "-f", "-c", "-o", table, os.Args[0], "run", "--config", g.config(), "--socket", g.socket, "--amqp", "amqp://127.0.0.1:1")
	cmd.Path, cmd.Args[0] = strace, "strace"
	cmd.Stderr, cmd.SysProcAttr = &log, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
	until(t, "the house works", func() bool {
		_, out, _ := called(t, "rule", "list", "--socket", g.socket)
		return strings.Contains(out, "ended") && strings.Contains(log.String(), "the page is served") && strings.Contains(log.String(), "connection refused")
	})
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	made := make(map[string]bool)
	for line := range bytes.Lines(text) {
		if f := strings.Fields(string(line)); len(f) >= 4 && f[0][0] >= '0' && f[0][0] <= '9' && f[len(f)-1] != "total" {
			made[f[len(f)-1]] = true
		}
	}
	return made
}

// TestTheUnitPermitsWhatIsCalled holds the filter of the unit against what the program calls: it
// may do all but ask the kernel for the state of its clock, for which it has other ways; and
// that, too, with the drop-in of a machine that has no other way. Neither may set the clock.
func TestTheUnitPermitsWhatIsCalled(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err == nil {
		_, err = exec.LookPath("systemd-analyze")
	}
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(err, " (apt-get install strace systemd)")
	} else if err != nil {
		t.Fatal(err)
	}
	unit, err := os.ReadFile("../../systemd/hogar.service")
	if err != nil {
		t.Fatal(err)
	}
	made := calls(t, strace)
	if len(made) < 30 || !made["epoll_pwait"] || !made["adjtimex"] {
		t.Fatalf("strace saw no gateway at work: %v", slices.Sorted(maps.Keys(made)))
	}
	for what, c := range map[string]struct {
		text string
		want []string
	}{
		"the unit":            {string(unit), []string{"adjtimex"}},
		"the usual drop-in":   {string(unit) + systemd.DropIn(systemd.Needs{}), []string{"adjtimex"}},
		"with the question":   {string(unit) + systemd.DropIn(systemd.Needs{KernelClock: true}), nil},
		"services in general": {"SystemCallFilter=@system-service\n", []string{"adjtimex"}},
	} {
		may := permitted(t, c.text)
		var kept []string
		for call := range made {
			if !may[call] {
				kept = append(kept, call)
			}
		}
		if slices.Sort(kept); !slices.Equal(kept, c.want) {
			t.Errorf("%s keeps from it %v, want %v", what, kept, c.want)
		}
		if may["clock_settime"] || may["settimeofday"] {
			t.Errorf("%s lets it set the clock", what)
		}
	}
	if !strings.Contains(string(unit), "\nCapabilityBoundingSet=\n") {
		t.Error("the unit gives the program capabilities, so that adjtimex could set the clock")
	}
}
