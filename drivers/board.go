package drivers

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"periph.io/x/conn/v3/i2c"
)

// Errors of a board, told to the user as the reason why a device is offline.
var (
	// ErrAbsent means that no chip answers at the address.
	ErrAbsent = errors.New("no chip answers")
	// ErrBusy means that somebody else holds the pin.
	ErrBusy = errors.New("the pin is busy")
)

// Board is a machine's buses and pins. Its methods are safe for concurrent use.
type Board interface {
	// I2C lends a bus by its name (I2C1, which is /dev/i2c-1). The borrower cannot close it. Transfers
	// of several devices take turns; each is bounded in time by the board.
	I2C(name string) (i2c.Bus, error)
	// Line takes a pin for itself until it is closed. The error of a pin that is
	// taken wraps [ErrBusy] and names the holder.
	Line(LineOptions) (Line, error)
	// Files are those of the kernel, through which its own drivers are read and set.
	Files() Files
	// Serial opens a serial port by its path, /dev/serial0: raw, 8 bits, no parity, one stop bit,
	// nothing left in its input from before. It belongs to who opened it.
	Serial(path string, baud int) (Port, error)
}

// Port is an open serial port. SetReadDeadline and Close end a Read that waits.
type Port interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
}

// Files are the files of the kernel, for what its drivers do better than a
// program can: 1-wire, DHT22, PWM. Names are relative to the root and have
// slashes: sys/class/hwmon/hwmon0/temp1_input. A simulation answers in its own
// way, so this is no folder: a read may take the time of a measurement. Its
// methods are safe for concurrent use; their errors are those of package os.
type Files interface {
	// Glob lists the files that match a pattern of [path.Match].
	Glob(pattern string) ([]string, error)
	ReadFile(name string) ([]byte, error)
	// WriteFile writes to a file that must be there.
	WriteFile(name string, data []byte) error
}

// Pull is the resistor at an input.
type Pull string

// The pulls.
const (
	PullNone Pull = "none"
	PullUp   Pull = "up"
	PullDown Pull = "down"
)

// Inventory is what a board that can be looked at also has. Its methods are safe for
// concurrent use and change nothing.
type Inventory interface {
	// Buses lists the I2C buses by their names.
	Buses() ([]string, error)
	// Lines lists the lines of all GPIO chips, the header's first.
	Lines() ([]LineInfo, error)
	// Probe asks whether a chip answers at an address, in the way that does the chip
	// the least harm. The error of an address at which nothing answers wraps [ErrAbsent].
	Probe(bus string, address uint16) error
}

// LineInfo is what is known of a line without taking it.
type LineInfo struct {
	Chip     string // the chip's label: pinctrl-bcm2711
	Place    string // of the chip in the kernel: 1-0020; empty: unknown
	Header   bool   // it is a pin of the header
	Line     int    // its number on the chip
	Name     string // the kernel's name of it; often empty
	Output   bool
	Used     bool
	Consumer string // who holds it; may be empty
}

// Pin is how the line is written in a configuration.
func (l LineInfo) Pin() string {
	if l.Header {
		return "GPIO" + strconv.Itoa(l.Line)
	}
	return l.Chip + "/" + strconv.Itoa(l.Line)
}

// LineOptions says how a pin is to be used. All of it takes effect at once, so
// that an output never shows another level than Initial.
type LineOptions struct {
	Pin       string // GPIO17: the number of the processor's pin, as on the Pi's pinout; or mcp23017/3, see [ChipLine]
	Consumer  string // who holds it, shown to other programs: the device's name
	Output    bool
	Initial   bool // of an output: active at first
	Keep      bool // of a pin that is an output already: stay as it is, whatever Initial says
	ActiveLow bool // active means a low level
	Pull      Pull
	Debounce  time.Duration // of an input: shorter changes are ignored
}

// Line is a pin that is held. Values are logical: true is active. Get and Set are
// safe for concurrent use with Next.
type Line interface {
	Get() (bool, error)
	Set(active bool) error
	// Next waits for the next change of an input. It returns ctx's error when ctx
	// ends. Changes that came since the last call are not lost, up to 16.
	Next(ctx context.Context) (Edge, error)
	Close() error
}

// Edge is a change of an input.
type Edge struct {
	Active bool
	Time   time.Time // machine time
}
