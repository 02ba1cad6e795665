package rules

import "time"

// timer is a moment at which somebody wants to be woken. The zero timer is not set.
type timer struct {
	at    time.Time
	class int    // at the same moment: runs, then triggers, then the minute
	order uint64 // and in it by age or by place
	index int    // in the heap, counted from 1; 0: not set
	wake  func(e *Engine)
}

const (
	classRun = iota
	classTrigger
	classMinute
)

// dues are the timers that are set, a heap with the next one first. Its order is
// total, so that it does not depend on how the timers came in.
type dues []*timer

func (d dues) less(i, j int) bool {
	a, b := d[i], d[j]
	if !a.at.Equal(b.at) {
		return a.at.Before(b.at)
	}
	if a.class != b.class {
		return a.class < b.class
	}
	return a.order < b.order
}

func (d dues) swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].index, d[j].index = i+1, j+1
}

func (d dues) up(i int) {
	for i > 0 && d.less(i, (i-1)/2) {
		d.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (d dues) down(i int) {
	for {
		least := i
		for kid := 2*i + 1; kid <= 2*i+2 && kid < len(d); kid++ {
			if d.less(kid, least) {
				least = kid
			}
		}
		if least == i {
			return
		}
		d.swap(i, least)
		i = least
	}
}

// set wakes t at a moment instead of when it would have been; the zero time: never.
func (d *dues) set(t *timer, at time.Time) {
	if t.index > 0 && t.at.Equal(at) {
		return
	}
	d.clear(t)
	if at.IsZero() {
		return
	}
	t.at = at
	*d = append(*d, t)
	t.index = len(*d)
	d.up(len(*d) - 1)
}

func (d *dues) clear(t *timer) {
	if t.index == 0 {
		return
	}
	i, last := t.index-1, len(*d)-1
	d.swap(i, last)
	(*d)[last] = nil
	*d = (*d)[:last]
	t.index = 0
	t.at = time.Time{}
	if i < last {
		d.up(i)
		d.down(i)
	}
}
