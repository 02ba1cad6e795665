package homeassistant

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// build makes the slots of one entity. The first mistake is kept; what costs only a part is
// left out, and named.
type build struct {
	c     config
	slots []*slot
	err   error
	left  []dialect.Ignored
	read  map[string]bool // the topics that were read, by key
}

// leave notes a part that is not taken, and why.
func (b *build) leave(what, why string) {
	b.left = append(b.left, dialect.Ignored{What: what, Why: why})
}

// lose notes a part that is not taken because of a mistake. It is named once.
func (b *build) lose(err error) {
	if !slices.ContainsFunc(b.left, func(i dialect.Ignored) bool { return i.Why == err.Error() }) {
		b.left = append(b.left, dialect.Ignored{Why: err.Error(), Fault: true})
	}
}

func (b *build) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// compile compiles the template at the first of the keys that is there. ok is false for one that
// cannot be served, which costs the part that it belongs to.
func (b *build) compile(keys ...string) (t *template.Template, ok bool) {
	for _, key := range keys {
		text := strings.TrimSpace(b.c.text(key, ""))
		if text == "" {
			continue
		}
		t, err := template.Compile(text)
		if err != nil {
			b.lose(fmt.Errorf("unsupported template: %s, %w", key, err))
		}
		return t, err == nil
	}
	return nil, true
}

// command compiles a template of commands; nil for none.
func (b *build) command(key string) *template.Template {
	t, _ := b.compile(key)
	return t
}

// topic is the topic at key, empty when there is none that can be used: for commands one without
// wildcards, for states one that says more than wildcards.
func (b *build) topic(key string, command bool) string {
	topic, check := b.c.text(key, ""), dialect.CheckFilter
	if b.read == nil {
		b.read = make(map[string]bool)
	}
	if b.read[key] = true; topic == "" {
		return ""
	}
	if command {
		check = dialect.CheckTopic
	}
	err := check(topic)
	if err == nil && strings.Trim(topic, "+#/") == "" {
		err = fmt.Errorf("%s has the messages of others, too", topic)
	}
	if err != nil {
		b.lose(fmt.Errorf("%s is no topic: %w", key, err))
		return ""
	}
	return topic
}

// add takes a slot that tells something, or can be set.
func (b *build) add(s *slot) {
	if s.topic == "" && s.set == nil {
		return
	}
	s.Settable = s.set != nil
	s.Unit = dialect.Unit(s.Unit)
	if s.topic != "" {
		s.expire = b.span("expire_after")
	}
	b.slots = append(b.slots, s)
}

// span reads seconds; 0 for none, or absurd ones.
func (b *build) span(key string) time.Duration {
	if seconds := b.c.number(key, 0); seconds > 0 && seconds < 1e8 {
		return time.Duration(seconds * float64(time.Second))
	}
	return 0
}

// state makes a slot that is told at a topic; nothing tells one whose template cannot be served.
func (b *build) state(key string, kind home.Type, topicKey string, templateKeys ...string) *slot {
	s := &slot{key: key, topic: b.topic(topicKey, false)}
	var ok bool
	if s.template, ok = b.compile(templateKeys...); !ok {
		s.topic = ""
	}
	s.Type = kind
	s.repeats = kind != home.TypeNumber && !b.c.bool("force_update", false)
	return s
}

// settable gives a slot its command, if the entity has one that can be made.
func (b *build) settable(s *slot, topicKey, templateKey, variable string) *slot {
	topic := b.topic(topicKey, true)
	if tpl, ok := b.compile(templateKey); ok && topic != "" {
		s.set = &setter{topic: topic, template: tpl, variable: variable, retain: b.c.bool("retain", false)}
	}
	return s
}

// choice limits a slot to options.
func (s *slot) choice(options []string) *slot {
	s.Type, s.Options = home.TypeChoice, options
	if len(options) == 0 {
		s.Type = home.TypeText
	}
	return s
}

// limits gives a number its limits.
func (s *slot) limits(least, most float64) *slot {
	if least < most {
		s.Min, s.Max = new(least), new(most)
	}
	return s
}

// switchOf makes a boolean of its payloads.
func (b *build) switchOf(s *slot, on, off, stateOn, stateOff string) *slot {
	s.on, s.off = stateOn, stateOff
	if s.set != nil {
		s.set.on, s.set.off = on, off
	}
	if stateOn == stateOff {
		b.fail(errors.New("on and off are the same"))
	}
	return s
}

// onOff is a boolean with the keys that most entities share.
func (b *build) onOff(s *slot) *slot {
	on, off := b.c.text("payload_on", "ON"), b.c.text("payload_off", "OFF")
	return b.switchOf(s, on, off, b.c.text("state_on", on), b.c.text("state_off", off))
}

