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
	if topic := b.topic("availability_topic", false); topic != "" {
		a.items = append(a.items, availabilityItem{topic, b.c.text("payload_available", "online"),
			b.c.text("payload_not_available", "offline"), b.template("availability_template")})
	}
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
		a.items = append(a.items, availabilityItem{sub.topic("topic", false), one.text("payload_available", "online"),
			one.text("payload_not_available", "offline"), sub.template("value_template")})
		if sub.err != nil {
			return nil, fmt.Errorf("availability: %w", sub.err)
		}
	}
	a.states, a.known = make([]bool, len(a.items)), make([]bool, len(a.items))
	return a, nil
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
	if status == "" || status == one.status {
		return
	}
	one.status = status
	st := dialect.Status{ID: id, State: status}
	if status == home.Offline {
		st.Reason = "it says that it is not available"
	}
	t.Statuses = append(t.Statuses, st)
}
