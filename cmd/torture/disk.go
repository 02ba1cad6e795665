package main

import (
	"errors"
	"os"
	"path/filepath"
)

// disk is where the journal is: a small one of its own where that is possible, so
// that it can be filled.
type disk struct {
	dir   string
	small bool
}

const diskSize = 80 << 20

// newDisk mounts one in memory when the system lets us; else it is a folder.
func newDisk(dir string) disk {
	_ = os.MkdirAll(dir, 0o700)
	return disk{dir, mount(dir, diskSize) == nil}
}

func (d disk) close() {
	if d.small {
		_ = unmount(d.dir)
	}
}

func (d disk) filler() string { return filepath.Join(d.dir, "filler") }

// fill takes all room that is left.
func (d disk) fill() error {
	f, err := os.Create(d.filler())
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for written := 0; ; written += len(block) {
		if _, err := f.Write(block); err != nil {
			return nil // full
		}
		if written > 2*diskSize {
			return errors.New("the small disk does not fill up")
		}
	}
}

func (d disk) free() error { return os.Remove(d.filler()) }
