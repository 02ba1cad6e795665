// Package board is the machine's own buses and pins: I²C over /dev/i2c-N and the
// pins of a Raspberry Pi's header over the GPIO character device. It implements
// [drivers.Board] on Linux; elsewhere every request is refused with the advice to
// simulate.
//
// It talks to the kernel itself and needs nothing of periph's host package, for
// reasons that were seen on real kernels:
//
//   - periph's I²C hides the kernel's error number behind a text, so that an
//     absent chip cannot be told from a broken bus; it keeps stack addresses as
//     integers while it calls other functions; and it sets no timeout.
//   - periph's GPIO turns an output into an input when it is read, drives a low
//     level before the wished one, knows neither debounce nor active-low, and
//     throws the kernel's time of an edge away.
//
// The header's chip is found by its label, because its number differs between
// models and kernels; on it the line's offset is the number in GPIO17. Names of
// lines are not used: on a Pi 3 GPIO2 is called SDA1. Other chips, those of
// expanders and of other boards, are named by label or place: mcp23017/3.
//
// Nothing is touched before it is asked for. An open bus is shared and stays open
// until [Board.Close]; a line belongs to who took it. What level an output shows
// after its line is closed is up to the kernel's pin driver, so that a driver
// sets the level it wants to leave behind before it closes.
package board

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
)

// Options of a board. The zero value is the machine's own.
type Options struct {
	Root string       // folder in which dev stands; empty: /
	Log  *slog.Logger // nil: says nothing
}

// Board is the buses and pins of this machine. Its methods are safe for
// concurrent use.
type Board struct {
	root    string
	log     *slog.Logger
	headers []string // labels of the chips that drive a header
	kernel  kernel

	mu     sync.Mutex
	closed bool
	buses  map[string]sharedBus // by path
	lines  map[io.Closer]struct{}
}

var (
	_ drivers.Board     = (*Board)(nil)
	_ drivers.Inventory = (*Board)(nil)
)

// kernel is the ioctl call on an open file; tests answer in its place. What it
// is handed stays a pointer until the call itself, so that the garbage collector
// sees it.
type kernel interface {
	ask(fd uintptr, request uint, about unsafe.Pointer) error
	tell(fd uintptr, request uint, number uintptr) error
}

// sharedBus is a bus that only the board can close: borrowers see [i2c.Bus].
type sharedBus interface {
	i2c.Bus
	close() error
}

// New returns a board on which nothing is open yet. It fails when Root is no
// folder.
func New(o Options) (*Board, error) {
	root := o.Root
	if root == "" {
		root = "/"
	}
	if info, err := os.Stat(root); err != nil {
		return nil, fmt.Errorf("root of the board: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("root of the board: %s is not a folder", root)
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Board{
		root: root, log: log, kernel: system{},
		headers: []string{"pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"}, // Pi 0 to 3, 4, 5
		buses:   make(map[string]sharedBus),
		lines:   make(map[io.Closer]struct{}),
	}, nil
}

// I2C lends the bus called name: I2C1 is /dev/i2c-1, and an absolute path is
// itself. Two names for one device file are two buses to the board; the kernel
// keeps their transfers apart. An error of a transfer wraps the kernel's: ENXIO
// and EREMOTEIO where no chip answers.
func (b *Board) I2C(name string) (i2c.Bus, error) {
	path, err := busPath(name)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, fmt.Errorf("i2c bus %s: the board: %w", name, os.ErrClosed)
	}
	if bus, ok := b.buses[path]; ok {
		return bus, nil
	}
	bus, err := b.openBus(name, path)
	if err != nil {
		return nil, err
	}
	b.buses[path] = bus
	return bus, nil
}

// Buses lists the adapters that are there: I2C1 for /dev/i2c-1. A multiplexer's
// channels are adapters of their own.
func (b *Board) Buses() ([]string, error) {
	paths, err := filepath.Glob(b.path("/dev/i2c-*"))
	var numbers []int
	for _, path := range paths {
		if n, ok := numbered(filepath.Base(path), "i2c-"); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	names := make([]string, len(numbers))
	for i, n := range numbers {
		names[i] = fmt.Sprintf("I2C%d", n)
	}
	return names, err
}

// busPath makes /dev/i2c-1 of I2C1.
func busPath(name string) (string, error) {
	if filepath.IsAbs(name) {
		return filepath.Clean(name), nil
	}
	if n, ok := numbered(name, "I2C"); ok {
		return fmt.Sprintf("/dev/i2c-%d", n), nil
	}
	return "", fmt.Errorf("i2c bus %q: expected a name like I2C1 or a path like /dev/i2c-1", name)
}

// numbered reads the number in names like I2C1 and GPIO17: plain decimal digits.
func numbered(name, prefix string) (int, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	n, err := strconv.ParseUint(digits, 10, 16)
	return int(n), ok && err == nil && digits == strconv.FormatUint(n, 10)
}

// forget drops a bus whose device is gone, so that the next I2C opens it anew.
func (b *Board) forget(path string, bus sharedBus) {
	b.mu.Lock()
	mine := b.buses[path] == bus
	if mine {
		delete(b.buses, path)
	}
	b.mu.Unlock()
	if mine {
		_ = bus.close() // the device is gone already
	}
}

// Line takes a pin of the header, or a line of another chip, until the line is closed. Value, direction,
// pull and debounce are set in one request, so that an output shows no other
// level first. The error of a taken pin wraps [drivers.ErrBusy] and names the
// holder.
func (b *Board) Line(o drivers.LineOptions) (drivers.Line, error) {
	chip, offset, ok := drivers.ChipLine(o.Pin)
	if !ok {
		offset, ok = numbered(o.Pin, "GPIO")
	}
	if !ok {
		return nil, fmt.Errorf("pin %q: expected a name like GPIO17, the number of the processor's pin, or a chip and its line like mcp23017/3", o.Pin)
	}
	b.mu.Lock()
	closed := b.closed
	b.mu.Unlock()
	if closed {
		return nil, fmt.Errorf("take %s: the board: %w", o.Pin, os.ErrClosed)
	}
	line, err := b.openLine(o, chip, uint32(offset))
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	closed = b.closed
	if !closed {
		b.lines[line] = struct{}{}
	}
	b.mu.Unlock()
	if closed {
		return nil, errors.Join(fmt.Errorf("take %s: the board: %w", o.Pin, os.ErrClosed), line.Close())
	}
	return line, nil
}

// released notes that a line was closed.
func (b *Board) released(line io.Closer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.lines, line)
}

// Close closes what is open; transfers and waits that are under way end with
// [os.ErrClosed] where the kernel lets go of them. Later requests are refused. A
// second Close does nothing.
func (b *Board) Close() error {
	b.mu.Lock()
	buses, lines := b.buses, b.lines
	b.closed, b.buses, b.lines = true, nil, nil
	b.mu.Unlock()
	var faults []error
	for line := range lines {
		faults = append(faults, line.Close())
	}
	for _, bus := range buses {
		faults = append(faults, bus.close())
	}
	return errors.Join(faults...)
}

// path is where a device file stands below the board's root.
func (b *Board) path(device string) string { return filepath.Join(b.root, device) }
