package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A terminal has one line of progress, a log one a minute.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log, screen strings.Builder
		now := time.Now()
		inLog := progress{out: &log, seed: 7, began: now, next: now.Add(logEvery)}
		onScreen := progress{out: &screen, live: true, seed: 7, began: now}
		for i := range 4 { // at 0, 40, 80 and 120 s
			inLog.at(i, 4, "reset")
			onScreen.at(i, 4, "reset")
			time.Sleep(40 * time.Second)
		}
		inLog.end()
		onScreen.end()
		if want := "seed 7: 2 of 4 faults, reset, about 1m20s left\n"; log.String() != want {
			t.Errorf("log: %q, want %q", log.String(), want)
		}
		if got := screen.String(); strings.Count(got, "\r\x1b[Kseed 7: ") != 4 || strings.Contains(got, "\n") || !strings.HasSuffix(got, "\x1b[K") {
			t.Errorf("terminal: %q", got)
		}
	})
}
