package board

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"hogar/drivers"
)

// line is a pin that is held: the file that the kernel answered a request with.
type line struct {
	pin      string
	input    bool
	file     *os.File
	kernel   kernel
	log      *slog.Logger
	released func()

	settle time.Duration // changes that are shorter are left out here; 0: the kernel does it, or nobody
	told   bool          // the level that Next told last, where settle is not 0
	last   uint32        // number of the last event, from 1
}

var _ drivers.Line = (*line)(nil)

// Get reads the pin, an output as well: its direction does not change.
func (l *line) Get() (bool, error) {
	v := &lineValues{mask: 1}
	err := control(l.file, func(fd uintptr) error { return l.kernel.ask(fd, gpioGetValues, unsafe.Pointer(v)) })
	if err != nil {
		return false, fmt.Errorf("read %s: %w", l.pin, err)
	}
	return v.bits&1 == 1, nil
}

// Set drives an output.
func (l *line) Set(active bool) error {
	if l.input {
		return fmt.Errorf("set %s: it is an input", l.pin)
	}
	v := &lineValues{bits: bit(active), mask: 1}
	err := control(l.file, func(fd uintptr) error { return l.kernel.ask(fd, gpioSetValues, unsafe.Pointer(v)) })
	if err != nil {
		return fmt.Errorf("set %s: %w", l.pin, err)
	}
	return nil
}

// Next waits for the next edge; one goroutine at a time may. It ends with ctx's error, and with
// [os.ErrClosed] after Close. Of more than 16 edges that nobody fetched the
// kernel drops the oldest, which is logged.
func (l *line) Next(ctx context.Context) (drivers.Edge, error) {
	if !l.input {
		return drivers.Edge{}, fmt.Errorf("wait for %s: it is an output", l.pin)
	}
	if l.settle == 0 {
		return l.next(ctx)
	}
	for {
		e, err := l.settled(ctx)
		if err != nil || e.Active != l.told {
			l.told = e.Active
			return e, err
		}
	}
}

// settled waits for an edge and then until there is none for as long as a change must
// last; it returns the last of them.
func (l *line) settled(ctx context.Context) (drivers.Edge, error) {
	last, err := l.next(ctx)
	for err == nil {
		quiet, cancel := context.WithTimeout(ctx, l.settle)
		e, errNext := l.next(quiet)
		over := quiet.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case errNext == nil:
			last = e
		case over:
			return last, nil
		default:
			err = errNext
		}
	}
	return drivers.Edge{Active: l.told}, err
}

// next waits for the next edge that the kernel tells.
func (l *line) next(ctx context.Context) (drivers.Edge, error) {
	if err := ctx.Err(); err != nil {
		return drivers.Edge{}, err
	}
	var e lineEvent
	if err := l.read(ctx, &e); err != nil {
		if ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			return drivers.Edge{}, ctx.Err()
		}
		return drivers.Edge{}, fmt.Errorf("wait for %s: %w", l.pin, err)
	}
	if missed := e.count - l.last - 1; l.last != 0 && missed != 0 {
		l.log.Warn("edges were lost, they came faster than they were taken", "count", missed)
	}
	l.last = e.count
	return drivers.Edge{Active: e.id == eventRising, Time: machineTime(time.Duration(e.nanoseconds))}, nil
}

// read fetches one event; the end of ctx ends it by a deadline in the past.
func (l *line) read(ctx context.Context, e *lineEvent) error {
	if err := l.file.SetReadDeadline(time.Time{}); errors.Is(err, os.ErrNoDeadline) {
		return err
	} else if err != nil {
		return os.ErrClosed // the only other reason, under a private name
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = l.file.SetReadDeadline(time.Unix(1, 0)) // fails only when closed: the read ends then, too
		close(ended)
	})
	whole := unsafe.Slice((*byte)(unsafe.Pointer(e)), unsafe.Sizeof(*e))
	n, err := l.file.Read(whole)
	if !stop() {
		<-ended // or it would end the next read
	}
	if err == nil && n != len(whole) {
		err = fmt.Errorf("the kernel told %d bytes of an event, expected %d", n, len(whole))
	}
	return err
}

// Close gives the pin back and ends a Next that waits. A second Close does nothing.
func (l *line) Close() error {
	l.released()
	if err := l.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("release %s: %w", l.pin, err)
	}
	return nil
}

// monotonic reads the clock that stamps edges.
func monotonic() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic("board: the kernel has no monotonic clock: " + err.Error()) // every Linux has it
	}
	return time.Duration(t.Nano())
}
