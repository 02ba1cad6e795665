package main

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// The first and the longest pause between two times that memory is given back.
const (
	firstPause   = 4 * time.Second
	longestPause = 10 * time.Minute
)

// stayLean gives memory back to the system until ctx ends: what was used once, by the start
// above all and by what people ask now and then. That is garbage, and most of the program's
// own file.
func stayLean(ctx context.Context, log *slog.Logger) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		if err := unmapFiles(); err != nil {
			log.Debug("the program stays whole in memory", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		debug.FreeOSMemory()
	}
}
