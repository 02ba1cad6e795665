package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The limits of the systemd unit, under which the gateway is tortured.
const (
	unitMemory = 256 << 20
	unitFiles  = 4096
)

// cage is a control group for the memory of one process; one without a folder limits nothing.
type cage struct{ dir string }

// newCage makes a control group in which a process may have the unit's memory and more bytes
// beside: those of a disk in memory are counted as its own. Where the system does not let us,
// the cage has no folder.
func newCage(name string, more int64) cage {
	limit := fmt.Appendf(nil, "%d", unitMemory+more)
	for _, at := range []struct{ root, file string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, // the first version of control groups
		{"/sys/fs/cgroup", "memory.max"},
	} {
		dir := filepath.Join(at.root, name)
		if os.Mkdir(dir, 0o700) != nil {
			continue
		}
		if os.WriteFile(filepath.Join(dir, at.file), limit, 0o600) == nil {
			return cage{dir}
		}
		_ = os.Remove(dir)
	}
	return cage{}
}

// wrap returns the words of a command that runs args inside the cage.
func (c cage) wrap(args []string) []string {
	script := fmt.Sprintf("ulimit -n %d; ", unitFiles)
	if c.dir != "" {
		script += "echo $$ >" + filepath.Join(c.dir, "cgroup.procs") + "; "
	}
	return append([]string{"/bin/sh", "-c", script + `exec "$@"`, "sh"}, args...)
}

func (c cage) close() {
	if c.dir != "" {
		_ = os.Remove(c.dir)
	}
}

// written is the memory that a process has written now, in MB (RssAnon); 0 when it has ended.
func written(pid int) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	var kB float64
	_, _ = fmt.Sscan(rest, &kB) // 0 without it
	return kB * 1024 / 1e6
}
