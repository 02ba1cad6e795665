package control

import (
	"time"

	"hogar/gateway/home"
)

// Outcomes are remembered for a day, at most this many.
const (
	rememberFor = 24 * time.Hour
	rememberMax = 100_000
)

// ending is a remembered outcome.
type ending struct {
	At time.Time `json:"at"`
	home.Outcome
}

// memory holds the outcomes by the command's id, the oldest first.
type memory struct {
	list []ending
	byID map[string]int // index in list, counted from the first ever
	gone int            // how many were forgotten: list[0] has this index
}

func newMemory() memory { return memory{byID: make(map[string]int)} }

func (m *memory) get(id string) (home.Outcome, bool) {
	i, ok := m.byID[id]
	if !ok {
		return home.Outcome{}, false
	}
	return m.list[i-m.gone].Outcome, true
}

// put remembers an outcome and forgets those that are too old or too many.
func (m *memory) put(o home.Outcome, now time.Time) {
	if _, ok := m.byID[o.ID]; ok {
		return
	}
	m.byID[o.ID] = m.gone + len(m.list)
	m.list = append(m.list, ending{now, o})
	for len(m.list) > rememberMax || now.Sub(m.list[0].At) > rememberFor {
		delete(m.byID, m.list[0].ID)
		m.list = m.list[1:]
		m.gone++
	}
}
