package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Progress is told after a while, now and then, on one line, which is wiped in the end.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := &progress{out: &out, next: time.Now().Add(progressAfter)}
		for range 9 { // at 0, 100 … 800 ms
			p.say(func() string { return "half" })
			time.Sleep(100 * time.Millisecond)
		}
		p.end()
		p.end()
		if want := strings.Repeat("\r\x1b[Khalf", 2) + "\r\x1b[K"; out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	})
	var out strings.Builder // no terminal
	p := progressOn(&out)
	p.next = time.Time{}
	p.say(func() string { return "half" })
	if p.end(); out.Len() > 0 {
		t.Errorf("%q", out.String())
	}
}
