//go:build !linux

package systemd_test

import "syscall"

func leashed() *syscall.SysProcAttr { return nil }
