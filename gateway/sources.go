package gateway

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hogar/drivers/mqtt"
	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/homeassistant"
	"hogar/drivers/mqtt/shelly"
	"hogar/drivers/mqtt/tasmota"
	"hogar/drivers/mqtt/zigbee2mqtt"
	"hogar/gateway/config"
	"hogar/gateway/control"
	"hogar/gateway/filter"
	"hogar/gateway/home"
)

// broker is an entry below mqtt:, with the devices that take their topics there and
// those who tell of devices.
type broker struct {
	mqtt.Broker
	topics  map[string]mqtt.Topic // by device
	sources []mqtt.Source
	names   map[string]string // by id: the names that the configuration gives
	export  string            // the prefix below which the house's own devices are announced; empty: they are not
}

// What include: asks for, which is left out else.
const (
	includeQuality  = "linkquality"
	includeDisabled = "disabled_entities"
)

// decodeBroker reads an entry below mqtt:.
func decodeBroker(d *home.Decoder, gateway string) broker {
	b := broker{Broker: mqtt.DecodeBroker(d), topics: make(map[string]mqtt.Topic), names: make(map[string]string)}
	var extra []string
	for _, n := range d.List("include") {
		one := home.NewDecoder(&home.Node{Path: n.Path, Kind: home.NodeMap, Pairs: []home.Pair{{Key: "include", Value: n}}}, d.Faults)
		extra = append(extra, one.Word("include", "", includeQuality, includeDisabled))
	}
	bases := decodeBases(d, config.Zigbee2MQTT)
	for _, base := range bases {
		b.sources = append(b.sources, mqtt.Source{Name: config.Zigbee2MQTT, Base: base,
			Dialect: zigbee2mqtt.New(zigbee2mqtt.Options{Base: base, LinkQuality: slices.Contains(extra, includeQuality)})})
	}
	for _, prefix := range decodeBases(d, config.HomeAssistant) {
		b.sources = append(b.sources, mqtt.Source{Name: config.HomeAssistant, Base: prefix,
			Dialect: homeassistant.New(homeassistant.Options{Prefix: prefix, Own: exportNode(gateway), Zigbee2MQTT: bases, All: slices.Contains(extra, includeDisabled)})})
	}
	for _, base := range decodeBases(d, config.Tasmota) {
		b.sources = append(b.sources, mqtt.Source{Name: config.Tasmota, Base: base, Dialect: tasmota.New(tasmota.Options{Base: base})})
	}
	for _, base := range decodeBases(d, config.Shelly) {
		b.sources = append(b.sources, mqtt.Source{Name: config.Shelly, Base: base,
			Dialect: shelly.New(shelly.Options{Base: base, Source: "hogar-" + gateway})})
	}
	b.decodeNames(d)
	for _, prefix := range decodeBases(d, "export") {
		b.export = prefix
	}
	d.Done()
	return b
}

// decodeBases reads one base topic or a list of them.
func decodeBases(d *home.Decoder, key string) []string {
	usual := map[string]string{config.Zigbee2MQTT: "zigbee2mqtt", config.HomeAssistant: "homeassistant",
		config.Tasmota: "tasmota/discovery", config.Shelly: "shellies", "export": "homeassistant"}
	var bases []string
	for _, base := range d.Texts(key) {
		trimmed := strings.Trim(base, "/")
		switch {
		case slices.Contains([]string{"true", "yes", "on"}, strings.ToLower(base)):
			d.Fault(key, key+": "+usual[key], "%s is '%s', expected a base topic", key, base)
		case dialect.CheckTopic(trimmed) != nil:
			d.Fault(key, key+": "+usual[key], "%s is '%s', expected a base topic", key, base)
		case slices.Contains(bases, trimmed):
			d.Fault(key, "", "%s has '%s' twice", key, base)
		default:
			bases = append(bases, trimmed)
		}
	}
	return bases
}

// checkClient finds, for the last broker, another entry with the same broker and client id: each
// would end the connection of the other.
func (p *Plan) checkClient(d *home.Decoder) {
	last := len(p.brokers) - 1
	for i, b := range p.brokers[:last] {
		if of := p.brokers[last]; of.String() == b.String() && b.Host() != "" && of.Client(p.Config.Gateway) == b.Client(p.Config.Gateway) {
			d.Fault("url", "one entry can have all: zigbee2mqtt: [base, other]; else give one a client_id",
				"mqtt.%d has the same broker and client_id, and a broker lets in only one", i)
		}
	}
}

// decodeNames reads names: {"0x00158d0001a2b3c4": porch.lamp}.
func (b *broker) decodeNames(d *home.Decoder) {
	names := d.Map("names")
	if names == nil {
		return
	}
	if len(b.sources) == 0 {
		d.Fault("names", "they are for discovered devices: zigbee2mqtt: zigbee2mqtt", "names without anything that discovers devices")
	}
	for _, p := range names.Node.Pairs {
		name := names.Text(p.Key, "")
		if err := home.CheckDevice(name); err != nil {
			names.Fault(p.Key, "", "%v", err)
			continue
		}
		for id, other := range b.names {
			if other == name {
				names.Fault(p.Key, "give one of them another", "%s is the name of %s", name, id)
			}
		}
		b.names[p.Key] = name
	}
}

// discovers reports whether devices may come that the configuration does not have.
func (p *Plan) discovers() bool {
	return slices.ContainsFunc(p.brokers, func(b broker) bool { return len(b.sources) > 0 })
}

// planFurnished takes an entry without a driver, which adds to a discovered device.
func (p *Plan) planFurnished(d config.Device) {
	for _, key := range []string{"every", "on_start", "on_exit"} {
		if d.Options.Get(key) != nil {
			d.Options.Fault(key, "leave it out", "%s is for a device with a driver, and this one is discovered", key)
		}
	}
	if d.Sleeps && d.StaleAfter == 0 {
		d.Options.Fault("sleeps", "add stale_after: 3h, say, longer than it sleeps", "the word offline of a device that sleeps does not count, and nothing else would say that it is gone")
	}
	d.Options.Done()
	p.furnished[d.Name] = d
}

// furniture is what the configuration adds to a discovered device.
type furniture struct {
	staleAfter time.Duration
	reapply    bool
	filters    map[string]*filter.Chain
	safety     *control.Safety
}

// furnish decodes what the configuration adds to a discovered device with these
// properties. Faults are told by path.
func (p *Plan) furnish(device string, properties []home.Property, house names, faults *home.Faults) furniture {
	d, ok := p.furnished[device]
	if !ok {
		return furniture{}
	}
	return furniture{staleAfter: d.StaleAfter, reapply: d.OnReturn == "reapply",
		filters: decodeFilters(d.Filters, device, properties, faults),
		safety:  control.DecodeSafety(d.Safety, device, properties, house, faults)}
}

// checkGiven finds names that names: gives to a device and that a device of the
// configuration has.
func (p *Plan) checkGiven(faults *home.Faults) {
	for i, b := range p.brokers {
		for id, name := range b.names {
			if slices.ContainsFunc(p.devices, func(d device) bool { return d.Name == name }) {
				faults.Add(home.Fault{Path: []string{"mqtt", fmt.Sprint(i), "names", id}, Hint: "give it another name",
					Message: fmt.Sprintf("%s is the name of a device below devices", name)})
			}
		}
	}
}

// usualSources is a plan of nothing but a broker with every source at its usual topic.
func usualSources(url string) (*Plan, error) {
	scalar := func(key, text string) home.Pair {
		return home.Pair{Key: key, Value: &home.Node{Kind: home.NodeScalar, Text: text, Path: []string{key}}}
	}
	n := &home.Node{Kind: home.NodeMap, Pairs: []home.Pair{scalar("url", url), scalar(config.Zigbee2MQTT, config.Zigbee2MQTT),
		scalar(config.HomeAssistant, config.HomeAssistant), scalar(config.Tasmota, "tasmota/discovery"), scalar(config.Shelly, "shellies")}}
	var faults home.Faults
	p := &Plan{Config: &config.Config{Gateway: "casa"}, brokers: []broker{decodeBroker(home.NewDecoder(n, &faults), "casa")}}
	for _, f := range faults.List {
		if !f.Warning {
			return nil, fmt.Errorf("%s (%s)", f.Message, f.Hint)
		}
	}
	return p, nil
}