// components are the kinds of entities that are taken.
var components = map[string]func(b *build){
	"sensor": sensor, "binary_sensor": binarySensor, "switch": onOffEntity, "siren": siren, "light": light, "cover": cover, "valve": valve,
	"number": numberEntity, "select": selectEntity, "text": textEntity, "button": button, "scene": scene, "notify": notify, "lock": lock, "fan": fan,
	"climate": climate, "water_heater": waterHeater, "humidifier": humidifier, "vacuum": vacuum, "lawn_mower": mower,
	"alarm_control_panel": alarm, "event": event, "tag": tag, "device_automation": trigger, "update": update,
	"device_tracker": tracker, "image": image,
}

// textual are the classes of sensors whose value is no number.
var textual = []string{"date", "timestamp", "enum"}

func sensor(b *build) {
	s := b.state("", home.TypeText, "state_topic", "value_template")
	class := b.c.text("device_class", "")
	switch {
	case class == "enum":
		s.choice(b.c.list("options"))
	case !slices.Contains(textual, class) && (class != "" || b.c.text("unit_of_measurement", "") != "" || b.c.text("state_class", "") != ""):
		s.Type, s.Unit, s.repeats = home.TypeNumber, b.c.text("unit_of_measurement", ""), b.c.text("entity_category", "") != ""
	}
	b.add(s)
}

func binarySensor(b *build) {
	s := b.state("", home.TypeBoolean, "state_topic", "value_template")
	s.offAfter = b.span("off_delay")
	b.add(b.switchOf(s, "", "", b.c.text("payload_on", "ON"), b.c.text("payload_off", "OFF")))
}

func onOffEntity(b *build) {
	s := b.settable(b.state("state", home.TypeBoolean, "state_topic", "value_template", "state_value_template"), "command_topic", "command_template", "state")
	b.add(b.onOff(s))
}

func numberEntity(b *build) {
	s := b.settable(b.state("", home.TypeNumber, "state_topic", "value_template"), "command_topic", "command_template", "")
	s.Unit = b.c.text("unit_of_measurement", "")
	b.add(s.limits(b.c.number("min", 1), b.c.number("max", 100)))
}

func selectEntity(b *build) {
	s := b.settable(b.state("", home.TypeChoice, "state_topic", "value_template"), "command_topic", "command_template", "")
	b.add(s.choice(b.c.list("options")))
}

func textEntity(b *build) {
	b.add(b.settable(b.state("", home.TypeText, "state_topic", "value_template"), "command_topic", "command_template", ""))
}

// lock is true when it is locked.
func lock(b *build) {
	s := b.settable(b.state("state", home.TypeBoolean, "state_topic", "value_template"), "command_topic", "command_template", "")
	b.switchOf(s, b.c.text("payload_lock", "LOCK"), b.c.text("payload_unlock", "UNLOCK"),
		b.c.text("state_locked", "LOCKED"), b.c.text("state_unlocked", "UNLOCKED"))
	s.between = []string{b.c.text("state_locking", "LOCKING"), b.c.text("state_unlocking", "UNLOCKING")}
	b.add(s)
	if payload := b.c.text("payload_open", ""); payload != "" { // the latch
		b.does("open", "open", payload)
	}
}

func event(b *build) {
	s := b.state("", home.TypeEvent, "state_topic", "value_template")
	if s.Options = b.c.list("event_types"); len(s.Options) == 0 {
		b.fail(errors.New("an event without event_types"))
	}
	b.add(s)
}

// trigger is a device_automation: a payload on a topic means that something happened.
func trigger(b *build) {
	if kind := b.c.text("automation_type", ""); kind != "trigger" {
		b.fail(fmt.Errorf("an automation of type %q, expected trigger", kind))
		return
	}
	word := strings.Trim(b.c.text("type", "")+" "+b.c.text("subtype", ""), " ")
	if word == "" {
		b.fail(errors.New("a trigger without type and subtype"))
		return
	}
	s := b.state("action", home.TypeEvent, "topic", "value_template")
	s.Options, s.match = []string{dialect.Word(word)}, new(b.c.text("payload", ""))
	b.add(s)
}

// update tells the version that runs and the one that could. A template may make
// JSON with both.
func update(b *build) {
	installed := b.state("installed_version", home.TypeText, "state_topic", "value_template")
	latest := b.state("latest_version", home.TypeText, "latest_version_topic", "latest_version_template")
	if latest.topic == "" {
		latest.topic, latest.template = installed.topic, installed.template
	}
	for _, s := range []*slot{installed, latest} {
		if s.topic != "" {
			s.then = version(s.key)
		}
		b.add(s)
	}
	s := b.settable(&slot{key: "install"}, "command_topic", "", "")
	s.Type = home.TypeChoice
	s.offer("install", b.c.text("payload_install", "INSTALL"))
	b.add(s)
}
