package mqtt

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// Explanation is what a connection would make of messages.
type Explanation struct {
	Devices  []home.Event // catalog
	Readings []home.Event // readings, what happened, and availability, in their order
	Ignored  []Ignored
}

// Ignored is what a connection would not take of a message, and why.
type Ignored struct {
	Topic string `json:"topic"`
	ID    string `json:"id,omitempty"`   // the device at its source, where it is known
	What  string `json:"what,omitempty"` // the piece of the message
	Why   string `json:"why"`
}

// as gives an event the time at which it would have come.
func as(ev home.Event) home.Event {
	if ev.Time.IsZero() {
		ev.Time = time.Now()
	}
	return ev
}

// Explain says what a connection with these options would make of messages, without
// a broker. As a connection does, it first looks at those that tell which devices
// there are. Accept, Stream, Discover and Log of the options are not used.
func Explain(o Options, messages []dialect.Message) Explanation {
	o.Accept, o.Stream, o.Discover, o.Log = func([]home.Event, func(error)) {}, nil, nil, slog.New(slog.DiscardHandler)
	c, x := NewWith(o), Explanation{}
	var first []string
	for filter := range c.wanted(true) {
		first = append(first, filter)
	}
	messages = slices.DeleteFunc(slices.Clone(messages), func(m dialect.Message) bool {
		err := dialect.CheckTopic(m.Topic)
		if err != nil {
			x.Ignored = append(x.Ignored, Ignored{Topic: m.Topic, Why: "no message can have this topic: " + err.Error()})
		}
		return err != nil
	})
	announces := func(m dialect.Message) bool {
		return slices.ContainsFunc(first, func(filter string) bool { return dialect.Matches(filter, m.Topic) })
	}
	for _, m := range messages {
		if announces(m) {
			c.explain(m, &x)
		}
	}
	for _, m := range messages {
		if !announces(m) {
			c.explain(m, &x)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.found.byName)) {
		x.Devices = append(x.Devices, as(c.found.byName[name].catalog(c.found)))
	}
	for _, out := range c.Outsiders() {
		x.Ignored = append(x.Ignored, Ignored{ID: out.ID, What: out.Label, Why: out.Reason})
	}
	return x
}

// ignore lists what is not taken, once.
func (x *Explanation) ignore(i Ignored) {
	known := func(o Ignored) bool {
		return o.ID == i.ID && o.What == i.What && o.Why == i.Why && (o.Topic == i.Topic || i.What != "")
	}
	if !slices.ContainsFunc(x.Ignored, known) {
		x.Ignored = append(x.Ignored, i)
	}
}

// explain reads one message.
func (c *Connection) explain(m dialect.Message, x *Explanation) {
	listeners, mine := c.told[m.Topic]
	for _, l := range listeners {
		ev, told, fault := l.hear(m.Payload, m.Retained)
		if fault != "" {
			x.ignore(Ignored{m.Topic, l.device, l.topic.property.Name, fault})
		}
		if told {
			x.Readings = append(x.Readings, as(ev))
		}
	}
	for _, source := range c.found.sources {
		t, understood := source.Dialect.Read(m)
		if !understood {
			continue
		}
		mine = true
		for _, i := range t.Ignored {
			x.ignore(Ignored{m.Topic, i.ID, i.What, i.Why})
		}
		for _, ev := range c.understood(source, t, m.Retained) {
			if ev.Kind != home.KindCatalog && ev.Flags&home.FlagRaw == 0 {
				x.Readings = append(x.Readings, as(ev))
			}
		}
	}
	if !mine {
		x.ignore(Ignored{Topic: m.Topic, Why: "nobody listens to this topic"})
	}
}
