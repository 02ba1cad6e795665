package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// memory of a process, in millions of bytes.
type memory struct {
	resident  float64 // VmRSS
	anonymous float64 // RssAnon: heap, stacks, what the runtime keeps
	highest   float64 // VmHWM: the most that was resident so far
	share     float64 // Pss: pages of the binary count once for all who use them
}

// memoryOf reads it from /proc (Linux).
func memoryOf(pid int) (memory, error) {
	status, err1 := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	rollup, err2 := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err := errors.Join(err1, err2); err != nil {
		return memory{}, err
	}
	return parseMemory(status, rollup)
}

func parseMemory(status, rollup []byte) (m memory, err error) {
	for _, f := range []struct {
		from []byte
		key  string
		into *float64
	}{{status, "VmRSS", &m.resident}, {status, "RssAnon", &m.anonymous},
		{status, "VmHWM", &m.highest}, {rollup, "Pss", &m.share}} {
		if *f.into, err = kilobytes(f.from, f.key); err != nil {
			return memory{}, err
		}
	}
	return m, nil
}

// kilobytes finds a line like "VmRSS:   1234 kB", which means 1,024 bytes each.
func kilobytes(text []byte, key string) (float64, error) {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte(key+":"))
		if !ok {
			continue
		}
		kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(string(rest)), "kB")), 64)
		return kb * 1024 / 1e6, err
	}
	return 0, fmt.Errorf("/proc has no %s", key)
}

// tick is the unit of times in /proc/<pid>/stat: USER_HZ, 100 on all Linux that Go knows.
const tick = 10 * time.Millisecond

// processorTime is what the process has used so far, of all cores (Linux).
func processorTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(stat))
}

// parseStat adds utime and stime, the 14th and 15th field (proc(5)). The second,
// the name in parentheses, may hold anything.
func parseStat(stat string) (time.Duration, error) {
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(f) < 13 {
		return 0, fmt.Errorf("read /proc/<pid>/stat: %d fields, expected more", len(f)+2)
	}
	user, err1 := strconv.Atoi(f[11])
	system, err2 := strconv.Atoi(f[12])
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}
