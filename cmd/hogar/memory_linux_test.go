package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCleanMappings(t *testing.T) {
	entry := func(head string, anonymous int) string {
		return fmt.Sprintf("%s\nSize:      8 kB\nRss:       8 kB\nAnonymous: %d kB\nVmFlags: rd mr mw me\n", head, anonymous)
	}
	smaps := entry("00400000-00ad9000 r-xp 00000000 fe:00 4711       /opt/my house/hogar", 0) +
		entry("00ad9000-011fd000 r--p 006d9000 fe:00 4711       /opt/my house/hogar (deleted)", 0) +
		entry("011fd000-0126d000 rw-p 00dfd000 fe:00 4711       /opt/my house/hogar", 0) + // nothing was written yet
		entry("0126d000-032b0000 rw-p 00000000 00:00 0", 0) +
		entry("7f0000000000-7f0000004000 r--p 00000000 fe:00 12 /lib/libc.so", 8) + // a loader has relocated it
		entry("7f0000004000-7f0000006000 r-xp 00000000 fe:00 12 /lib/libc.so", 4) + // a debugger has a breakpoint there
		entry("7f0000006000-7f0000008000 r--s 00000000 fe:00 13 /etc/shared", 0) +
		entry("7fdd805c8000-7fdd805ca000 r-xp 00000000 00:00 0  [vdso]", 0)
	got, err := cleanMappings(strings.NewReader(smaps))
	want := []mapping{{0x400000, 0xad9000, "/opt/my house/hogar"}, {0xad9000, 0x11fd000, "/opt/my house/hogar (deleted)"}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(mapping{})); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	if got, err := cleanMappings(strings.NewReader("from here to there\n")); err == nil {
		t.Errorf("of no smaps: %v", got)
	}
}

// The file of a program that was used is in memory, then it is not, and the program goes on.
func TestUnmapFiles(t *testing.T) {
	if code, out, errs := called(t, "schema"); code != exitDone || out == "" {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	before := fileResident(t, os.Getpid())
	if err := unmapFiles(); err != nil {
		t.Fatal(err)
	}
	if after := fileResident(t, os.Getpid()); after > before/2 {
		t.Errorf("%d kB of files were resident and are %d", before, after)
	}
	if code, _, errs := called(t, "schema"); code != exitDone {
		t.Errorf("afterwards: exit code %d: %s", code, errs)
	}
}

// A house that runs has less of the program's file in memory than its start had.
func TestRunStaysLean(t *testing.T) {
	t.Parallel()
	g := newGate(t, house("lean", 0), "--amqp", "amqp://127.0.0.1:1")
	g.run()
	most := 0
	until(t, "the start is forgotten", func() bool {
		now := fileResident(t, g.cmd.Process.Pid)
		most = max(most, now)
		return now < most*3/4
	})
	if code, _ := g.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// fileResident is how many kB of files a process has in memory.
func fileResident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`RssFile:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no RssFile in\n%s", status)
	}
	kB, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kB
}
