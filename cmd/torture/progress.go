package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progress tells how far a run is: on a terminal in one line that is written anew,
// elsewhere in a line each minute, so that a log shows where it hangs. Its zero
// value is silent.
type progress struct {
	out   io.Writer // nil: silent
	live  bool      // on a terminal
	seed  uint64
	began time.Time
	next  time.Time // of the next line in a log
}

// logEvery is how often a log is told.
const logEvery = time.Minute

// newProgress tells on standard error, so that the figures of a run can be piped.
func newProgress(seed uint64) progress {
	now := time.Now()
	return progress{out: os.Stderr, live: term.IsTerminal(int(os.Stderr.Fd())), seed: seed, began: now, next: now.Add(logEvery)}
}

// at tells that done of all faults are over, and what is going on.
func (p *progress) at(done, all int, what string) {
	if p.out == nil || !p.live && time.Now().Before(p.next) {
		return
	}
	text := fmt.Sprintf("seed %d: %d of %d faults, %s", p.seed, done, all, what)
	if took := time.Since(p.began); done > 0 && done < all {
		text += fmt.Sprintf(", about %s left", (took * time.Duration(all-done) / time.Duration(done)).Round(10*time.Second))
	}
	if p.live {
		fmt.Fprintf(p.out, "\r\x1b[K%s", text) // ECMA-48: EL, erase to the end of the line
		return
	}
	p.next = time.Now().Add(logEvery)
	fmt.Fprintln(p.out, text)
}

// end wipes the line.
func (p *progress) end() {
	if p.out != nil && p.live {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
