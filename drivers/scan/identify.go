package scan

import (
	"slices"

	"hogar/drivers"
)

// identify says what a chip is that no device of the configuration uses: by what it answers
// to plain reads and, where that is wanted, to questions; else by its address.
func (l *look) identify(bus string, address uint16) (identity, error) {
	who := usual(address)
	open, err := l.board.I2C(bus)
	if err != nil {
		return who, err
	}
	g := drivers.NewGuard(open, drivers.Part{Chip: "chip", Bus: bus, Address: address})
	// An error of a question says no more than that this chip does not know it.
	put := func(ask func(*drivers.Guard) (identity, bool)) (found identity, ok bool, err error) {
		_ = g.Do(l.ctx, func() error { found, ok = ask(g); return nil })
		return found, ok, l.ctx.Err()
	}
	if address == 0x38 {
		if found, ok, err := put(checksummed); ok || err != nil {
			return found, err
		}
	}
	due := slices.DeleteFunc(slices.Clone(l.questions), func(q question) bool { return address < q.first || address > q.last })
	if len(due) == 0 {
		return who, nil
	}
	var how manner
	_ = g.Do(l.ctx, func() error { how = mannerOf(g); return nil })
	if address >= 0x76 && (how == same || how == mute) {
		who = who.without([]string{"bme280", "bmp280", "bmp388"}) // their trimming is read, and differs
	}
	for _, q := range due {
		if !slices.Contains(q.of, how) {
			continue
		}
		found, ok, err := put(q.ask)
		if ok || err != nil {
			return found, err
		}
		who = who.without(q.chips)
	}
	return who, nil
}

// checksummed: seven bytes of an AHT20, the last of which is their checksum. Nothing is written for that.
func checksummed(g *drivers.Guard) (identity, bool) {
	b, err := g.Read(7)
	return is("aht20", "its checksum is right"), err == nil && drivers.CRC8(b[:6]) == b[6]
}
