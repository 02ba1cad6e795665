package ruletest

import (
	"encoding/json"
	"strings"
	"time"

	"hogar/gateway/home"
	"hogar/rules"
)

// setting is how the clock of the house stands from a step on.
type setting struct {
	offset  time.Duration // of the wall time to the time of the test
	doubted bool
}

// longestSetting is by how much a step may set the clock.
const longestSetting = 100 * 366 * 24 * time.Hour

// clock reads what a step does to the clock: by how much it is set, or to what time, and
// behind that whether it is trusted from now on. With restart: beside it that holds when
// the gateway is back.
func (d *decoder) clock(s *step, in *home.Decoder) {
	n := in.Get("clock")
	if n == nil {
		return
	}
	set, text := d.stands, n.Text
	for _, word := range []string{"untrusted", "trusted"} {
		if rest, ok := strings.CutSuffix(text, word); ok {
			set.doubted, text = word == "untrusted", strings.TrimSpace(rest)
			break
		}
	}
	ok := n.Kind == home.NodeScalar
	if text != "" {
		var offset time.Duration
		offset, ok = d.setTo(s, text)
		set.offset = offset
	}
	if !ok || n.Text == "" || set.offset.Abs() > longestSetting {
		d.faults.At(n, "write -2h, +10s, 2026-12-01T10:00, trusted, untrusted, or 2026-12-01T10:00 trusted; 100 years at most", "clock is %s", n.Describe())
		return
	}
	s.clock, d.stands = &set, set
}

// setTo is how the clock stands behind a step that sets it by a span, or to a time.
func (d *decoder) setTo(s *step, text string) (offset time.Duration, ok bool) {
	span, back := strings.CutPrefix(text, "-")
	if by, err := home.ParseDuration(strings.TrimPrefix(span, "+")); err == nil && by <= longestSetting {
		if back {
			by = -by
		}
		return d.stands.offset + by, true
	}
	to, ok := rules.LocalTime(strings.Replace(text, "T", " ", 1), s.at, d.suite.location())
	return to.Sub(s.at.Add(s.restart)), ok && len(text) >= len("2026-07-01 ")
}

// wall is what the clock of the house shows at a moment of the test.
func (r *runner) wall(at time.Time) time.Time { return at.Add(r.stands.offset) }

// elapsed is a moment of the test on the elapsed clock.
func (r *runner) elapsed(at time.Time) time.Time { return at.Add(-r.uncounted) }

// setClock sets the clock of the house as a step wants it.
func (r *runner) setClock(set *setting) {
	if set == nil || *set == r.stands {
		return
	}
	by := set.offset - r.stands.offset
	r.turnClock(set)
	detail := r.clockSet()
	detail.By = by.Seconds()
	if detail.Trusted {
		detail.Off, r.missing = r.missing.Seconds(), 0
	}
	r.feed(home.Event{Kind: home.KindGateway, Name: home.EventClockSet, Detail: encoded(detail)})
}

// doubts lets a house begin with a clock that its first step does not trust.
func (r *runner) doubts(first *step) {
	r.stands.doubted = first.clock != nil && first.restart == 0 && first.clock.doubted
}

// turnClock notes how the clock stands, and what has been logged by the clock before.
func (r *runner) turnClock(set *setting) {
	r.log.collect(r.engine)
	r.log.cut()
	r.stands = *set
}

func (r *runner) clockSet() home.ClockSet {
	return home.ClockSet{Elapsed: r.elapsed(r.now), Trusted: !r.stands.doubted, Start: r.start}
}

func encoded(set home.ClockSet) json.RawMessage {
	b, err := json.Marshal(set)
	if err != nil {
		return nil // times and numbers always encode
	}
	return b
}

// startClock is the clock of a gateway that comes back: while its time is not trusted
// nobody knows for how long it was off.
func (r *runner) startClock() {
	if r.off.clock != nil {
		r.turnClock(r.off.clock)
	}
	if r.stands.doubted {
		off := r.off.restart - time.Millisecond // a little has passed in any case
		r.uncounted += off
		r.missing += off
	}
	r.start = r.elapsed(r.now)
}
