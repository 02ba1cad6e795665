package gateway

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
)

// TraceVariable is the variable of the environment with which a [Broken] is shown with its trace.
const TraceVariable = "HOGAR_TRACE"

// Broken is a mistake of the program's own that was caught: a panic. Its text has neither
// the trace nor the value of the panic, which may repeat what it choked on.
type Broken struct {
	doing string
	where string // where the trace is
}

// Error implements error.
func (b *Broken) Error() string {
	return fmt.Sprintf("%s: this is a mistake in hogar itself, and not yours: please report it (%s)", b.doing, b.where)
}

// Guard runs f in this goroutine and returns its error, or a [*Broken] when it panics. doing
// says what f does; version is hogar's.
func Guard(doing, version string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Broken{doing, keepTrace(fmt.Sprintf("hogar %s, %s: %v\n\n%s", version, doing, v, debug.Stack()))}
		}
	}()
	return f()
}

// keepTrace writes a trace where it can be found, for its owner alone, and says where.
func keepTrace(text string) string {
	if os.Getenv(TraceVariable) != "" {
		return "the trace follows\n" + text
	}
	file, err := os.CreateTemp("", "hogar-trace-*.txt") // mode 0600
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return "with " + TraceVariable + "=1 in the environment it shows where"
	}
	return "with the file " + file.Name() + ", which says where it was"
}
