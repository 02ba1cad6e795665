package homeassistant

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hogar/drivers/mqtt/dialect"
)

// announces returns the component that a discovery topic announces.
func (d *Discovery) announces(topic string) (component string, ok bool) {
	below, ok := strings.CutPrefix(topic, d.o.Prefix+"/")
	if !ok {
		return "", false
	}
	words := strings.Split(below, "/")
	if len(words) != 3 && len(words) != 4 || words[len(words)-1] != "config" {
		return "", false
	}
	return words[0], true
}

// announced takes a discovery message.
func (d *Discovery) announced(component string, m dialect.Message) dialect.Told {
	var t dialect.Told
	if words := strings.Split(m.Topic, "/"); d.o.Own != "" && len(words) > 2 && words[len(words)-3] == d.o.Own {
		return t // of this gateway itself
	}
	sum := sha256.Sum256(m.Payload)
	if before, ok := d.heard[m.Topic]; ok && before == sum {
		return t // devices announce themselves now and then
	}
	d.heard[m.Topic] = sum
	if len(m.Payload) == 0 {
		delete(d.heard, m.Topic)
	}
	changed := d.forget(m.Topic)
	refuse := func(what, why string, fault bool) {
		t.Ignored = append(t.Ignored, dialect.Ignored{What: what, Why: why, Fault: fault})
	}
	switch c, err := parse(m.Payload); {
	case len(bytes.TrimSpace(m.Payload)) == 0: // taken back
	case len(m.Payload) > longest:
		refuse(m.Topic, fmt.Sprintf("a message of %d bytes", len(m.Payload)), true)
	case err != nil:
		refuse(m.Topic, "no JSON object: "+err.Error(), true)
	case c.bool("migrate_discovery", false):
		refuse(m.Topic, "the entity moves to another topic", false)
	case d.native(c):
		refuse(m.Topic, "taken natively from Zigbee2MQTT", false)
	case component == "device":
		parts, _ := c["components"].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(parts)) {
			part, ok := parts[key].(config)
			if !ok {
				refuse(m.Topic+"#"+key, "no JSON object", true)
				continue
			}
			if kind := part.text("platform", ""); kind != "" && len(part) == 1 {
				continue // a component alone means that it is removed
			}
			whole := maps.Clone(c)
			delete(whole, "components")
			maps.Copy(whole, part)
			if base, ok := whole["~"].(string); ok {
				whole.fill(base)
			}
			d.enter(part.text("platform", ""), m.Topic+"#"+key, key, whole, changed, refuse)
		}
		if len(parts) == 0 {
			refuse(m.Topic, "a device without components", true)
		}
	default:
		words := strings.Split(m.Topic, "/")
		d.enter(component, m.Topic, words[len(words)-2], c, changed, refuse)
	}
	d.tell(changed, &t)
	return t
}

// native reports whether the entity is one of a Zigbee2MQTT that is taken natively.
func (d *Discovery) native(c config) bool {
	if len(d.o.Zigbee2MQTT) == 0 {
		return false
	}
	if c.below("origin").text("name", "") == "Zigbee2MQTT" {
		return true
	}
	return slices.ContainsFunc(d.o.Zigbee2MQTT, func(base string) bool {
		return strings.HasPrefix(c.text("state_topic", ""), base+"/") || strings.HasPrefix(c.text("command_topic", ""), base+"/")
	})
}

// forget removes what a topic announced before, and returns whose devices it was.
func (d *Discovery) forget(topic string) map[string]bool {
	changed := make(map[string]bool)
	for key, e := range d.entities {
		if key == topic || strings.HasPrefix(key, topic+"#") {
			delete(d.entities, key)
			one := d.devices[e.id]
			one.entities = slices.DeleteFunc(one.entities, func(o *entity) bool { return o == e })
			changed[e.id] = true
			d.routes = nil
		}
	}
	return changed
}

// enter takes one entity.
func (d *Discovery) enter(component, key, object string, c config, changed map[string]bool, refuse func(what, why string, fault bool)) {
	fill, ok := components[component]
	switch {
	case component == "":
		refuse(key, "platform is missing: sensor, switch …", true)
		return
	case !ok:
		refuse(key, fmt.Sprintf("the component %q is not taken", component), false)
		return
	case !d.o.All && !c.bool("enabled_by_default", true):
		refuse(key, "Home Assistant leaves it switched off, too: include: [disabled_entities] takes it in", false)
		return
	case len(d.entities) >= mostEntities || len(d.heard) > 10*mostEntities:
		refuse(key, fmt.Sprintf("more than %d entities", mostEntities), true)
		return
	}
	b := &build{c: c}
	fill(b)
	available, err := newAvailability(b)
	if err != nil {
		b.fail(err)
	}
	b.leaveTopics()
	if b.err == nil && len(b.slots) == 0 {
		b.fail(b.nothing(component))
	}
	if b.err != nil {
		refuse(key, b.err.Error(), true)
		return
	}
	for _, left := range b.left {
		refuse(strings.TrimSuffix(key+": "+left.What, ": "), left.Why, left.Fault)
	}
	d.recall(available)
	id, who := d.identify(c, key, changed)
	e := &entity{key: key, id: id, label: who.label, slots: b.slots, available: available, name: nameOf(c, object, len(b.slots) == 1 && b.slots[0].key == "")}
	one := d.devices[id]
	if one == nil {
		one = &device{}
		d.devices[id] = one
	}
	if len(one.entities) >= mostOfDevice {
		refuse(key, fmt.Sprintf("more than %d entities of one device", mostOfDevice), true)
		return
	}
	one.identity = one.identity.with(who)
	one.entities = append(one.entities, e)
	slices.SortFunc(one.entities, func(x, y *entity) int { return strings.Compare(x.key, y.key) })
	d.entities[key] = e
	d.routes = nil
	changed[id] = true
}

// nothing says why nothing of an entity is taken.
func (b *build) nothing(component string) error {
	for _, left := range b.left {
		if left.Fault {
			return errors.New(left.Why)
		}
	}
	return fmt.Errorf("a %s that neither tells nor takes anything", component)
}

// leaveTopics names the topics of an entity that nobody has read. Those that all components of a
// device share need not concern each of them.
func (b *build) leaveTopics() {
	for _, key := range slices.Sorted(maps.Keys(b.c)) {
		topic, _ := b.c[key].(string)
		switch {
		case !strings.HasSuffix(key, "_topic") || topic == "" || b.read[key] || key == "state_topic" || key == "command_topic":
		case key == "json_attributes_topic":
			b.leave(key, "attributes beside the value are not taken")
		default:
			b.leave(key, "nothing that is known of this kind")
		}
	}
}

// nameOf is an entity's part of its properties' names; empty for the main one.
func nameOf(c config, object string, plain bool) string {
	name := c.text("name", "")
	if of := c.below("device").text("name", ""); of != "" {
		if rest, ok := strings.CutPrefix(name, of); ok {
			name = strings.Trim(rest, " -_:/")
		}
	}
	if name == "" && c.text("device_class", "") != "" && plain {
		name = c.text("device_class", "")
	}
	if name == "" && plain {
		name = object
	}
	if name == "" {
		return ""
	}
	return dialect.Word(name)
}
