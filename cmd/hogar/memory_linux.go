package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// unmapFiles takes the pages of files that nobody can have written, the program's text and
// constants, out of the process. They stay in the kernel's cache while there is room; one that
// is used again comes back by a minor fault, and its neighbours with it.
func unmapFiles() error {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer f.Close()
	clean, err := cleanMappings(f)
	for _, m := range clean {
		if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_DONTNEED); errno != 0 {
			err = errors.Join(err, fmt.Errorf("madvise %s: %w", m.path, errno))
		}
	}
	return err
}

// mapping is a part of a file in the memory of the process.
type mapping struct {
	from, to uintptr
	path     string
}

// cleanMappings finds in smaps (proc_pid_smaps(5)) the private mappings of files that
// cannot be written and hold no page that is not the file's any more. A loader leaves such
// pages in what it protects after it has relocated it: they exist nowhere else.
func cleanMappings(smaps io.Reader) (clean []mapping, err error) {
	var m mapping
	var mode string
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		key, rest, _ := strings.Cut(lines.Text(), " ")
		switch {
		case !strings.HasSuffix(key, ":"): // 00400000-00ad9000 r-xp 00000000 fe:00 4711   /usr/bin/hogar
			_, path, file := strings.Cut(rest, "/")
			if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &m.from, &m.to, &mode); err != nil {
				return nil, fmt.Errorf("read smaps: %q: %w", lines.Text(), err)
			}
			if m.path = ""; file {
				m.path = "/" + path
			}
		case key == "Anonymous:" && strings.TrimSpace(rest) == "0 kB" && m.path != "" && (mode == "r-xp" || mode == "r--p"):
			clean = append(clean, m)
		}
	}
	return clean, lines.Err()
}
