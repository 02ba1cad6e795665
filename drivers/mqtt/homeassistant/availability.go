package homeassistant

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// availability is how an entity says whether it can be reached.
type availability struct {
	mode   string // latest, any or all
	items  []availabilityItem
	states []bool // of the items
	known  []bool
	last   bool // what was said last
	said   bool // anything was
}

type availabilityItem struct {
	topic, yes, no string
	template       *template.Template
}

// newAvailability reads the keys that begin with availability.
func newAvailability(b *build) (*availability, error) {
	a := &availability{mode: b.c.text("availability_mode", "latest")}
	a.add(b, "availability_topic", "availability_template")
	var list []any
	switch v := b.c["availability"].(type) {
	case []any:
		list = v
	case config:
		list = []any{v}
	}
	for _, item := range list {
		one, ok := item.(config)
		if !ok || one.text("topic", "") == "" {
			return nil, fmt.Errorf("an availability without a topic")
		}
		sub := &build{c: one}
		a.add(sub, "topic", "value_template")
		for _, left := range sub.left {
			b.lose(fmt.Errorf("availability: %s", left.Why))
		}
	}
	a.states, a.known = make([]bool, len(a.items)), make([]bool, len(a.items))
	return a, nil
}

// add takes one topic that says so; one that cannot be understood is named and left out.
func (a *availability) add(b *build, topicKey, templateKey string) {
	topic := b.topic(topicKey, false)
	if tpl, ok := b.compile(templateKey); ok && topic != "" {
		a.items = append(a.items, availabilityItem{topic, b.c.text("payload_available", "online"), b.c.text("payload_not_available", "offline"), tpl})
	}
}

func (a *availability) topics() []string {
	var topics []string
	for _, item := range a.items {
		if !slices.Contains(topics, item.topic) {
			topics = append(topics, item.topic)
		}
	}
	return topics
}

// take notes what a message says, or returns why it says nothing.
func (a *availability) take(topic string, payload []byte, now time.Time) (why string) {
	taken := false
	for i, item := range a.items {
		if item.topic != topic && !(strings.ContainsAny(item.topic, "+#") && dialect.Matches(item.topic, topic)) {
			continue
		}
		text := string(payload)
		if item.template != nil {
			var err error
			if text, err = item.template.Value(payload, now); err != nil {
				why = err.Error()
				continue
			}
		}
		if text != item.yes && text != item.no {
			why = "found " + excerpt(text) + ", expected " + item.yes + " or " + item.no
			continue
		}
		taken = true
		a.states[i], a.known[i], a.last, a.said = text == item.yes, true, text == item.yes, true
	}
	if taken {
		return ""
	}
	return why
}

// reachable is whether the entity can be reached; known is false when nothing was
// said of it.
func (a *availability) reachable() (is, known bool) {
	switch a.mode {
	case "any":
		return slices.Contains(a.states, true), a.said
	case "all":
		return !slices.Contains(a.states, false), a.said && !slices.Contains(a.known, false) || a.said && slices.Contains(a.unreachable(), true)
	}
	return a.last, a.said
}

// unreachable is, for each item, whether it said no.
func (a *availability) unreachable() []bool {
	out := make([]bool, len(a.items))
	for i := range a.items {
		out[i] = a.known[i] && !a.states[i]
	}
	return out
}

// longestWord is how long a message may be that is kept for entities that are announced later.
const longestWord = 1024

// recall gives an entity that is announced now what was said of it before: its broker sends a
// retained message only once to each subscription.
func (d *Discovery) recall(a *availability) {
	for _, topic := range a.topics() {
		if word, said := d.words[topic]; said {
			_ = a.take(topic, []byte(word), d.o.Now()) // what is wrong with it was said when it came
		}
	}
}

// reach takes what a message says of an entity's availability. The properties of one that can no
// longer be reached are unknown from now on, while the device's others go on.
func (d *Discovery) reach(e *entity, m dialect.Message, t *dialect.Told) {
	before, known := e.available.reachable()
	gone := known && !before
	if len(m.Payload) <= longestWord && len(d.words) < mostEntities {
		d.words[m.Topic] = string(m.Payload)
	} else {
		delete(d.words, m.Topic)
	}
	if why := e.available.take(m.Topic, m.Payload, d.o.Now()); why != "" && len(m.Payload) > 0 {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: e.id, What: "availability", Why: why, Fault: true})
	}
	d.tellStatus(e.id, t)
	if gone || !d.away(e) {
		return
	}
	for _, s := range e.slots {
		if s.topic != "" && s.Type != home.TypeEvent {
			t.Readings = append(t.Readings, dialect.Reading{ID: e.id, Property: s.Name, Unknown: notAvailable})
		}
	}
}

const notAvailable = "it says that it is not available"

// away reports whether an entity says that it cannot be reached, while its device can be. (What
// comes of a device that is offline as a whole is held back by the connection.)
func (d *Discovery) away(e *entity) bool {
	is, known := e.available.reachable()
	return known && !is && d.devices[e.id].status != home.Offline
}

// tellStatus tells when a device comes or goes: it is gone when none of its
// entities that speak of it can be reached.
func (d *Discovery) tellStatus(id string, t *dialect.Told) {
	one := d.devices[id]
	status := ""
	for _, e := range one.entities {
		is, known := e.available.reachable()
		switch {
		case !known:
		case is:
			status = home.Online
		case status == "":
			status = home.Offline
		}
	}
	if status == one.status {
		return
	}
	one.status = status
	st := dialect.Status{ID: id, State: status}
	if status == home.Offline {
		st.Reason = notAvailable
	}
	t.Statuses = append(t.Statuses, st)
}
