package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// leashed has a process end with this one, however that ends.
func leashed() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// mount puts a disk in memory, of so many bytes, at a folder.
func mount(dir string, size int) error {
	return syscall.Mount("torture", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d,mode=0700", size))
}

func unmount(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }

// highest is the most memory that was resident of a process so far, in MB; 0 when it has
// ended.
func highest(pid int) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kB float64
	_, _ = fmt.Sscan(rest, &kB) // 0 without it
	return kB * 1024 / 1e6
}
