package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"hogar/drivers"
)

// gpioChip is an open GPIO chip.
type gpioChip struct {
	file  *os.File
	name  string // of its file: gpiochip0
	label string
	place string // in the kernel: 1-0020; empty: unknown
	lines uint32
}

// is reports whether this is the chip of that name: its label, or its place.
func (c *gpioChip) is(name string) bool { return name == c.label || name == c.place || name == c.name }

// chips opens all GPIO chips. Links are skipped: a Pi 5 has one from a chip's former number
// to the present. others tells of the files that are none, or may not be opened.
func (b *Board) chips() (open []*gpioChip, others []string, err error) {
	paths, err := filepath.Glob(b.path("/dev/gpiochip*"))
	if err != nil {
		return nil, nil, err
	}
	for _, path := range paths {
		if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink != 0 {
			continue
		}
		c, e := b.openChip(path)
		switch {
		case errors.Is(e, fs.ErrPermission):
			err = fmt.Errorf("%w: this user is not in group gpio: sudo usermod -aG gpio NAME, then log in again", e)
		case e != nil:
			others = append(others, fmt.Sprintf("%s (%v)", filepath.Base(path), e))
		default:
			open = append(open, c)
		}
	}
	return open, others, err
}

// openChip opens a chip and asks what it is.
func (b *Board) openChip(path string) (*gpioChip, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info := new(chipInfo)
	err = control(file, func(fd uintptr) error { return b.kernel.ask(fd, gpioChipInfo, unsafe.Pointer(info)) })
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	c := &gpioChip{file: file, name: filepath.Base(path), label: textOf(info.label), lines: info.lines}
	if at, err := filepath.EvalSymlinks(b.path("/sys/bus/gpio/devices/" + c.name)); err == nil {
		c.place = filepath.Base(filepath.Dir(at))
	}
	return c, nil
}

// chip opens the chip of that name; "" is the one that drives the header's pins.
func (b *Board) chip(name string) (*gpioChip, error) {
	all, seen, denied := b.chips()
	fits := func(c *gpioChip) bool { return c.is(name) }
	if name == "" {
		fits = func(c *gpioChip) bool { return slices.Contains(b.headers, c.label) }
	}
	var found []*gpioChip
	for _, c := range all {
		if fits(c) {
			found = append(found, c)
			continue
		}
		_ = c.file.Close() // only looked at
		seen = append(seen, fmt.Sprintf("%s (%s)", c.name, c.label))
	}
	switch {
	case len(found) == 1 || len(found) > 1 && name == "":
		for _, c := range found[1:] {
			_ = c.file.Close()
		}
		return found[0], nil
	case len(found) > 1:
		places := make([]string, len(found))
		for i, c := range found {
			places[i] = c.place
			_ = c.file.Close()
		}
		return nil, fmt.Errorf("%d chips are called %s: write the place of one instead, %s", len(found), name, strings.Join(places, " or "))
	case denied != nil:
		return nil, denied
	}
	slices.Sort(seen)
	there := "none"
	if len(seen) > 0 {
		there = strings.Join(seen, ", ")
	}
	if name != "" {
		return nil, fmt.Errorf("there is no GPIO chip %s: is its overlay in config.txt? Found %s: %w", name, there, fs.ErrNotExist)
	}
	return nil, fmt.Errorf("no GPIO chip of a Raspberry Pi's header (%s); found %s: %w; on another board write the chip, "+
		"as in LABEL/3, or run with --simulate", strings.Join(b.headers, ", "), there, fs.ErrNotExist)
}

// lineInfo asks about a line.
func (b *Board) lineInfo(chip *os.File, offset uint32) (*lineInfo, error) {
	info := &lineInfo{offset: offset}
	err := control(chip, func(fd uintptr) error { return b.kernel.ask(fd, gpioLineInfo, unsafe.Pointer(info)) })
	return info, err
}

// Lines lists the lines of all GPIO chips, the header's first.
func (b *Board) Lines() ([]drivers.LineInfo, error) {
	chips, _, err := b.chips()
	isHeader := func(c *gpioChip) bool { return slices.Contains(b.headers, c.label) }
	slices.SortStableFunc(chips, func(a, b *gpioChip) int { return int(bit(isHeader(b))) - int(bit(isHeader(a))) })
	var lines []drivers.LineInfo
	for _, c := range chips {
		for offset := range c.lines {
			info, e := b.lineInfo(c.file, offset)
			if e != nil {
				err = errors.Join(err, fmt.Errorf("line %d of %s: %w", offset, c.label, e))
				break
			}
			lines = append(lines, drivers.LineInfo{Chip: c.label, Place: c.place, Header: isHeader(c) && offset < 28, Line: int(offset),
				Name: textOf(info.name), Output: info.flags&lineOutput != 0, Used: info.flags&lineUsed != 0, Consumer: textOf(info.consumer)})
		}
		_ = c.file.Close() // only looked at
	}
	return lines, err
}
