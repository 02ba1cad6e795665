package drivers

import (
	"regexp"
	"strconv"
	"strings"

	"hogar/gateway/home"
)

// Pins have the processor's numbers, GPIO0 to GPIO27, on the header. A line of another
// chip, an expander's say, is written with the chip: mcp23017/3. The chip is named by its
// label, or by its place in the kernel where there are several of a kind: 1-0020/3.

// lastLine is the highest number of a line that is accepted; the chip has fewer.
const lastLine = 511

var lineChip = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:@-]*$`)

// PinPart reads the key pin, which must be there.
func PinPart(d *home.Decoder, chip string) Part { return PinPartAt(d, "pin", chip) }

// PinPartAt is [PinPart] with another key, of a device that has several pins.
func PinPartAt(d *home.Decoder, key, chip string) Part {
	d.Require(key)
	p := Part{Chip: chip, Pin: d.Text(key, "")}
	if d.Get(key) == nil || IsPin(p.Pin) {
		return p
	}
	if _, _, ok := ChipLine(p.Pin); !ok {
		d.Fault(key, pinHint(p.Pin), "%s is '%s', expected GPIO0 to GPIO27", key, p.Pin)
	}
	return p
}

// HeaderPart is [PinPart] for what only the header's pins can do.
func HeaderPart(d *home.Decoder, chip string) Part { return HeaderPartAt(d, "pin", chip) }

// HeaderPartAt is [HeaderPart] with another key.
func HeaderPartAt(d *home.Decoder, key, chip string) Part {
	p := PinPartAt(d, key, chip)
	if other, _, ok := ChipLine(p.Pin); ok {
		d.Fault("pin", "", "pin is '%s', a line of %s, expected GPIO0 to GPIO27: a %s needs one of the header's", p.Pin, other, chip)
	}
	return p
}

// IsPin reports whether a pin's name is one of the header's: GPIO0 to GPIO27.
func IsPin(name string) bool {
	number, is := strings.CutPrefix(name, "GPIO")
	return is && isNumber(number, 27)
}

// ChipLine cuts the name of a line of a chip that is not the header's: mcp23017/3 is
// line 3 of the chip with that label, 1-0020/3 that of the chip at this place.
func ChipLine(name string) (chip string, line int, ok bool) {
	chip, number, _ := strings.Cut(name, "/")
	if !lineChip.MatchString(chip) || !isNumber(number, lastLine) {
		return "", 0, false
	}
	line, _ = strconv.Atoi(number)
	return chip, line, true
}
