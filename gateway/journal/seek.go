package journal

import "sort"

// Before returns a number before all records kept of a time (µs since 1970) or later:
// where to begin a [Journal.Reader] that looks for them. It is exact to a segment.
func (j *Journal) Before(time int64) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := sort.Search(len(j.segs), func(i int) bool { return j.segs[i].time >= time })
	if i == 0 {
		return 0
	}
	return j.segs[i-1].first - 1
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
