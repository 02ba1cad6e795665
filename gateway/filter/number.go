package filter

import (
	"math"
	"slices"
	"time"
)

// always is the part of filters that keep nothing.
type always struct{}

func (always) reset() {}

// offset adds.
type offset struct {
	always
	by float64
}

func (o offset) take(s Sample, _ time.Time) (Sample, bool) {
	return s.with(s.Value.Number() + o.by), true
}

// scale multiplies.
type scale struct {
	always
	by float64
}

func (o scale) take(s Sample, _ time.Time) (Sample, bool) {
	return s.with(s.Value.Number() * o.by), true
}

// clamp keeps a value within limits.
type clamp struct {
	always
	min, max float64
}

func (c clamp) take(s Sample, _ time.Time) (Sample, bool) {
	return s.with(min(max(s.Value.Number(), c.min), c.max)), true
}

// calibrate goes along the line through its points, which are in order; beyond
// them along the first and the last piece.
type calibrate struct {
	always
	points [][2]float64 // measured, true
}

func (c calibrate) take(s Sample, _ time.Time) (Sample, bool) {
	x := s.Value.Number()
	if len(c.points) == 1 {
		return s.with(x - c.points[0][0] + c.points[0][1]), true
	}
	i := 1
	for i < len(c.points)-1 && x > c.points[i][0] {
		i++
	}
	a, b := c.points[i-1], c.points[i]
	return s.with(a[1] + (x-a[0])*(b[1]-a[1])/(b[0]-a[0])), true
}

// window is the last values, the oldest first.
type window struct {
	size   int
	values []float64
}

func (w *window) reset() { w.values = w.values[:0] }

func (w *window) add(f float64) {
	if len(w.values) == w.size {
		copy(w.values, w.values[1:])
		w.values = w.values[:w.size-1]
	}
	w.values = append(w.values, f)
}

// median is the one in the middle, or halfway between the two.
type median struct{ window }

func (m *median) take(s Sample, _ time.Time) (Sample, bool) {
	m.add(s.Value.Number())
	sorted := slices.Sorted(slices.Values(m.values))
	n := len(sorted)
	if n%2 == 1 {
		return s.with(sorted[n/2]), true
	}
	return s.with(sorted[n/2-1]/2 + sorted[n/2]/2), true
}

// average is the mean of the window.
type average struct{ window }

func (a *average) take(s Sample, _ time.Time) (Sample, bool) {
	a.add(s.Value.Number())
	mean := 0.0
	for i, f := range a.values { // not a sum, which may leave the numbers
		mean += (f - mean) / float64(i+1)
	}
	return s.with(mean), true
}

// delta lets pass what differs enough from the last that passed.
type delta struct {
	by      float64
	percent bool
	last    float64
	any     bool // something passed
}

func (d *delta) reset() { d.any = false }

func (d *delta) take(s Sample, _ time.Time) (Sample, bool) {
	v := s.Value.Number()
	least := d.by
	if d.percent {
		least = math.Abs(d.last) * d.by / 100
	}
	// 21.4 - 21.3 is a little less than 0.1
	slack := 1e-9 * max(math.Abs(v), math.Abs(d.last))
	if d.any && (v == d.last || math.Abs(v-d.last) < least-slack) {
		return s, false
	}
	d.last, d.any = v, true
	return s, true
}
