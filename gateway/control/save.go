package control

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hogar/gateway/home"
)

// saved is the fold in the checkpoint.
type saved struct {
	Open  []*intent         `json:"open"`
	Order uint64            `json:"order"`
	Shown map[string]*shown `json:"shown"`
	Lost  time.Time         `json:"lost,omitzero"`

	// Told are the texts that outcomes have, Ended the outcomes: [key, ms since 1970,
	// fingerprint, number of its text]. They come last and are written by appendEnded.
	Told  []json.RawMessage `json:"told,omitempty"`
	Ended []savedEnding     `json:"ended,omitempty"`
}

// savedEnding is an outcome in the checkpoint.
type savedEnding struct {
	key  key
	at   int64
	body uint64
	text int
	told json.RawMessage // of the form before: not in the list of texts
}

// UnmarshalJSON also reads the form in which each outcome had its whole id and text.
func (e *savedEnding) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte("{")) {
		var old struct {
			ID   string          `json:"id"`
			At   int64           `json:"at"`
			Body uint64          `json:"body"`
			Told json.RawMessage `json:"told"`
		}
		err := json.Unmarshal(b, &old)
		*e = savedEnding{key: keyOf(old.ID), at: old.At, body: old.Body, told: old.Told}
		return err
	}
	var k []byte
	if err := json.Unmarshal(b, &[]any{&k, &e.at, &e.body, &e.text}); err != nil {
		return err
	}
	if len(k) != len(e.key) {
		return fmt.Errorf("an id of %d bytes, expected %d", len(k), len(e.key))
	}
	e.key = key(k)
	return nil
}

// appendEnded appends the members told and ended.
func appendEnded(dst []byte, list []ending) []byte {
	number := make(map[*saying]int)
	dst = append(slices.Grow(dst, 80*len(list)), `,"told":[`...)
	for i := range list {
		s := list[i].told
		if _, ok := number[s]; ok {
			continue
		}
		if len(number) > 0 {
			dst = append(dst, ',')
		}
		number[s] = len(number)
		dst = append(dst, s.text...)
	}
	dst = append(dst, `],"ended":[`...)
	for i := range list {
		e := &list[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `["`...)
		dst = base64.StdEncoding.AppendEncode(dst, e.key[:])
		dst = append(dst, `",`...)
		dst = strconv.AppendInt(dst, e.at, 10)
		dst = append(dst, ',')
		dst = strconv.AppendUint(dst, e.body, 10)
		dst = append(dst, ',')
		dst = strconv.AppendInt(dst, int64(number[e.told]), 10)
		dst = append(dst, ']')
	}
	return append(dst, ']')
}

// Freeze takes down the ids and outcomes that are remembered, the intents that have
// none yet, and what the actuators show. The function that it returns writes them,
// in any goroutine, while control goes on.
func (c *Control) Freeze() func() (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &c.fold
	s := saved{Open: f.inOrder(), Order: f.order, Shown: make(map[string]*shown, len(f.shown)), Lost: f.lost}
	for n, one := range f.shown {
		s.Shown[n.String()] = one
	}
	small, err := json.Marshal(s)
	ended := slices.Clip(f.ended.list)
	return func() (json.RawMessage, error) {
		if err != nil {
			return nil, err
		}
		return append(appendEnded(small[:len(small)-1], ended), '}'), nil
	}
}

// Save is Freeze and the writing in one.
func (c *Control) Save() (json.RawMessage, error) { return c.Freeze()() }

// Restore takes back what Save returned.
func (c *Control) Restore(data json.RawMessage) error {
	var s saved
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	f := newFold()
	f.order, f.lost = s.Order, s.Lost
	for _, e := range s.Ended {
		text := e.told
		if text == nil {
			if e.text < 0 || e.text >= len(s.Told) {
				return fmt.Errorf("outcome with text %d of %d", e.text, len(s.Told))
			}
			text = s.Told[e.text]
		}
		f.ended.add(e.key, e.at, e.body, text)
	}
	for _, in := range s.Open {
		if in != nil {
			f.open[in.ID] = in
		}
	}
	for full, one := range s.Shown {
		if device, property := home.Split(full); one != nil {
			f.shown[name{device, property}] = one
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fold = f
	return nil
}
