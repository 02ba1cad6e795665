package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"unsafe"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// From linux/i2c-dev.h and linux/i2c.h.
const (
	i2cRetries = 0x0701
	i2cTimeout = 0x0702 // in units of 10 ms
	i2cFuncs   = 0x0705
	i2cRdwr    = 0x0707

	i2cFuncI2C = 1    // I2C_FUNC_I2C: the adapter does plain transfers
	i2cRead    = 1    // I2C_M_RD
	i2cLongest = 8192 // bytes in a message; i2c-dev refuses more
	i2cHighest = 0x7f // 7 bits
	i2cWait    = 50   // 500 ms: twice what 256 bytes take at 10 kHz
	i2cAgain   = 1    // once more after losing the bus to another master
)

// i2cMessage is struct i2c_msg. The buffer is a Go pointer, so that it is kept
// alive and up to date until the kernel has it.
type i2cMessage struct {
	address uint16
	flags   uint16
	length  uint16
	buffer  *byte
}

// i2cTransfer is struct i2c_rdwr_ioctl_data.
type i2cTransfer struct {
	messages *i2cMessage
	count    uint32
}

// bus is an open /dev/i2c-N. The kernel does one transfer at a time on an
// adapter, so that no lock is needed here.
type bus struct {
	name   string
	file   *os.File
	kernel kernel
	gone   func(sharedBus) // the adapter was unplugged
}

var _ i2c.Bus = (*bus)(nil)

// openBus opens the adapter at path and bounds its transfers in time. The bounds
// are the adapter's: they hold for other programs, too.
func (b *Board) openBus(name, path string) (sharedBus, error) {
	file, err := os.OpenFile(b.path(path), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("i2c bus %s: %w%s", name, err, i2cHint(err))
	}
	opened := &bus{name: name, file: file, kernel: b.kernel}
	opened.gone = func(s sharedBus) { b.forget(path, s) }
	if err := opened.prepare(); err != nil {
		_ = file.Close() // nothing was written
		return nil, fmt.Errorf("i2c bus %s: %w", name, err)
	}
	return opened, nil
}

// i2cHint says what to do when an adapter cannot be opened.
func i2cHint(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ": switch it on with raspi-config (Interface Options, I2C) or dtparam=i2c_arm=on in " +
			"/boot/firmware/config.txt, and load the module i2c-dev"
	case errors.Is(err, fs.ErrPermission):
		return ": this user is not in group i2c: sudo usermod -aG i2c NAME, then log in again"
	}
	return ""
}

// prepare refuses adapters that cannot do plain transfers and sets the limits.
func (b *bus) prepare() error {
	var can uintptr // unsigned long
	err := control(b.file, func(fd uintptr) error { return b.kernel.ask(fd, i2cFuncs, unsafe.Pointer(&can)) })
	if err != nil {
		return fmt.Errorf("%s is no i2c adapter: %w", filepath.Base(b.file.Name()), err)
	}
	if can&i2cFuncI2C == 0 {
		return fmt.Errorf("the adapter knows SMBus only, and the chips need plain i2c: %w", errors.ErrUnsupported)
	}
	for request, value := range map[uint]uintptr{i2cTimeout: i2cWait, i2cRetries: i2cAgain} {
		err := control(b.file, func(fd uintptr) error { return b.kernel.tell(fd, request, value) })
		if err != nil {
			return fmt.Errorf("set the time limit: %w", err)
		}
	}
	return nil
}

// String returns the name by which the bus was asked for: I2C1.
func (b *bus) String() string { return b.name }

// Tx writes w and then reads r in one transfer that nobody can come between.
func (b *bus) Tx(address uint16, w, r []byte) error {
	switch {
	case address > i2cHighest:
		return fmt.Errorf("%s: address %#x is not one of 7 bits", b.name, address)
	case max(len(w), len(r)) > i2cLongest:
		return fmt.Errorf("%s: %d bytes for %#02x, at most %d fit", b.name, max(len(w), len(r)), address, i2cLongest)
	case len(w)+len(r) == 0:
		return nil
	}
	t := newTransfer(address, w, r)
	err := control(b.file, func(fd uintptr) error { return b.kernel.ask(fd, i2cRdwr, unsafe.Pointer(t)) })
	runtime.KeepAlive(t)
	if errors.Is(err, syscall.ENODEV) {
		b.gone(b)
	}
	if err != nil {
		return fmt.Errorf("%s: transfer with %#02x: %w", b.name, address, err)
	}
	return nil
}

// newTransfer describes a write, a read, or a write and then a read.
func newTransfer(address uint16, w, r []byte) *i2cTransfer {
	messages := make([]i2cMessage, 0, 2)
	if len(w) > 0 {
		messages = append(messages, i2cMessage{address, 0, uint16(len(w)), unsafe.SliceData(w)})
	}
	if len(r) > 0 {
		messages = append(messages, i2cMessage{address, i2cRead, uint16(len(r)), unsafe.SliceData(r)})
	}
	return &i2cTransfer{messages: unsafe.SliceData(messages), count: uint32(len(messages))}
}

// SetSpeed is refused: Linux sets the speed of a bus at boot.
func (b *bus) SetSpeed(physic.Frequency) error {
	return fmt.Errorf("%s: the speed is set at boot, by dtparam=i2c_arm_baudrate in config.txt: %w",
		b.name, errors.ErrUnsupported)
}

func (b *bus) close() error { return b.file.Close() }
