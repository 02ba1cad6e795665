package hub

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// agenda holds one time for each key, and finds the keys that are due without looking
// at the others. Not safe for concurrent use.
type agenda[K comparable] struct {
	byKey map[K]*entry[K]
	order entries[K]
}

type entry[K comparable] struct {
	key K
	at  time.Time
	pos int // in order
}

// set gives key the time at, in place of the one it had; zero takes the key away.
func (a *agenda[K]) set(key K, at time.Time) {
	e := a.byKey[key]
	switch {
	case e == nil && at.IsZero():
	case e == nil:
		if a.byKey == nil {
			a.byKey = make(map[K]*entry[K])
		}
		e = &entry[K]{key: key, at: at}
		a.byKey[key] = e
		heap.Push(&a.order, e)
	case at.IsZero():
		delete(a.byKey, key)
		heap.Remove(&a.order, e.pos)
	case !at.Equal(e.at):
		e.at = at
		heap.Fix(&a.order, e.pos)
	}
}

// sooner is set, unless key has an earlier time or at is zero.
func (a *agenda[K]) sooner(key K, at time.Time) {
	if e := a.byKey[key]; !at.IsZero() && (e == nil || at.Before(e.at)) {
		a.set(key, at)
	}
}

// next returns the earliest time; zero: there is none.
func (a *agenda[K]) next() time.Time {
	if len(a.order) == 0 {
		return time.Time{}
	}
	return a.order[0].at
}

// pop takes away the keys whose time is not after now, and returns them ordered by compare.
func (a *agenda[K]) pop(now time.Time, compare func(a, b K) int) []K {
	var due []K
	for len(a.order) > 0 && !a.order[0].at.After(now) {
		key := a.order[0].key
		a.set(key, time.Time{})
		due = append(due, key)
	}
	slices.SortFunc(due, compare)
	return due
}

// entries is a heap: the earliest is the first.
type entries[K comparable] []*entry[K]

func (e entries[K]) Len() int           { return len(e) }
func (e entries[K]) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e entries[K]) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].pos, e[j].pos = i, j
}

func (e *entries[K]) Push(x any) {
	one := x.(*entry[K])
	one.pos = len(*e)
	*e = append(*e, one)
}

func (e *entries[K]) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*e = old[:len(old)-1]
	return last
}

// place names a property of a device.
type place struct{ device, property string }

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.property, b.property))
}
