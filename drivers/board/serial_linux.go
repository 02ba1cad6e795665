package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"

	"hogar/drivers"
)

// speeds are the baud rates that sensors have, as the kernel codes them.
func speeds() map[int]uint32 {
	return map[int]uint32{1200: unix.B1200, 2400: unix.B2400, 4800: unix.B4800, 9600: unix.B9600, 19200: unix.B19200,
		38400: unix.B38400, 57600: unix.B57600, 115200: unix.B115200}
}

// debugPlug is the UART to which a Pi 5 links /dev/serial0: it is no pin of the header.
const debugPlug = "ttyAMA10"

// Serial opens the serial port at a path below the board's root and sets it up:
// raw, 8 bits, no parity, one stop bit, no flow control. What came before is thrown away.
func (b *Board) Serial(path string, baud int) (drivers.Port, error) {
	speed, ok := speeds()[baud]
	if !ok {
		return nil, fmt.Errorf("serial port %s: %d baud is no speed it can have", path, baud)
	}
	if to, err := os.Readlink(b.path(path)); err == nil && filepath.Base(to) == debugPlug && filepath.Base(path) != debugPlug {
		return nil, fmt.Errorf("serial port %s: on a Pi 5 that is the plug for debugging (%s) and not GPIO14 and GPIO15: "+
			"write dtoverlay=uart0-pi5 into /boot/firmware/config.txt, restart, and write port: /dev/ttyAMA0", path, debugPlug)
	}
	file, err := os.OpenFile(b.path(path), os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("serial port %s: %w%s", path, err, serialHint(err))
	}
	t := unix.Termios{Cflag: unix.CS8 | unix.CREAD | unix.CLOCAL | speed, Ispeed: speed, Ospeed: speed}
	t.Cc[unix.VMIN] = 1
	err = control(file, func(fd uintptr) error {
		return errors.Join(b.kernel.ask(fd, unix.TCSETS, unsafe.Pointer(&t)), b.kernel.tell(fd, unix.TCFLSH, unix.TCIFLUSH))
	})
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, fmt.Errorf("set up serial port %s: %w", path, err)
	}
	return file, nil
}

// serialHint says what to do when a port cannot be opened.
func serialHint(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ": write enable_uart=1 into /boot/firmware/config.txt (on a Pi 5 dtoverlay=uart0-pi5 instead, which makes /dev/ttyAMA0), or plug the adapter in"
	case errors.Is(err, fs.ErrPermission):
		return ": this user is not in group dialout: sudo usermod -aG dialout NAME, then log in again"
	}
	return ""
}
