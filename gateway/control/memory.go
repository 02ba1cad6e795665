package control

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"hogar/gateway/home"
)

// Outcomes are remembered for a day, at most this many. When there are more, new
// commands are refused: an id that is forgotten could act twice.
const (
	rememberFor = 24 * time.Hour
	rememberMax = 100_000
)

// ending is a remembered outcome. What the command was is kept as a fingerprint
// only: who asks again brings it along.
type ending struct {
	ID   string          `json:"id"`
	At   int64           `json:"at"` // ms since 1970, house time
	Body uint64          `json:"body"`
	Told json.RawMessage `json:"told"`
}

// told is the rest of an outcome.
type told struct {
	Result  home.Result    `json:"outcome"`
	Error   string         `json:"error,omitempty"`
	Hint    string         `json:"hint,omitempty"`
	Reading home.Settings  `json:"reading,omitempty"`
	Source  string         `json:"source,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	TookMS  int64          `json:"took_ms"`
	Parts   []home.Outcome `json:"parts,omitempty"`
}

// memory holds the outcomes by the command's id, the oldest first.
type memory struct {
	list []ending
	byID map[string]int // index in list, counted from the first ever
	gone int            // how many were forgotten: list[0] has this index
}

func newMemory() memory { return memory{byID: make(map[string]int)} }

// get returns the outcome of the command's id. same tells whether it was given
// for the same command.
func (m *memory) get(cmd *home.Command) (o home.Outcome, same, ok bool) {
	i, ok := m.byID[cmd.ID]
	if !ok {
		return home.Outcome{}, false, false
	}
	e := &m.list[i-m.gone]
	var t told
	_ = json.Unmarshal(e.Told, &t) // written by put
	return home.Outcome{ID: cmd.ID, Device: cmd.Device, Set: cmd.Set, Result: t.Result, Error: t.Error, Hint: t.Hint,
		Reading: t.Reading, Source: t.Source, Reason: t.Reason, TookMS: t.TookMS, Parts: t.Parts}, e.Body == fingerprint(cmd.Device, cmd.Set), true
}

// put remembers an outcome, when there is room. One whose id the gateway gave is
// not: nobody can ask for it.
func (m *memory) put(o *home.Outcome, now time.Time) {
	m.prune(now)
	if _, ok := m.byID[o.ID]; ok || o.OwnID || m.full() {
		return
	}
	rest, err := json.Marshal(told{o.Result, o.Error, o.Hint, o.Reading, o.Source, o.Reason, o.TookMS, o.Parts})
	if err != nil {
		return // the journal could not write it either
	}
	m.add(ending{o.ID, now.UnixMilli(), fingerprint(o.Device, o.Set), rest})
}

func (m *memory) add(e ending) {
	m.byID[e.ID] = m.gone + len(m.list)
	m.list = append(m.list, e)
}

// prune forgets what is older than a day.
func (m *memory) prune(now time.Time) {
	limit := now.Add(-rememberFor).UnixMilli()
	for len(m.list) > 0 && m.list[0].At < limit {
		delete(m.byID, m.list[0].ID)
		m.list[0] = ending{}
		m.list = m.list[1:]
		m.gone++
	}
}

// crowded reports whether there is no room for another id.
func (m *memory) crowded(now time.Time) bool {
	m.prune(now)
	return m.full()
}

func (m *memory) full() bool { return len(m.list) >= rememberMax }

// appendJSON appends the list as encoding/json would, ten times as fast: the hub
// waits for it.
func (m *memory) appendJSON(dst []byte) []byte {
	size := 2
	for i := range m.list {
		size += len(m.list[i].ID) + len(m.list[i].Told) + 72
	}
	dst = append(slices.Grow(dst, size), '[')
	for i := range m.list {
		e := &m.list[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"id":`...)
		dst = home.TextOf(e.ID).AppendJSON(dst)
		dst = append(dst, `,"at":`...)
		dst = strconv.AppendInt(dst, e.At, 10)
		dst = append(dst, `,"body":`...)
		dst = strconv.AppendUint(dst, e.Body, 10)
		dst = append(dst, `,"told":`...)
		dst = append(dst, e.Told...)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// fingerprint tells commands apart. on and true are the same wish.
func fingerprint(device string, set home.Settings) uint64 {
	h := fnv.New64a()
	write := func(s string) {
		_, _ = h.Write([]byte(s)) // a hash never fails
		_, _ = h.Write([]byte{0})
	}
	write(device)
	for _, s := range set {
		write(s.Property)
		write(s.Value.String())
	}
	return h.Sum64()
}

// seen looks whether the command's id is known, and returns what tells its
// sender the first one's outcome, now or when there is one. The lock is held.
func (c *Control) seen(j *job) (known bool, tell func()) {
	reuse := func() {
		c.log.Warn("a command's id was used before for another command", "command", j.cmd.ID, "source", j.cmd.Source)
		j.tell(*reused(&j.cmd))
	}
	if first, same, ok := c.fold.ended.get(&j.cmd); ok && c.pending[j.cmd.ID] == nil {
		if !same {
			return true, reuse
		}
		return true, func() { j.tell(first) }
	}
	if first := c.pending[j.cmd.ID]; first != nil {
		if fingerprint(j.cmd.Device, j.cmd.Set) != fingerprint(first.cmd.Device, first.cmd.Set) {
			return true, reuse
		}
		first.done = append(first.done, j.done...)
		return true, func() {}
	}
	return false, nil
}

func (j *job) tell(o home.Outcome) {
	for _, done := range j.done {
		done(o)
	}
}

// reused is told to the sender only: the id has, or will have, an outcome of its own.
func reused(cmd *home.Command) *home.Outcome {
	return &home.Outcome{ID: cmd.ID, Device: cmd.Device, Set: cmd.Set, Result: home.Rejected, Source: cmd.Source,
		Error: fmt.Sprintf("id %q was used for another command before", cmd.ID), Hint: "give each command an id of its own"}
}
