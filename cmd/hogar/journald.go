package main

import (
	"bytes"
	"io"
)

// journald puts the priority before each line, as journald takes it from a service's
// standard error (sd-daemon(3)), so that journalctl -p warning finds what matters.
type journald struct{ io.Writer }

// Write takes one line of slog's text form, which begins with its level.
func (j journald) Write(line []byte) (int, error) {
	priority := "<6>"
	for _, one := range []struct{ level, priority string }{{"level=DEBUG", "<7>"}, {"level=WARN", "<4>"}, {"level=ERROR", "<3>"}} {
		if bytes.HasPrefix(line, []byte(one.level)) {
			priority = one.priority
		}
	}
	if _, err := j.Writer.Write(append([]byte(priority), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
}
