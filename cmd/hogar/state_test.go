package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestStateOfReleases starts on what each release has left on the disk: journal,
// cursor, checkpoint with a command's outcome and a rule in the middle of a wait. A file stays here
// for good; a release that changes a form adds one, made with the configuration in it.
func TestStateOfReleases(t *testing.T) {
	t.Parallel()
	kept, err := filepath.Glob("testdata/state/*.tar.gz")
	if err != nil || len(kept) == 0 {
		t.Fatalf("no states are kept: %v", err)
	}
	for _, file := range kept {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			g := newGate(t, "")
			if out, err := exec.CommandContext(t.Context(), "tar", "-C", g.dir, "-xzf", file).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			code, out, errs := called(t, "journal", "check", "--journal", g.journal())
			if code != exitDone {
				t.Errorf("journal check: %s%s", out, errs)
			}
			_, before, _ := called(t, "journal", "dump", "--json", "--journal", g.journal())
			if strings.Count(before, "\n") < 25 || !strings.Contains(before, `"outcome":"applied"`) {
				t.Errorf("the records are\n%s", before)
			}
			if err := os.RemoveAll(filepath.Join(g.dir, "s")); err != nil {
				t.Fatal(err)
			}
			g.run()
			until(t, "the rule goes on waiting", func() bool {
				_, out, _ := called(t, "rule", "trace", "long_wait", "--socket", g.socket)
				return strings.Contains(out, "wait 10d")
			})
			until(t, "the device goes on counting", func() bool {
				_, out, _ := called(t, "journal", "dump", "--json", "--journal", g.journal(), "room.climate")
				return strings.Count(out, `"dseq":14,`)+strings.Count(out, `"dseq":14}`) == 1 && strings.Contains(out, `"dseq":18`)
			})
			_, after, _ := called(t, "journal", "dump", "--json", "--journal", g.journal())
			if !strings.HasPrefix(after, before) {
				t.Error("the old records are not as they were")
			}
			if log := g.log.String(); strings.Contains(log, "cannot be read") || strings.Contains(log, "damaged") {
				t.Errorf("the log says\n%s", log)
			}
		})
	}
}
