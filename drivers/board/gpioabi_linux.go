package board

import (
	"strings"
	"unsafe"
)

// The GPIO character device, uAPI v2 (linux/gpio.h). The kernel pads every
// structure by hand, so that 32-bit and 64-bit programs agree; the unions of a
// 32-bit and a 64-bit member are written as the 64-bit one, which is the same on
// the little-endian machines that have such pins.

const (
	gpioNameSize = 32
	gpioMaxLines = 64
	gpioMaxAttrs = 10
)

// Flags of a line, GPIO_V2_LINE_FLAG_*.
const (
	lineUsed uint64 = 1 << iota
	lineActiveLow
	lineInput
	lineOutput
	lineEdgeRising
	lineEdgeFalling
	_ // open drain
	_ // open source
	linePullUp
	linePullDown
	linePullNone
)

// Attributes of a line, GPIO_V2_LINE_ATTR_ID_*.
const (
	attrValues   = 2
	attrDebounce = 3 // in µs
)

// Kinds of line_event.
const eventRising = 1

// chipInfo is struct gpiochip_info.
type chipInfo struct {
	name, label [gpioNameSize]byte
	lines       uint32
}

// lineAttr is struct gpio_v2_line_attribute.
type lineAttr struct {
	id    uint32
	_     uint32
	value uint64
}

// lineConfigAttr is struct gpio_v2_line_config_attribute.
type lineConfigAttr struct {
	attr lineAttr
	mask uint64 // of the lines in the request
}

// lineConfig is struct gpio_v2_line_config.
type lineConfig struct {
	flags uint64
	count uint32
	_     [5]uint32
	attrs [gpioMaxAttrs]lineConfigAttr
}

// lineRequest is struct gpio_v2_line_request.
type lineRequest struct {
	offsets  [gpioMaxLines]uint32
	consumer [gpioNameSize]byte
	config   lineConfig
	count    uint32
	buffer   uint32 // events kept for one line; 0: 16
	_        [5]uint32
	fd       int32 // answered
}

// lineInfo is struct gpio_v2_line_info.
type lineInfo struct {
	name, consumer [gpioNameSize]byte
	offset         uint32
	count          uint32
	flags          uint64
	attrs          [gpioMaxAttrs]lineAttr
	_              [4]uint32
}

// lineValues is struct gpio_v2_line_values.
type lineValues struct {
	bits, mask uint64
}

// lineEvent is struct gpio_v2_line_event.
type lineEvent struct {
	nanoseconds uint64 // CLOCK_MONOTONIC
	id          uint32
	offset      uint32
	sequence    uint32 // of the request
	count       uint32 // of the line, from 1
	_           [6]uint32
}

// The sizes are part of the ioctl numbers: a wrong one does not compile.
var (
	_ [68]byte  = [unsafe.Sizeof(chipInfo{})]byte{}
	_ [272]byte = [unsafe.Sizeof(lineConfig{})]byte{}
	_ [592]byte = [unsafe.Sizeof(lineRequest{})]byte{}
	_ [256]byte = [unsafe.Sizeof(lineInfo{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(lineValues{})]byte{}
	_ [48]byte  = [unsafe.Sizeof(lineEvent{})]byte{}
)

// The requests: _IOR and _IOWR of type 0xB4 on every architecture that hogar is
// built for.
const (
	gpioChipInfo  = 2<<30 | uint(unsafe.Sizeof(chipInfo{}))<<16 | 0xB4<<8 | 0x01
	gpioLineInfo  = 3<<30 | uint(unsafe.Sizeof(lineInfo{}))<<16 | 0xB4<<8 | 0x05
	gpioLine      = 3<<30 | uint(unsafe.Sizeof(lineRequest{}))<<16 | 0xB4<<8 | 0x07
	gpioSetConfig = 3<<30 | uint(unsafe.Sizeof(lineConfig{}))<<16 | 0xB4<<8 | 0x0D
	gpioGetValues = 3<<30 | uint(unsafe.Sizeof(lineValues{}))<<16 | 0xB4<<8 | 0x0E
	gpioSetValues = 3<<30 | uint(unsafe.Sizeof(lineValues{}))<<16 | 0xB4<<8 | 0x0F
)

// textOf reads a name that ends with a zero byte.
func textOf(name [gpioNameSize]byte) string {
	text, _, _ := strings.Cut(string(name[:]), "\x00")
	return text
}

// add appends an attribute of the only line of a request.
func (c *lineConfig) add(id uint32, value uint64) {
	c.attrs[c.count] = lineConfigAttr{attr: lineAttr{id: id, value: value}, mask: 1}
	c.count++
}

// bit is the value of the only line of a request.
func bit(active bool) uint64 {
	if active {
		return 1
	}
	return 0
}
