package control

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	"hogar/gateway/home"
)

// Outcomes of commands that could act are remembered for a day, of each sender at most
// so many, and so many bytes of texts. When a sender has no room for more, its new
// commands with an id are refused, and nobody else's: an id that is forgotten could act
// twice. An outcome takes about 150 bytes of memory and 80 in a checkpoint beside its text.
const (
	rememberFor   = 24 * time.Hour
	rememberMax   = 20_000
	rememberBytes = 8 << 20
)

// key stands for a command's id, of which no more need be known than whether it
// was used: half of its SHA-256, in which no two meet by chance or on purpose.
type key [16]byte

func keyOf(id string) key {
	sum := sha256.Sum256([]byte(id))
	return key(sum[:16])
}

// ending is a remembered outcome. What the command was is kept as a fingerprint
// only: who asks again brings it along.
type ending struct {
	key  key
	at   int64 // ms since 1970, house time
	body uint64
	told *saying
}

// saying is the rest of an outcome as JSON (see told). Many outcomes say the same.
type saying struct {
	text string
	from *sender
	of   int // outcomes
}

// sender is who has outcomes that are remembered.
type sender struct {
	name  string
	of    int // outcomes
	bytes int // of their texts
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

// memory holds the outcomes by the command's id, the oldest first. What is in the
// list is never changed, so that a checkpoint can be written from a part of it.
type memory struct {
	list    []ending
	byKey   map[key]int // index in list, counted from the first ever
	gone    int         // how many were forgotten: list[0] has this index
	sayings map[string]*saying
	senders map[string]*sender
}

func newMemory() memory {
	return memory{byKey: make(map[key]int), sayings: make(map[string]*saying), senders: make(map[string]*sender)}
}

// get returns the outcome of the command's id. same tells whether it was given
// for the same command.
func (m *memory) get(cmd *home.Command) (o home.Outcome, same, ok bool) {
	i, ok := m.byKey[keyOf(cmd.ID)]
	if !ok {
		return home.Outcome{}, false, false
	}
	e := &m.list[i-m.gone]
	var t told
	_ = json.Unmarshal([]byte(e.told.text), &t) // written by put
	return home.Outcome{ID: cmd.ID, Device: cmd.Device, Set: cmd.Set, Result: t.Result, Error: t.Error, Hint: t.Hint,
		Reading: t.Reading, Source: t.Source, Reason: t.Reason, TookMS: t.TookMS, Parts: t.Parts}, e.body == fingerprint(cmd.Device, cmd.Set), true
}

// put remembers the outcome of a command that was taken: whether there is room was
// looked at then. One whose id the gateway gave is not: nobody can ask for it.
func (m *memory) put(o *home.Outcome, now time.Time) {
	m.prune(now)
	if o.OwnID {
		return
	}
	rest, err := json.Marshal(told{o.Result, o.Error, o.Hint, o.Reading, o.Source, o.Reason, o.TookMS, o.Parts})
	if err != nil {
		return // the journal could not write it either
	}
	m.add(keyOf(o.ID), now.UnixMilli(), fingerprint(o.Device, o.Set), rest)
}

// add takes an outcome in; rest names its sender.
func (m *memory) add(k key, at int64, body uint64, rest []byte) {
	if _, ok := m.byKey[k]; ok {
		return
	}
	s := m.sayings[string(rest)]
	if s == nil {
		s = &saying{text: string(rest), from: m.sender(rest)}
		s.from.bytes += len(rest)
		m.sayings[s.text] = s
	}
	s.of++
	s.from.of++
	m.byKey[k] = m.gone + len(m.list)
	m.list = append(m.list, ending{k, at, body, s})
}

// sender returns whose outcome says rest, new when none of his is remembered.
func (m *memory) sender(rest []byte) *sender {
	var t struct {
		Source string `json:"source"`
	}
	_ = json.Unmarshal(rest, &t) // written by put
	s := m.senders[t.Source]
	if s == nil {
		s = &sender{name: t.Source}
		m.senders[s.name] = s
	}
	return s
}

// prune forgets what is older than a day.
func (m *memory) prune(now time.Time) {
	limit := now.Add(-rememberFor).UnixMilli()
	for len(m.list) > 0 && m.list[0].at < limit {
		e := &m.list[0]
		from := e.told.from
		delete(m.byKey, e.key)
		if e.told.of--; e.told.of == 0 {
			delete(m.sayings, e.told.text)
			from.bytes -= len(e.told.text)
		}
		if from.of--; from.of == 0 {
			delete(m.senders, from.name)
		}
		m.list = m.list[1:]
		m.gone++
	}
}

// of returns what is remembered of a sender.
func (m *memory) of(source string, now time.Time) sender {
	m.prune(now)
	if s := m.senders[source]; s != nil {
		return *s
	}
	return sender{name: source}
}

// crowded says why another id of the sender cannot be remembered; nil: it can. The lock
// is held.
func (c *Control) crowded(source string) *home.Outcome {
	if s := c.fold.ended.of(source, c.clock.Elapsed()); s.of+c.inHand[source] < rememberMax && s.bytes < rememberBytes {
		return nil
	}
	return rejected(fmt.Sprintf("the commands that %s sent in the last day take all the room that there is for their ids", whom(source)),
		"send fewer, or send them without an id")
}

// promise notes that the outcome of a command will be remembered, since its intent is
// recorded. The lock is held.
func (c *Control) promise(j *job) {
	if !j.cmd.OwnID {
		j.keeps = true
		c.inHand[j.cmd.Source]++
	}
}

// remember keeps the promise: the disk may have been faster than the hub. The lock is
// held.
func (c *Control) remember(j *job, o *home.Outcome) {
	if !j.keeps {
		return
	}
	j.keeps = false
	if c.inHand[o.Source]--; c.inHand[o.Source] == 0 {
		delete(c.inHand, o.Source)
	}
	c.fold.ended.put(o, c.clock.Elapsed())
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
	reuse := func() { c.refuseReuse(j) }
	if first := c.pending[j.cmd.ID]; first != nil {
		if fingerprint(j.cmd.Device, j.cmd.Set) != fingerprint(first.cmd.Device, first.cmd.Set) {
			return true, reuse
		}
		first.done = append(first.done, j.done...)
		return true, func() {}
	}
	if first, same, ok := c.fold.ended.get(&j.cmd); ok {
		if !same {
			return true, reuse
		}
		return true, func() { j.tell(first) }
	}
	return false, nil
}

// refuseReuse tells the sender, under the id, and records, under one of the gateway's,
// that the id is another command's: that one has, or will have, an outcome of its own.
func (c *Control) refuseReuse(j *job) {
	c.log.Warn("a command's id was used before for another command", "command", j.cmd.ID, "source", j.cmd.Source)
	o := reused(&j.cmd)
	record := *o
	record.ID, record.OwnID = rand.Text(), true
	c.hub.Accept([]home.Event{{Kind: home.KindOutcome, Device: record.Device, Outcome: &record}}, func(error) { j.tell(*o) })
}

func (j *job) tell(o home.Outcome) {
	for _, done := range j.done {
		done(o)
	}
}

func reused(cmd *home.Command) *home.Outcome {
	return &home.Outcome{ID: cmd.ID, Device: cmd.Device, Set: cmd.Set, Result: home.Rejected, Source: cmd.Source, Reason: cmd.Reason,
		Error: fmt.Sprintf("id %q was used for another command before", cmd.ID), Hint: "give each command an id of its own"}
}
