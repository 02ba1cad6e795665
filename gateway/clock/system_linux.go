package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot is how long the machine has been on, asleep or not (CLOCK_BOOTTIME).
func sinceBoot() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// kernelSynchronised reports what the kernel says of the clock (adjtimex, STA_UNSYNC).
func kernelSynchronised() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}
