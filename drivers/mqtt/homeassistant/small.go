package homeassistant

import (
	"hogar/gateway/home"
)

// does adds what leaves no state: an option of its own that sends a payload.
func (b *build) does(key, option, payload string) {
	s := b.settable(&slot{key: key}, "command_topic", "command_template", "")
	s.Type, s.Momentary = home.TypeChoice, true
	s.offer(option, payload)
	b.add(s)
}

func button(b *build) { b.does("press", "press", b.c.text("payload_press", "PRESS")) }

func scene(b *build) { b.does("activate", "activate", b.c.text("payload_on", "ON")) }

// notify takes a text to be shown or said.
func notify(b *build) {
	s := b.settable(&slot{key: "message"}, "command_topic", "command_template", "")
	s.Type, s.Momentary = home.TypeText, true
	b.add(s)
}

// tag happens when something is held before a reader; the text is what it is.
func tag(b *build) {
	s := b.state("tag", home.TypeEvent, "topic", "value_template")
	s.scanned = true
	b.add(s)
}

// tracker tells a place by its name, or by where it lies.
func tracker(b *build) {
	s := b.state("location", home.TypeText, "state_topic", "value_template")
	s.words = map[string]string{b.c.text("payload_home", "home"): "home", b.c.text("payload_not_home", "not_home"): "not_home"}
	s.absent = b.c.text("payload_reset", "")
	b.add(s)
	if b.topic("json_attributes_topic", false) == "" {
		return
	}
	for _, one := range []struct{ key, unit string }{{"latitude", "°"}, {"longitude", "°"}, {"gps_accuracy", "m"}} {
		at := b.state(one.key, home.TypeNumber, "json_attributes_topic", "json_attributes_template")
		at.then, at.Unit, at.repeats = memberOf(one.key), one.unit, true
		b.add(at)
	}
}

// image is known by where it lies. One that is sent itself is no value.
func image(b *build) {
	if b.topic("image_topic", false) != "" {
		b.leave("image_topic", "a picture is no value")
	}
	b.add(b.state("url", home.TypeText, "url_topic", "url_template"))
}
