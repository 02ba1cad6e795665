package board

import (
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
	"time"
	"unsafe"

	"hogar/drivers"
)

// openLine requests the line at offset of a chip; that without a name is the header's.
func (b *Board) openLine(o drivers.LineOptions, name string, offset uint32) (drivers.Line, error) {
	request, err := newRequest(o, offset)
	if err != nil {
		return nil, err
	}
	on, err := b.chip(name)
	if err != nil {
		return nil, fmt.Errorf("take %s: %w", o.Pin, err)
	}
	chip := on.file
	defer chip.Close() // the line has a file of its own
	if offset >= on.lines {
		if name == "" {
			return nil, fmt.Errorf("take %s: the header's chip has GPIO0 to GPIO%d", o.Pin, on.lines-1)
		}
		return nil, fmt.Errorf("take %s: %s has the lines 0 to %d", o.Pin, name, on.lines-1)
	}
	keep := o.Output && o.Keep && b.isOutput(chip, offset)
	wanted := request.config
	if keep { // as it is, until its level is known
		request.config = lineConfig{flags: wanted.flags &^ lineOutput}
	}
	ask := func(fd uintptr) error { return b.kernel.ask(fd, gpioLine, unsafe.Pointer(request)) }
	err = control(chip, ask)
	var settle time.Duration
	if err != nil && !errors.Is(err, syscall.EBUSY) && o.Debounce > 0 && !o.Output {
		// The kernel debounces where the pin's chip cannot, but hands on every other refusal of the chip's driver
		// (debounce_setup in gpiolib-cdev.c): EINVAL of a BeagleBone's above 7.9 ms (gpio-omap.c), EPERM of an
		// AST2600's when its timers are taken (gpio-aspeed.c).
		refused := err
		request.config = lineConfig{flags: wanted.flags}
		if err = control(chip, ask); err == nil {
			settle = o.Debounce
			b.log.Info("the pin's chip refuses to debounce, it is done here", "pin", o.Pin, "debounce", o.Debounce, "because", refused)
		}
	}
	switch {
	case errors.Is(err, syscall.EBUSY):
		return nil, fmt.Errorf("%s is held by %s: %w", o.Pin, b.holder(chip, offset), drivers.ErrBusy)
	case errors.Is(err, syscall.ENXIO) && !o.Output:
		return nil, fmt.Errorf("take %s: %w: its chip tells no edges: an expander's interrupt pin has to be wired, and named in its overlay", o.Pin, err)
	case errors.Is(err, syscall.EINVAL):
		return nil, fmt.Errorf("take %s: %w: the kernel is older than 5.10, its pin driver cannot do this, or another function of the processor has the pin", o.Pin, err)
	case err != nil:
		return nil, fmt.Errorf("take %s: %w", o.Pin, err)
	}
	file, err := lineFile(request.fd, o.Pin)
	if err != nil {
		return nil, fmt.Errorf("take %s: %w", o.Pin, err)
	}
	l := &line{pin: o.Pin, input: !o.Output, file: file, kernel: b.kernel, log: b.log.With("pin", o.Pin), settle: settle}
	l.released = func() { b.released(l) }
	if settle > 0 {
		if l.told, err = l.Get(); err != nil {
			return nil, errors.Join(fmt.Errorf("take %s: %w", o.Pin, err), file.Close())
		}
	}
	if keep {
		if err := l.keep(wanted); err != nil {
			return nil, errors.Join(fmt.Errorf("take %s: %w", o.Pin, err), file.Close())
		}
	}
	return l, nil
}

// isOutput reports whether the line drives its pin already.
func (b *Board) isOutput(chip *os.File, offset uint32) bool {
	info, err := b.lineInfo(chip, offset)
	return err == nil && info.flags&lineOutput != 0
}

// keep makes an output of a line that was taken as it was, at the level it has.
func (l *line) keep(config lineConfig) error {
	active, err := l.Get()
	if err != nil {
		return err
	}
	config.attrs[0].attr.value = bit(active)
	return control(l.file, func(fd uintptr) error { return l.kernel.ask(fd, gpioSetConfig, unsafe.Pointer(&config)) })
}

// lineFile makes a file of a line's descriptor whose reads can be interrupted.
func lineFile(fd int32, pin string) (*os.File, error) {
	if err := syscall.SetNonblock(int(fd), true); err != nil {
		return nil, errors.Join(err, syscall.Close(int(fd)))
	}
	return os.NewFile(uintptr(fd), pin), nil
}

// newRequest says all about the line at once: for an output the level comes with
// the direction.
func newRequest(o drivers.LineOptions, offset uint32) (*lineRequest, error) {
	r := &lineRequest{count: 1}
	r.offsets[0] = offset
	consumer := o.Consumer
	if consumer == "" {
		consumer = "hogar"
	}
	copy(r.consumer[:gpioNameSize-1], consumer)
	if o.ActiveLow {
		r.config.flags |= lineActiveLow
	}
	if o.Output {
		r.config.flags |= lineOutput
		r.config.add(attrValues, bit(o.Initial))
		return r, nil
	}
	pull, err := pullFlag(o.Pull)
	if err != nil {
		return nil, fmt.Errorf("take %s: %w", o.Pin, err)
	}
	r.config.flags |= lineInput | lineEdgeRising | lineEdgeFalling | pull
	µs := o.Debounce.Microseconds()
	if µs < 0 || µs > math.MaxUint32 {
		return nil, fmt.Errorf("take %s: a debounce of %s is out of range", o.Pin, o.Debounce)
	}
	if µs > 0 {
		r.config.add(attrDebounce, uint64(µs))
	}
	return r, nil
}

// pullFlag returns the flag of a pull; without a word the pin keeps what it has.
func pullFlag(p drivers.Pull) (uint64, error) {
	switch p {
	case "":
		return 0, nil
	case drivers.PullNone:
		return linePullNone, nil
	case drivers.PullUp:
		return linePullUp, nil
	case drivers.PullDown:
		return linePullDown, nil
	}
	return 0, fmt.Errorf("pull %q: expected %s, %s or %s", p, drivers.PullNone, drivers.PullUp, drivers.PullDown)
}

// holder names who has the line at offset.
func (b *Board) holder(chip *os.File, offset uint32) string {
	info, err := b.lineInfo(chip, offset)
	if name := textOf(info.consumer); err == nil && name != "" {
		return name
	}
	return "somebody without a name"
}

// machineTime is the machine's time at a moment of CLOCK_MONOTONIC: now, less
// what has passed since by the same clock.
func machineTime(moment time.Duration) time.Time { return timeOf(moment, monotonic, time.Now) }

// timeOf is machineTime by two clocks. Who is held up between asking the one and the other, as on a busy
// processor, would shift an edge by that, and an echo by 17 cm for each ms: so they are asked until both answer at once.
func timeOf(moment time.Duration, monotonic func() time.Duration, now func() time.Time) (at time.Time) {
	const atOnce, tries = 20 * time.Microsecond, 10
	shortest := time.Duration(math.MaxInt64)
	for range tries {
		before, n := monotonic(), now()
		took := monotonic() - before
		if took < shortest {
			shortest, at = took, n.Add(-max(before+took/2-moment, 0))
		}
		if took < atOnce {
			break
		}
	}
	return at
}
