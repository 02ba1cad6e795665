package journal

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The child of TestSIGKILL appends to the journal in this folder, in this mode.
const (
	killDir  = "HOGAR_TEST_JOURNAL"
	killSync = "HOGAR_TEST_SYNC"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		killed(dir)
		return
	}
	os.Exit(m.Run())
}

// killed appends, confirms and saves checkpoints until it is killed, and prints
// the number of each record that it was told is durable.
func killed(dir string) {
	mode, _ := strconv.Atoi(os.Getenv(killSync))
	j, err := Open(dir, Options{Sync: Sync(mode), SegmentSize: 16 << 10, Keep: time.Hour})
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	for {
		n := j.Last() + 1
		_, err := j.Append(Record{Kind: 1, Flags: 2, Time: int64(n) * 10, Body: body(n)}, n%10 == 0, func(err error) {
			if err == nil {
				fmt.Printf("%d\n", n)
			}
		})
		if err != nil {
			time.Sleep(time.Millisecond) // it is full for a moment
		}
		if n%50 == 0 {
			j.Confirm(n - 20)
		}
		if n%200 == 0 {
			j.SaveCheckpoint(n-10, []byte("state"))
		}
	}
}

func TestSIGKILL(t *testing.T) {
	t.Parallel()
	rounds := 4
	if testing.Short() {
		rounds = 2
	}
	for _, mode := range []Sync{Always, Sync(20 * time.Millisecond), OS} {
		dir := t.TempDir()
		told := uint64(0)
		for range rounds {
			told = max(told, killOnce(t, dir, mode, told))
			j := open(t, dir, Options{Sync: mode, SegmentSize: 16 << 10, Keep: time.Hour})
			got := numbers(t, j, 0)
			if len(got) == 0 || got[len(got)-1] < told {
				t.Fatalf("%d was durable, the newest found is %d", told, j.Last())
			}
			if g := j.Report().Gaps; len(g) > 0 || j.Stats().Missing > 0 {
				t.Fatalf("gaps after a kill: %+v", g)
			}
			if mode != OS {
				want(t, "numbers", upTo(1, uint64(len(got))), got)
			}
			j.Close()
		}
	}
}

// killOnce runs a child for a while, kills it and returns the newest number that
// it was told is durable.
func killOnce(t *testing.T, dir string, mode Sync, before uint64) (told uint64) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), killDir+"="+dir, fmt.Sprintf("%s=%d", killSync, mode))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines, atLeast := bufio.NewScanner(out), 20+rand.IntN(400)
	for n := 0; lines.Scan(); n++ {
		if told, err = strconv.ParseUint(strings.TrimSpace(lines.Text()), 10, 64); err != nil {
			break // the kill cut a line
		}
		if n == atLeast {
			child.Process.Kill()
		}
	}
	child.Wait()
	if told <= before {
		t.Fatalf("the child made nothing durable after %d, but %d", before, told)
	}
	return told
}
