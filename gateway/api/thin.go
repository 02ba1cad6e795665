package api

import (
	"cmp"
	"slices"

	"hogar/gateway/home"
)

// thinner keeps of each part of the time the first, the least, the greatest and the
// last value: a line through them looks like one through all (M4; Jugel and others,
// VLDB 2014). Of what is neither number nor boolean it keeps the changes.
type thinner struct {
	from, width int64 // ms
	points      []Point

	part []Point // first, least, greatest, last; empty: none
	no   int64   // of the part
}

// maxChanges bounds the changes of a text.
const maxChanges = 5000

// add takes a point; they come in the order of time, or nearly so.
func (t *thinner) add(p Point) {
	if k := p.Value.Kind(); k != home.Number && k != home.Boolean {
		t.flush()
		if n := len(t.points); n == 0 || t.points[n-1].Value != p.Value && n < maxChanges {
			t.points = append(t.points, p)
		}
		return
	}
	no := (p.At - t.from) / t.width
	if len(t.part) == 0 || no != t.no || p.Value.Kind() != t.part[0].Value.Kind() {
		t.flush()
		t.no, t.part = no, append(t.part, p, p, p, p)
		return
	}
	if height(p) < height(t.part[1]) {
		t.part[1] = p
	}
	if height(p) > height(t.part[2]) {
		t.part[2] = p
	}
	t.part[3] = p
}

func height(p Point) float64 {
	if p.Value.Boolean() {
		return 1
	}
	return p.Value.Number()
}

// flush ends the part.
func (t *thinner) flush() {
	slices.SortStableFunc(t.part, func(a, b Point) int { return cmp.Compare(a.At, b.At) })
	t.points = append(t.points, slices.Compact(t.part)...)
	t.part = t.part[:0]
}

// end returns what was kept.
func (t *thinner) end() []Point {
	t.flush()
	return t.points
}
