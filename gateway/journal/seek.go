package journal

import "sort"

// Range returns numbers between which all records of a time from first to last stand that
// have a number from from up to, and without, end; 0: up to the newest. The times among those have to
// ascend: where the clock was set, another range begins. What is found is cut at whole segments, so that
// the times have to be looked at once more. after is before the first of them; when after+1 is not
// before end there are none.
func (j *Journal) Range(from, end uint64, first, last int64) (after, before uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if end == 0 {
		end = j.last + 1
	}
	from = max(from, 1)
	segs := j.segs
	lo := sort.Search(len(segs), func(i int) bool { return segs[i].first >= from }) // in which the times ascend
	hi := sort.Search(len(segs), func(i int) bool { return segs[i].first >= end })
	segs = segs[lo:max(lo, hi)]
	after, before = from-1, end
	if i := sort.Search(len(segs), func(i int) bool { return segs[i].time >= first }); i > 0 {
		after = max(after, segs[i-1].first-1)
	}
	if i := sort.Search(len(segs), func(i int) bool { return segs[i].time > last }); i < len(segs) {
		before = segs[i].first
	}
	return after, before
}

// First returns the oldest number kept, or the next one to be given.
func (j *Journal) First() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.segs) == 0 {
		return j.last + 1
	}
	return j.segs[0].first
}
