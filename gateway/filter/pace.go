package filter

import (
	"time"

	"hogar/gateway/home"
)

// throttle lets one pass in each span of time; the others are dropped.
type throttle struct {
	span time.Duration
	next time.Time
}

func (t *throttle) reset() { t.next = time.Time{} }

func (t *throttle) take(s Sample, now time.Time) (Sample, bool) {
	if now.Before(t.next) {
		return s, false
	}
	t.next = now.Add(t.span)
	return s, true
}

// debounce lets a value pass when it has stayed for a span of time.
type debounce struct {
	span   time.Duration
	passed home.Value
	wait   Sample
	at     time.Time // when what waits has stayed long enough; zero: nothing waits
}

func (d *debounce) reset() { d.passed, d.at = home.Value{}, time.Time{} }

func (d *debounce) take(s Sample, now time.Time) (Sample, bool) {
	switch {
	case !d.passed.Known():
		d.passed = s.Value
		return s, true
	case s.Value == d.passed:
		d.at = time.Time{} // it is what it was
		return s, false
	case d.at.IsZero() || s.Value != d.wait.Value:
		d.wait, d.at = s, now.Add(d.span)
	case !now.Before(d.at):
		d.passed, d.at = s.Value, time.Time{}
		return s, true
	}
	return s, false
}

func (d *debounce) due(time.Time) time.Time { return d.at }

func (d *debounce) tick(Sample, time.Time) (Sample, bool) {
	d.passed, d.at = d.wait.Value, time.Time{}
	return d.wait, true
}

// heartbeat tells the last value again when it has been quiet for a span of
// time. It is not made younger than the last measurement.
type heartbeat struct {
	span time.Duration
	last Sample
	at   time.Time
}

func (h *heartbeat) reset() { h.at = time.Time{} }

func (h *heartbeat) take(s Sample, now time.Time) (Sample, bool) {
	h.last, h.at = s, now.Add(h.span)
	return s, true
}

func (h *heartbeat) due(time.Time) time.Time { return h.at }

func (h *heartbeat) tick(measured Sample, now time.Time) (Sample, bool) {
	h.at = h.at.Add(h.span * (1 + now.Sub(h.at)/h.span)) // what was missed is left out
	h.last.Time = measured.Time
	return h.last, true
}

// timeout makes the property unknown when nothing was measured for a span of
// time, whether other filters passed it on or not.
type timeout struct {
	always
	span time.Duration
}

func (t timeout) take(s Sample, _ time.Time) (Sample, bool) { return s, true }

func (t timeout) due(heard time.Time) time.Time { return heard.Add(t.span) }

func (t timeout) tick(last Sample, now time.Time) (Sample, bool) {
	return Sample{Unknown: "nothing measured for " + home.FormatDuration(t.span), Time: now}, true
}

// offAfter says off so long after the last on, for what says only on.
type offAfter struct {
	span time.Duration
	at   time.Time // when; zero: it is off
}

func (o *offAfter) reset() { o.at = time.Time{} }

func (o *offAfter) take(s Sample, now time.Time) (Sample, bool) {
	if o.at = (time.Time{}); s.Value == home.BooleanOf(true) {
		o.at = now.Add(o.span)
	}
	return s, true
}

func (o *offAfter) due(time.Time) time.Time { return o.at }

func (o *offAfter) tick(_ Sample, now time.Time) (Sample, bool) {
	o.at = time.Time{}
	return Sample{Value: home.BooleanOf(false), Time: now}, true
}

// skip drops the first measurements after the start.
type skip struct {
	always
	left int
}

func (k *skip) take(s Sample, _ time.Time) (Sample, bool) {
	if k.left > 0 {
		k.left--
		return s, false
	}
	return s, true
}
