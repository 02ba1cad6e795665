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
// take the former for the begin of a write. An address that a driver of the kernel
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
	r := &smbusRequest{size: smbusQuick}
	if can&i2cFuncQuick == 0 || reads && can&i2cFuncReadByte != 0 {
		r = &smbusRequest{read: 1, size: smbusByte, data: new([34]byte)}
	}
	err = control(file, func(fd uintptr) error { return b.kernel.ask(fd, i2cSMBus, unsafe.Pointer(r)) })
	runtime.KeepAlive(r)
	switch {
	case errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.EREMOTEIO), errors.Is(err, syscall.EIO):
		return fmt.Errorf("%s: probe %#02x: %w: %w", name, address, drivers.ErrAbsent, err)
	case err != nil:
		return fmt.Errorf("%s: probe %#02x: %w", name, address, err)
	}
	return nil
}
