package clock

import (
	"context"
	"fmt"
	"os"
	"time"
)

// system is the machine's time.
type system struct {
	origin time.Time     // with its monotonic part, which does not count while the machine sleeps
	boot   time.Duration // since the machine was started, at origin
	asleep time.Duration // since origin, as far as it is known
	asked  time.Time     // when the system was asked last whether it trusts its clock
}

// System makes the clock of the machine.
func System(t Trust) *Clock {
	return &Clock{src: &system{origin: time.Now(), boot: sinceBoot()}, trust: t}
}

// now reads both clocks, once more when something came in between. What time.Now says of the
// year 2157 and later has no monotonic part, so that what has passed is asked for by itself.
func (s *system) now() (wall time.Time, passed time.Duration) {
	for range 3 {
		before := time.Since(s.origin)
		wall, passed = time.Now().Round(0).UTC(), time.Since(s.origin)
		if passed-before < atOnce {
			break
		}
	}
	return wall, passed + s.asleep
}

// atOnce is how long it may take to read two clocks.
const atOnce = 100 * time.Millisecond

func (s *system) at(machine time.Time) time.Duration { return machine.Sub(s.origin) + s.asleep }

// slept compares the two clocks of Linux that nobody sets, of which one stands still while the
// machine sleeps.
func (s *system) slept() {
	s.asleep = max(s.asleep, sinceBoot()-s.boot-time.Since(s.origin))
}

// askEvery is how often the system is asked whether it trusts its clock, until somebody
// vouches for it.
const askEvery = time.Second

func (s *system) trusts(wall time.Time, t Trust, was Level) Level {
	switch {
	case wall.Before(built):
		return Doubted
	case was == Vouched || t.Always:
		return Vouched
	case !s.asked.IsZero() && time.Since(s.asked) < askEvery:
		return was
	}
	s.asked = time.Now()
	switch {
	case Synchronised() || chip():
		return Vouched
	case was == Assumed || sinceBoot() >= t.after():
		return Assumed
	}
	return Doubted
}

func (s *system) why(wall time.Time, t Trust) string {
	if wall.Before(built) {
		return "it shows a time before hogar was built"
	}
	return fmt.Sprintf("it is not synchronised, and there is no clock chip; without either it is trusted %s after the start of the machine", t.after())
}

// after is [Trust.After] with its default.
func (t Trust) after() time.Duration {
	if t.After == 0 {
		return TrustAfter
	}
	return t.After
}

// Synchronised reports whether the system says that its clock is synchronised: to the kernel,
// as NTP clients do, or as systemd-timesyncd does.
func Synchronised() bool {
	if kernelSynchronised() {
		return true
	}
	_, err := os.Stat("/run/systemd/timesync/synchronized")
	return err == nil
}

// ByKernelAlone reports whether only the kernel can say that the clock is right: there is no clock
// chip, and an NTP client at work that leaves no word in a file, as chrony and ntpd. The unit
// of systemd keeps that question from a program, see systemd.Needs.
func ByKernelAlone() bool {
	for _, path := range []string{"/run/chrony", "/run/ntpd.pid", "/run/openntpd.pid"} {
		if _, err := os.Stat(path); err == nil {
			return !chip()
		}
	}
	return false
}

// chip reports whether the machine has a clock chip, which goes on without power.
func chip() bool {
	for _, path := range []string{"/dev/rtc0", "/sys/class/rtc/rtc0"} {
		if _, err := os.Stat(path); err == nil {
			return true
		}
	}
	return false
}

// Watch looks at the machine's clock as soon as somebody has set it, so that [Clock.Changed] says
// so at once, until ctx ends. Where the system cannot say when it is set, who looks finds out.
func (c *Clock) Watch(ctx context.Context) {
	if _, machine := c.src.(*system); !machine {
		return
	}
	for awaitSet(ctx) == nil {
		c.Read()
	}
}
