package drivers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"hogar/gateway/home"
)

// Limits of one operation on a chip.
const (
	freeTransfers = 16               // these go at once
	maxTransfers  = 128              // then the operation is given up
	transferPause = time.Millisecond // before each that is not free
)

// errRunaway ends a driver that asks the chip the same thing for ever.
var errRunaway = errors.New("the chip never becomes ready: it needs its power switched off and on, or SDA is stuck high")

// Guard is the bus as one chip's driver sees it: it works only inside [Guard.Do],
// where each transfer is refused once the time is over or too many were made.
// So every loop in a driver ends, whatever the chip answers. Like the device it
// belongs to, it is used by one goroutine at a time.
type Guard struct {
	bus   i2c.Bus
	part  Part
	ctx   context.Context // of the operation that runs; nil between operations
	count int             // transfers in this operation
	cause error           // the first error of this operation
}

var _ i2c.Bus = (*Guard)(nil)

// NewGuard guards the way to the chip that part describes.
func NewGuard(bus i2c.Bus, part Part) *Guard { return &Guard{bus: bus, part: part} }

// Do runs work, one measurement say, with the bus lent to it until ctx ends. Its
// error names the chip and says what to check; it is that of the bus where
// there was one, even when work passed it over in silence or flattened it.
func (g *Guard) Do(ctx context.Context, work func() error) error {
	g.ctx, g.count, g.cause = ctx, 0, nil
	defer func() { g.ctx = nil }()
	err := work()
	if g.cause != nil {
		err = g.cause
	}
	if err != nil {
		return fmt.Errorf("%v: %w", g.part, err)
	}
	return nil
}

// Tx makes one transfer; see [i2c.Bus].
func (g *Guard) Tx(addr uint16, w, r []byte) error {
	err := g.tx(addr, w, r)
	if err != nil && g.cause == nil {
		g.cause = err
	}
	return err
}

func (g *Guard) tx(addr uint16, w, r []byte) error {
	if g.ctx == nil {
		return errors.New("a transfer outside of any operation")
	}
	if g.count++; g.count > maxTransfers {
		return errRunaway
	}
	if g.count > freeTransfers {
		if err := g.Wait(transferPause); err != nil {
			return err
		}
	}
	if err := g.ctx.Err(); err != nil {
		return err
	}
	return explain(g.bus.Tx(addr, w, r), g.part.Bus)
}

// Wait waits for d, a chip's conversion say, or until the operation's time is
// over, which is its error.
func (g *Guard) Wait(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-g.ctx.Done():
		return g.ctx.Err()
	}
}

// SetSpeed refuses: the bus is shared, its speed is the machine's business.
func (g *Guard) SetSpeed(physic.Frequency) error {
	return errors.New("the speed of a bus is set for the whole machine: dtparam=i2c_arm_baudrate=100000")
}

// String names the bus.
func (g *Guard) String() string { return g.part.Bus }

// remoteIO is EREMOTEIO on Linux, which other systems lack. A Pi reports it for a
// chip that does not answer, where others say ENXIO.
const remoteIO = syscall.Errno(121)

// explain adds to an error of the bus what the user can do. Some buses hand on
// only the text of the kernel's error.
func explain(err error, bus string) error {
	is := func(no syscall.Errno, text string) bool {
		return errors.Is(err, no) || strings.Contains(err.Error(), text)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrAbsent), is(syscall.ENXIO, "no such device or address"), is(remoteIO, "remote I/O error"):
		return fmt.Errorf("%w: check the wiring and the address (i2cdetect -y %s lists who is there), "+
			"and that dtparam=i2c_arm=on is in config.txt: %w", ErrAbsent, strings.TrimPrefix(bus, "I2C"), err)
	case is(syscall.ETIMEDOUT, "connection timed out"):
		return fmt.Errorf("the chip holds the bus and does not let go: check its power and the pull-ups, "+
			"then switch its power off and on: %w", err)
	}
	return err
}

// ChipPart reads the keys bus and address, which every chip on a bus has. The chip is one of [Chips].
func ChipPart(d *home.Decoder, chip string) Part {
	p := Part{Chip: chip, Bus: d.Text("bus", "I2C1")}
	row, ok := ChipNamed(chip)
	if !ok {
		d.Fault("driver", "", "no %s is in the table of chips, drivers/chips.go", chip)
		return p
	}
	addresses := row.Addresses
	p.Address = addresses[0]
	if number, is := strings.CutPrefix(p.Bus, "I2C"); !is || !isNumber(number, 255) {
		d.Fault("bus", "write I2C1 for /dev/i2c-1, the bus on the Pi's header", "bus is '%s', expected I2C and a number", p.Bus)
	}
	if d.Get("address") == nil {
		return p
	}
	texts := make([]string, len(addresses))
	for i, a := range addresses {
		texts[i] = fmt.Sprintf("%#x", a)
		if n, err := strconv.ParseUint(d.Get("address").Text, 0, 16); err == nil && uint16(n) == a {
			p.Address = a
			return p
		}
	}
	expected := strings.Join(texts, " or ")
	if len(texts) > 4 {
		expected = "one from " + texts[0] + " to " + texts[len(texts)-1]
	}
	d.Fault("address", "", "address is %s, expected %s, which a %s can have", d.Get("address").Describe(), expected, chip)
	return p
}

// Consumer is the name under which a device's entry holds its pin: the device's.
func Consumer(d *home.Decoder) string {
	if n := len(d.Node.Path); n > 0 {
		return d.Node.Path[n-1]
	}
	return "hogar"
}

// isNumber reports whether s is a plain decimal number up to most.
func isNumber(s string, most int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && strconv.Itoa(n) == s && n >= 0 && n <= most
}
