package main

import (
	"fmt"
	"syscall"
)

// leashed has a process end with this one, however that ends.
func leashed() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// mount puts a disk in memory, of so many bytes, at a folder.
func mount(dir string, size int) error {
	return syscall.Mount("torture", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d,mode=0700", size))
}

func unmount(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }
