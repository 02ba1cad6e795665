package gateway

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"hogar/drivers/mqtt"
	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// exporter shows the house's own devices to Home Assistant, by its discovery over an
// MQTT broker: what they are, how they are, and what they are told to do. Those that
// came over MQTT themselves are left out.
type exporter struct {
	g       *gateway
	base    string // of the topics of states and commands: hogar/casa/
	configs map[string][]byte
	devices map[string][]home.Property
}

// planExport takes export: of the house, which is for its first broker.
func (p *Plan) planExport(faults *home.Faults) {
	prefix := strings.Trim(p.Config.Export, "/")
	switch {
	case p.Config.Export == "":
	case prefix == "" || strings.ContainsAny(prefix, "+#\x00"):
		faults.Add(home.Fault{Path: []string{"export"}, Message: "export is '" + p.Config.Export + "', expected the prefix of a topic", Hint: "export: homeassistant"})
	case len(p.brokers) == 0:
		faults.Add(home.Fault{Path: []string{"export"}, Message: "export without a broker below mqtt:", Hint: "mqtt: [{url: mqtt://localhost}]"})
	default:
		p.brokers[0].export = prefix
	}
}

// exportNode is the word of a gateway in the topics of its announcements.
func exportNode(gateway string) string { return "hogar_" + gateway }

func (g *gateway) newExporter(plan *Plan, prefix string) *exporter {
	x := &exporter{g: g, base: "hogar/" + plan.Config.Gateway + "/", configs: make(map[string][]byte), devices: make(map[string][]home.Property)}
	node := exportNode(plan.Config.Gateway)
	for _, d := range plan.devices {
		if d.topic != nil {
			continue
		}
		for _, p := range d.properties() {
			component, entity := x.entity(d.Name, p)
			if component == "" {
				continue
			}
			label := d.Label
			if label == "" {
				label = d.Name
			}
			full := home.Join(d.Name, p.Name)
			entity["unique_id"] = node + "_" + full
			entity["name"] = p.Name
			entity["device"] = map[string]any{"identifiers": []string{node + "_" + d.Name}, "name": label, "manufacturer": "hogar", "model": d.Driver}
			entity["origin"] = map[string]any{"name": "hogar", "sw_version": g.o.Version}
			entity["availability_mode"] = "all"
			entity["availability"] = []map[string]string{{"topic": x.base + "status"}, {"topic": x.base + "availability/" + d.Name}}
			body, _ := json.Marshal(entity) // texts and numbers always encode
			x.configs[prefix+"/"+component+"/"+node+"/"+strings.ReplaceAll(full, ".", "-")+"/config"] = body
			x.devices[d.Name] = append(x.devices[d.Name], p)
		}
	}
	return x
}

// classes are Home Assistant's classes of sensors, by what the property is called.
var classes = map[string]string{
	"temperature": "temperature", "humidity": "humidity", "pressure": "pressure", "illuminance": "illuminance", "battery": "battery",
	"power": "power", "energy": "energy", "voltage": "voltage", "current": "current", "co2": "carbon_dioxide", "distance": "distance",
	"pm1": "pm1", "pm25": "pm25", "pm10": "pm10",
}

// switched are its classes of what is on or off.
var switched = map[string]string{"occupancy": "occupancy", "motion": "motion", "open": "opening", "water_leak": "moisture", "smoke": "smoke", "vibration": "vibration"}

// entity is what a property is to Home Assistant; component is empty for what it has no
// place for.
func (x *exporter) entity(device string, p home.Property) (component string, entity map[string]any) {
	entity = map[string]any{"state_topic": x.base + "state/" + device + "/" + p.Name}
	if p.Settable {
		entity["command_topic"] = x.base + "set/" + device + "/" + p.Name
	}
	onOff := func() { entity["payload_on"], entity["payload_off"] = "on", "off" }
	switch {
	case p.Type == home.TypeBoolean && p.Settable:
		onOff()
		return "switch", entity
	case p.Type == home.TypeBoolean:
		onOff()
		if class := switched[p.Name]; class != "" {
			entity["device_class"] = class
		}
		return "binary_sensor", entity
	case p.Type == home.TypeNumber:
		if p.Unit != "" {
			entity["unit_of_measurement"] = p.Unit
		}
		if p.Settable && p.Min != nil && p.Max != nil {
			entity["min"], entity["max"] = *p.Min, *p.Max
			entity["step"] = 0.1
			return "number", entity
		}
		delete(entity, "command_topic")
		entity["state_class"] = "measurement"
		if p.Name == "energy" {
			entity["state_class"] = "total_increasing"
		}
		if class := classes[p.Name]; class != "" && p.Unit != "" {
			entity["device_class"] = class
		}
		return "sensor", entity
	case p.Type == home.TypeChoice && p.Settable:
		entity["options"] = p.Options
		return "select", entity
	case p.Type == home.TypeChoice:
		entity["device_class"], entity["options"] = "enum", p.Options
		return "sensor", entity
	case p.Type == home.TypeText && p.Settable:
		return "text", entity
	case p.Type == home.TypeText:
		return "sensor", entity
	case p.Type == home.TypeEvent:
		entity["event_types"] = p.Options
		return "event", entity
	}
	return "", nil
}

// same reports whether the broker at place i would be announced the same devices under another plan.
// It may be called of none.
func (x *exporter) same(plan *Plan, i int) bool {
	prefix := plan.brokers[i].export
	if x == nil || prefix == "" {
		return x == nil && prefix == ""
	}
	return reflect.DeepEqual(x.configs, x.g.newExporter(plan, prefix).configs)
}

// handlers take commands, and announcements of devices that there are no more.
func (x *exporter) handlers() []mqtt.Handler {
	list := []mqtt.Handler{{Filter: x.base + "set/+/+", Take: x.command}}
	for topic := range x.configs { // all have the same prefix and node
		words := strings.Split(topic, "/")
		words[len(words)-4], words[len(words)-2] = "+", "+"
		return append(list, mqtt.Handler{Filter: strings.Join(words, "/"), Take: x.obsolete})
	}
	return list
}

// obsolete takes back what was announced by a configuration before.
func (x *exporter) obsolete(m dialect.Message) []dialect.Message {
	if len(m.Payload) == 0 || x.configs[m.Topic] != nil {
		return nil
	}
	return []dialect.Message{{Topic: m.Topic, Retained: true}}
}

// command hands a command to the one door. One that waited in the broker is too old.
func (x *exporter) command(m dialect.Message) []dialect.Message {
	name, property, _ := strings.Cut(strings.TrimPrefix(m.Topic, x.base+"set/"), "/")
	if m.Late || len(m.Payload) > 1<<10 || x.devices[name] == nil {
		x.g.o.Log.Warn("command over mqtt not taken", "device", name, "late", m.Late, "bytes", len(m.Payload))
		return nil
	}
	x.g.control.Submit(home.Command{Device: name, Source: "mqtt", Deadline: time.Now().Add(time.Minute),
		Set: home.Settings{{Property: property, Value: home.TextOf(string(m.Payload))}}}, nil)
	return nil
}

// exportWait bounds how long one message may take to the broker.
const exportWait = 10 * time.Second

// run tells the broker what happens, and all of it when it is there again, until ctx
// ends.
func (x *exporter) run(ctx context.Context, c *mqtt.Connection) {
	for ctx.Err() == nil {
		follow := x.g.hub.Follow() // from before the state is read
		if c.Connected() && x.all(ctx, c) {
			x.follow(ctx, c, follow.Next)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// all tells what there is and how it is.
func (x *exporter) all(ctx context.Context, c *mqtt.Connection) bool {
	for _, topic := range slices.Sorted(maps.Keys(x.configs)) {
		if !x.say(ctx, c, topic, x.configs[topic]) {
			return false
		}
	}
	for _, d := range x.g.hub.Devices("#") {
		if x.devices[d.Name] == nil {
			continue
		}
		if !x.say(ctx, c, x.base+"availability/"+d.Name, availability(d.Status)) {
			return false
		}
		for _, r := range d.Readings {
			_, property := home.Split(r.Name)
			if !x.say(ctx, c, x.base+"state/"+d.Name+"/"+property, stateText(r.Value)) {
				return false
			}
		}
	}
	return true
}

// follow tells what happens, until something cannot be told.
func (x *exporter) follow(ctx context.Context, c *mqtt.Connection, next func(context.Context) (home.Event, uint64, error)) {
	for {
		quiet, cancel := context.WithTimeout(ctx, time.Second)
		ev, lost, err := next(quiet)
		cancel()
		switch {
		case ctx.Err() != nil || lost > 0 || !c.Connected(): // too slow, or alone: all of it again
			return
		case err != nil:
			continue
		}
		topic, payload, retained := x.base+"state/"+ev.Device+"/"+ev.Property, stateText(ev.Value), true
		switch {
		case x.devices[ev.Device] == nil:
			continue
		case ev.Kind == home.KindStatus:
			topic, payload = x.base+"availability/"+ev.Device, availability(ev.State)
		case ev.Kind == home.KindEvent:
			payload, _ = json.Marshal(map[string]string{"event_type": ev.Value.String()}) // a text always encodes
			retained = false
		case ev.Kind != home.KindReading:
			continue
		}
		if !x.publish(ctx, c, dialect.Message{Topic: topic, Payload: payload, Retained: retained}) {
			return
		}
	}
}

func (x *exporter) say(ctx context.Context, c *mqtt.Connection, topic string, payload []byte) bool {
	return x.publish(ctx, c, dialect.Message{Topic: topic, Payload: payload, Retained: true})
}

func (x *exporter) publish(ctx context.Context, c *mqtt.Connection, m dialect.Message) bool {
	ctx, cancel := context.WithTimeout(ctx, exportWait)
	defer cancel()
	return c.Publish(ctx, m) == nil // else the connection tells, and all is told again
}

func availability(status string) []byte {
	if status == home.Online {
		return []byte("online")
	}
	return []byte("offline")
}

// stateText is a value as Home Assistant reads it.
func stateText(v home.Value) []byte {
	if !v.Known() {
		return []byte("None")
	}
	return []byte(v.String())
}
