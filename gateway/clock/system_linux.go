package clock

import (
	"context"
	"errors"
	"os"
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

// kernelSynchronised reports what the kernel says of the clock, to whom it may be asked.
func kernelSynchronised() bool {
	var t unix.Timex
	_, err := unix.Adjtimex(&t)
	return err == nil && int64(t.Maxerror) < noIdea.Microseconds()
}

// noIdea is the error that the kernel assumes of a clock that nobody has set right for hours
// (NTP_PHASE_LIMIT in include/linux/timex.h). STA_UNSYNC says less: chrony without rtcsync leaves it
// set, so that the kernel does not touch a clock chip; timedatectl does not go by it, either.
const noIdea = 16 * time.Second

// awaitSet waits until somebody has set the wall time, or ctx ends: a timer that never rings is
// cancelled by a setting of the clock (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET).
func awaitSet(ctx context.Context) error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return err
	}
	timer := os.NewFile(uintptr(fd), "timerfd")
	defer timer.Close()
	far := unix.ItimerSpec{Value: unix.NsecToTimespec(time.Now().AddDate(10, 0, 0).UnixNano())}
	if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &far, nil); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = timer.SetReadDeadline(time.Now()) })()
	var expirations [8]byte
	if _, err := timer.Read(expirations[:]); errors.Is(err, unix.ECANCELED) {
		return nil
	} else if ctx.Err() != nil {
		return ctx.Err()
	} else {
		return err
	}
}
