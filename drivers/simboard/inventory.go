package simboard

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"syscall"

	"hogar/drivers"
)

// headerLabel is the chip of the simulated header, that of a Raspberry Pi 4.
const headerLabel = "pinctrl-bcm2711"

// Buses lists the buses: I2C1, and those that parts are on.
func (b *Board) Buses() ([]string, error) {
	return slices.SortedFunc(maps.Keys(b.buses), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	}), nil
}

// Lines lists the pins of the header, and then the lines of expanders that parts are at.
func (b *Board) Lines() ([]drivers.LineInfo, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := make([]drivers.LineInfo, 0, len(b.pins))
	for name, p := range b.pins {
		info := drivers.LineInfo{Chip: headerLabel, Header: true, Name: name, Output: p.output, Used: p.line != nil}
		if chip, line, ok := drivers.ChipLine(name); ok {
			info.Chip, info.Header, info.Name, info.Line = chip, false, "", line
		} else if _, err := fmt.Sscanf(name, "GPIO%d", &info.Line); err != nil {
			return nil, err
		}
		if p.line != nil {
			info.Consumer = p.line.o.Consumer
		}
		lines = append(lines, info)
	}
	slices.SortFunc(lines, func(a, b drivers.LineInfo) int {
		if a.Header != b.Header {
			return map[bool]int{true: -1, false: 1}[a.Header]
		}
		return cmp.Or(cmp.Compare(a.Chip, b.Chip), cmp.Compare(a.Line, b.Line))
	})
	return lines, nil
}

// Probe asks whether a chip answers at an address.
func (b *Board) Probe(name string, address uint16) error {
	on := b.buses[name]
	if on == nil {
		return fmt.Errorf("the board has no bus %s", name)
	}
	err := on.fault.err()
	if s := on.chips[address]; err == nil && s != nil {
		err = s.seat.fault.err()
	} else if err == nil {
		err = syscall.ENXIO
	}
	if err == syscall.ENXIO {
		return fmt.Errorf("%s: probe %#02x: %w: %w", name, address, drivers.ErrAbsent, err)
	}
	return err
}
