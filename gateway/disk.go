package gateway

import (
	"context"
	"errors"
	"time"

	"hogar/gateway/journal"
)

// ErrDisk ends a gateway whose configuration wants it: the disk has refused to
// write for so long that a new start, of it or of the machine, is worth a try.
var ErrDisk = errors.New("the disk has refused to write, or has not answered, for 30 s, and journal.when_dead is exit")

const (
	diskLook     = time.Second
	diskPatience = 30 * time.Second
)

func (g *gateway) diskDead() bool {
	state, _ := g.journal.Health() // a disk that hangs must not be asked
	return state == journal.Failed
}

// watchDisk waits until the disk has been dead for a while, and reports whether it
// is; false when ctx ends before.
func watchDisk(ctx context.Context, dead func() bool) bool {
	look := time.NewTicker(diskLook)
	defer look.Stop()
	since := time.Now()
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return false
		}
		switch {
		case !dead():
			since = time.Now()
		case time.Since(since) >= diskPatience:
			return true
		}
	}
}
