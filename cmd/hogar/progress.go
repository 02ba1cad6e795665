package main

import (
	"fmt"
	"io"
	"iter"
	"time"

	"golang.org/x/term"

	"hogar/gateway/journal"
)

// progress tells on a terminal how far a long work is, on one line that is wiped
// when something else is to be printed. Elsewhere it tells nothing. The zero value
// is silent.
type progress struct {
	out  io.Writer // nil: silent
	next time.Time // machine time of the next line
	told bool      // there is a line to wipe
}

// Progress begins after a while, so that short work is not disturbed by it.
const (
	progressAfter = 500 * time.Millisecond
	progressEvery = 200 * time.Millisecond
)

// progressOn tells on w when that is a terminal.
func progressOn(w io.Writer) *progress {
	if !isTerminal(w) {
		return &progress{}
	}
	return &progress{out: fileOf(w), next: time.Now().Add(progressAfter)}
}

// isTerminal reports whether somebody may be looking at w.
func isTerminal(w io.Writer) bool {
	f := fileOf(w)
	return f != nil && term.IsTerminal(int(f.Fd()))
}

// say shows text in the place of what it said before, now and then.
func (p *progress) say(text func() string) {
	if p.out == nil || time.Now().Before(p.next) {
		return
	}
	p.next, p.told = time.Now().Add(progressEvery), true
	fmt.Fprintf(p.out, "\r\x1b[K%s", text()) // ECMA-48: EL, erase to the end of the line
}

// end wipes the line.
func (p *progress) end() {
	if p.told {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.told = false
	}
}

// scan is v.Scan(after), with its progress.
func (p *progress) scan(v *journal.View, after uint64) iter.Seq2[journal.Record, error] {
	s := v.Stats()
	before := max(s.First, after+1) - 1 // the number before the first that is read
	return func(yield func(journal.Record, error) bool) {
		defer p.end()
		for r, err := range v.Scan(after) {
			p.say(func() string {
				return fmt.Sprintf("reading the journal: record %d of %d, %.0f %%", r.Seq, s.Last, 100*float64(r.Seq-before)/float64(s.Last-before))
			})
			if !yield(r, err) {
				return
			}
		}
	}
}
