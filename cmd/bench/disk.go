package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"hogar/gateway/journal"
)

// wear is one way of writing whose bytes on the device are counted.
type wear struct {
	name   string
	sync   journal.Sync
	batch  int           // records that come together
	pace   time.Duration // between two batches; 0: when the one before is durable
	count  int           // records
	target float64       // bytes of the device for each
}

// recordBytes is the length of a record, its head included.
const (
	recordBytes = 300
	recordHead  = 28
)

// The targets are what a log of this kind wrote where it was designed.
var wears = []wear{
	{"64 at a time", journal.Always, 64, 0, 64 * 64, 574},
	{"20 a second, sync always", journal.Always, 1, 50 * time.Millisecond, 120, 5605},
	{"20 a second, sync 200ms", journal.DefaultSync, 1, 50 * time.Millisecond, 120, 2508},
	{"20 a second, sync 1s", journal.Sync(time.Second), 1, 50 * time.Millisecond, 240, 1158},
}

// disk counts what the device gets for each reading whose record has 300 bytes: on an ext4 of its
// own in a loop device, by the kernel's statistics, the file system's journal
// included.
func (b *bench) disk(ctx context.Context, _ string) (err error) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		b.report.skip("disk, bytes for each reading", "only root on Linux can mount a disk of its own")
		return nil
	}
	d, err := mountLoop(ctx, b.dir)
	if err != nil {
		b.report.skip("disk, bytes for each reading", err.Error())
		return nil
	}
	defer func() { err = errors.Join(err, d.unmount()) }()
	for i, w := range wears {
		each, err := d.measure(ctx, filepath.Join(d.dir, strconv.Itoa(i)), w)
		if err != nil {
			return err
		}
		b.report.add(figure{Name: "disk, a record of 300 bytes, " + w.name, Unit: "bytes", Goal: atMost, Target: w.target, Samples: []float64{each}})
	}
	return nil
}

// loopDisk is a file with an ext4, mounted.
type loopDisk struct {
	dir, device string
}

func mountLoop(ctx context.Context, below string) (*loopDisk, error) {
	image := filepath.Join(below, "disk.img")
	d := &loopDisk{dir: filepath.Join(below, "disk")}
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 512<<20), os.Mkdir(d.dir, 0o700)); err != nil {
		return nil, err
	}
	if _, err := command(ctx, "mkfs.ext4", "-q", "-F", image); err != nil {
		return nil, err
	}
	device, err := command(ctx, "losetup", "--find", "--show", image)
	if err != nil {
		return nil, err
	}
	d.device = strings.TrimSpace(device)
	if _, err := command(ctx, "mount", "-o", "noatime", d.device, d.dir); err != nil {
		_, detach := command(context.Background(), "losetup", "--detach", d.device)
		return nil, errors.Join(err, detach)
	}
	return d, nil
}

func (d *loopDisk) unmount() error {
	_, err1 := command(context.Background(), "umount", d.dir) // also when the run was broken off
	_, err2 := command(context.Background(), "losetup", "--detach", d.device)
	return errors.Join(err1, err2)
}

// command runs a program and returns what it printed.
func command(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// written is how many bytes the device got so far, all that waits included.
func (d *loopDisk) written(ctx context.Context) (float64, error) {
	if _, err := command(ctx, "sync", "--file-system", d.dir); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(filepath.Join("/sys/block", filepath.Base(d.device), "stat"))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 7 {
		return 0, fmt.Errorf("the statistics of %s are %q", d.device, text)
	}
	sectors, err := strconv.ParseFloat(fields[6], 64) // written, of 512 bytes
	return sectors * 512, err
}

// measure writes readings and returns the device's bytes for each.
func (d *loopDisk) measure(ctx context.Context, dir string, w wear) (each float64, err error) {
	j, err := journal.Open(dir, journal.Options{Sync: w.sync})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	write := func(batch int) error {
		durable := make(chan error, 1)
		for i := range batch {
			var done func(error)
			if i == batch-1 {
				done = func(err error) { durable <- err }
			}
			if _, err := j.Append(journal.Record{Time: time.Now().UnixMicro(), Kind: 1, Body: make([]byte, recordBytes-recordHead)}, false, done); err != nil {
				return err
			}
		}
		if w.pace > 0 {
			return nil
		}
		return <-durable
	}
	if err := write(1); err != nil { // the first makes the segment
		return 0, err
	}
	select { // the first interval after Open is synced at once
	case <-time.After(max(time.Duration(w.sync), 500*time.Millisecond)):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	before, err := d.written(ctx)
	if err != nil {
		return 0, err
	}
	for range w.count / w.batch {
		if err := write(w.batch); err != nil {
			return 0, err
		}
		select {
		case <-time.After(w.pace):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	after, err := d.written(ctx)
	return (after - before) / float64(w.count), err
}
