package main

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"time"
)

// logFile is what one of the oracles has seen, a line each, for who looks into a
// failure afterwards.
type logFile struct {
	began time.Time
	mu    sync.Mutex
	file  *os.File
	w     *bufio.Writer
}

func newLogFile(path string, began time.Time) (*logFile, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &logFile{began: began, file: f, w: bufio.NewWriter(f)}, nil
}

func (l *logFile) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, "%9.3f ", time.Since(l.began).Seconds())
	fmt.Fprintf(l.w, format, args...)
	_ = l.w.WriteByte('\n')
}

func (l *logFile) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.w.Flush()
	_ = l.file.Close()
}
