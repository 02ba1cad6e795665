package tasmota

import (
	"slices"
	"strings"

	"hogar/drivers/mqtt/dialect"
)

// shared says that devices have one topic, of which nobody knows who speaks.
func shared(these []*device) dialect.Ignored {
	var names []string
	for _, one := range these {
		names = append(names, one.config.label()+" ("+one.id+")")
	}
	slices.Sort(names)
	topic := these[0].config.Topic
	return dialect.Ignored{What: topic, Fault: true,
		Why: strings.Join(names, " and ") + " have the same topic " + topic + ": nobody knows which of them speaks, and a command reaches all; give each a Topic of its own"}
}

// forget gives back the topics of a device. Another one that had a topic with it, and now has it alone, is
// believed again.
func (d *Discovery) forget(one *device) (left []dialect.Status) {
	for _, topic := range []string{one.stat, one.tele} {
		these := slices.DeleteFunc(d.byTopic[topic], func(o *device) bool { return o == one })
		if len(these) == 1 && len(d.byTopic[topic]) > 1 && topic == one.stat {
			left = append(left, dialect.Status{ID: these[0].id})
		}
		if d.byTopic[topic] = these; len(these) == 0 {
			delete(d.byTopic, topic)
		}
	}
	return left
}
