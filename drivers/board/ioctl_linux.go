package board

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"
)

// system is the running kernel.
type system struct{}

func (system) ask(fd uintptr, request uint, about unsafe.Pointer) error {
	for {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, uintptr(request), uintptr(about))
		if errno != syscall.EINTR {
			return orNil(errno)
		}
	}
}

func (system) tell(fd uintptr, request uint, number uintptr) error {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, uintptr(request), number)
	return orNil(errno)
}

// orNil keeps error number 0 from becoming an error that says "success".
func orNil(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// control calls f with the descriptor of an open file, which cannot be closed
// meanwhile. Unlike [os.File.Fd] it leaves the file in the runtime's poller, so
// that reads can still be interrupted.
func control(file *os.File, f func(fd uintptr) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := raw.Control(func(fd uintptr) { result = f(fd) }); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file.Name()), os.ErrClosed) // the only reason, under a private name
	}
	return result
}
