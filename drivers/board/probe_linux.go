package board

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"hogar/drivers"
)

// From linux/i2c-dev.h and linux/i2c.h.
const (
	i2cSlave = 0x0703
	i2cSMBus = 0x0720

	i2cFuncQuick    = 0x00010000 // I2C_FUNC_SMBUS_QUICK
	i2cFuncReadByte = 0x00020000 // I2C_FUNC_SMBUS_READ_BYTE

	smbusQuick = 0
	smbusByte  = 1
)

// smbusRequest is struct i2c_smbus_ioctl_data.
type smbusRequest struct {
	read    uint8
	command uint8
	size    uint32
	data    *[34]byte // union i2c_smbus_data
}

// Probe asks whether a chip answers at an address. It does as i2cdetect does: a write of
// nothing, but a read of one byte at 0x30 to 0x37 and 0x50 to 0x5f, where memories might
// take the former for the begin of a write. Where that read is not acknowledged, a write of nothing is tried all the same at 0x58 to 0x5f,
// where no memories are: a Pi 5 does not see all chips by a read (raspberrypi/linux issue 6258). An address that a driver of the kernel
// serves is not touched; its error is [syscall.EBUSY].
func (b *Board) Probe(name string, address uint16) error {
	path, err := busPath(name)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(b.path(path), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("i2c bus %s: %w%s", name, err, i2cHint(err))
	}
	defer file.Close() // nothing is written that could be lost
	var can uintptr
	err = control(file, func(fd uintptr) error { return b.kernel.ask(fd, i2cFuncs, unsafe.Pointer(&can)) })
	if err == nil {
		err = control(file, func(fd uintptr) error { return b.kernel.tell(fd, i2cSlave, uintptr(address)) })
	}
	if err != nil {
		return fmt.Errorf("%s: probe %#02x: %w", name, address, err)
	}
	reads := address >= 0x30 && address <= 0x37 || address >= 0x50 && address <= 0x5f
	quick, byRead := &smbusRequest{size: smbusQuick}, &smbusRequest{read: 1, size: smbusByte, data: new([34]byte)}
	ask := func(r *smbusRequest) error {
		err := control(file, func(fd uintptr) error { return b.kernel.ask(fd, i2cSMBus, unsafe.Pointer(r)) })
		runtime.KeepAlive(r)
		return err
	}
	if can&i2cFuncQuick == 0 || reads && can&i2cFuncReadByte != 0 {
		err = ask(byRead)
		if unacknowledged(err) && can&i2cFuncQuick != 0 && address >= 0x58 && address <= 0x5f {
			err = ask(quick)
		}
	} else {
		err = ask(quick)
	}
	switch {
	case unacknowledged(err):
		return fmt.Errorf("%s: probe %#02x: %w: %w", name, address, drivers.ErrAbsent, err)
	case err != nil:
		return fmt.Errorf("%s: probe %#02x: %w", name, address, err)
	}
	return nil
}

// unacknowledged reports whether nobody answered.
func unacknowledged(err error) bool {
	return errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.EREMOTEIO) || errors.Is(err, syscall.EIO)
}
