package gateway

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"hogar/bridge"
	"hogar/drivers"
	"hogar/drivers/mqtt"
	"hogar/gateway/clock"
	"hogar/gateway/config"
	"hogar/gateway/control"
	"hogar/gateway/filter"
	"hogar/gateway/home"
	"hogar/rules"
)

// Plan is a configuration that has been held against the drivers and the rules:
// all that is needed to run it, and nothing opened yet. It can be run once.
type Plan struct {
	Config  *config.Config
	devices []device
	brokers []broker
	engine  *rules.Engine // the hub's goroutine has it once it runs
	rules   int           // how many there are
	door    control.House // but its devices
	vars    []home.Property

	catalog   map[string]home.Catalog  // discovered devices as they were written down, by name
	furnished map[string]config.Device // entries without a driver, by name: they add to discovered devices
}

// device is one planned device.
type device struct {
	config.Device
	spec  drivers.Spec // of a device on the board
	topic *mqtt.Topic  // of a device that speaks MQTT

	safety  *control.Safety          // nil: none
	filters map[string]*filter.Chain // by property
}

// Check holds a configuration against the drivers and the rules, without
// touching any hardware. Its faults are added to those of the reading; the Plan is
// usable when none of them is more than a warning.
func Check(cfg *config.Config, faults *home.Faults) *Plan {
	p := &Plan{Config: cfg, furnished: make(map[string]config.Device), catalog: make(map[string]home.Catalog)}
	for _, d := range cfg.MQTT {
		p.brokers = append(p.brokers, decodeBroker(d, cfg.Gateway))
		p.checkClient(d)
	}
	p.planExport(faults)
	drivers := table()
	for _, d := range cfg.Devices {
		if d.Driver == "" && p.discovers() {
			p.planFurnished(d)
			continue
		}
		if one, ok := p.plan(d, drivers, faults); ok {
			p.devices = append(p.devices, one)
		}
	}
	p.checkParts(faults)
	p.planCatalog(cfg.Catalog)
	p.checkNames(faults)
	p.vars = rules.Variables(cfg.Vars) // what is wrong in it, the rules tell
	p.checkGiven(faults)
	p.checkCatalog(faults)
	p.planDoor(faults)
	for i, pattern := range cfg.AMQP.ReplyTo {
		if err := bridge.CheckReplyTo(pattern); err != nil {
			faults.Add(home.Fault{Path: []string{"amqp", "reply_to", strconv.Itoa(i)}, Hint: "like direct, {user}.# or answers.*",
				Message: fmt.Sprintf("'%s' is no pattern of queues: %v", pattern, err)})
		}
	}
	for i := range p.devices {
		d := &p.devices[i]
		d.filters = decodeFilters(d.Filters, d.Name, d.properties(), faults)
	}
	house, o := p.RuleHouse()
	p.engine = rules.Load(cfg.Rules, house, o, faults)
	if p.engine != nil { // else it has faults
		p.rules = len(p.engine.Rules())
	}
	return p
}

// trust says when the clock is trusted.
func (p *Plan) trust() clock.Trust {
	return clock.Trust{Always: p.Config.Clock.Always, After: max(p.Config.Clock.After, time.Nanosecond)}
}

// RuleHouse is the house as its rules are checked against it, and what else they
// need of the configuration.
func (p *Plan) RuleHouse() (rules.House, rules.Options) {
	cfg := p.Config
	var house rules.House = p.house()
	if p.discovers() {
		house = openNames{p.house(), p.wholes()}
	}
	return house, rules.Options{Location: cfg.Location.Timezone, Latitude: cfg.Location.Latitude,
		Longitude: cfg.Location.Longitude, Groups: p.door.Groups, Scenes: cfg.Scenes, Vars: cfg.Vars}
}

// plan decodes one entry with its driver.
func (p *Plan) plan(d config.Device, table map[string]drivers.Driver, faults *home.Faults) (device, bool) {
	if d.Sleeps {
		d.Options.Fault("sleeps", "leave it out", "sleeps is for a discovered device, and this one has the driver %s", d.Driver)
	}
	if d.Driver == mqttDriver {
		t := mqtt.DecodeTopic(d.Options)
		d.Options.Done()
		if len(p.brokers) == 0 {
			d.Options.Fault("driver", "mqtt: [{url: mqtt://localhost}]", "there is no broker below mqtt:")
			return device{Device: d, topic: &t}, true
		}
		if d.Every > 0 {
			d.Options.Fault("every", "leave it out; stale_after says how long it may be silent", "a device on MQTT tells by itself and is not polled")
		}
		if t.Broker < 0 || t.Broker >= len(p.brokers) {
			d.Options.Fault("broker", "brokers are counted from 0", "broker is %d, and mqtt: has %d", t.Broker, len(p.brokers))
			return device{Device: d, topic: &t}, true
		}
		p.brokers[t.Broker].topics[d.Name] = t
		return device{Device: d, topic: &t}, true
	}
	driver := table[d.Driver]
	if driver == nil {
		if d.Driver != "" {
			hint := "there are " + strings.Join(DriverNames(), ", ")
			if near := home.Nearest(d.Driver, DriverNames()); near != "" {
				hint = "did you mean " + near + "?"
			}
			d.Options.Fault("driver", hint, "there is no driver '%s'", d.Driver)
		}
		return device{}, false
	}
	spec := driver(d.Options)
	d.Options.Done()
	if d.Every == 0 {
		d.Every = spec.Every
	} else if spec.Every == 0 {
		d.Options.Fault("every", "leave it out", "a %s tells by itself and is not polled", d.Driver)
	}
	return device{Device: d, spec: spec}, true
}

// checkParts finds two devices on one pin or at one address.
func (p *Plan) checkParts(faults *home.Faults) {
	taken := make(map[drivers.Part]string)
	for _, d := range p.devices {
		for _, part := range d.spec.Parts {
			where := part
			where.Chip, where.Kernel = "", samePort(part.Kernel)
			if where == (drivers.Part{}) {
				continue // its own fault has been told
			}
			if other, ok := taken[where]; ok {
				faults.Add(home.Fault{Path: []string{"devices", d.Name}, OnKey: true,
					Message: fmt.Sprintf("%s is taken by %s", place(part), other), Hint: "give one of them another"})
				continue
			}
			taken[where] = d.Name
		}
	}
}

// samePort is the one name of a serial port that has several: /dev/serial0 and what is below
// /dev/serial/by-id lead to others, on the machine where they are.
func samePort(kernel string) string {
	real, err := filepath.EvalSymlinks("/" + kernel)
	if kernel == "" || err != nil {
		return kernel // no path at all, another machine's, or not plugged in
	}
	return strings.TrimPrefix(real, "/")
}

// place is where a part sits, whatever it is.
func place(p drivers.Part) string {
	switch {
	case p.Pin != "":
		return "pin " + p.Pin
	case p.Kernel != "":
		return p.Kernel
	}
	return fmt.Sprintf("address %#x on bus %s", p.Address, p.Bus)
}

// checkNames finds a device whose name is that of another device's property: a
// command to it could mean either.
func (p *Plan) checkNames(faults *home.Faults) {
	house := p.house()
	for _, d := range p.devices {
		if _, ok := house.properties[d.Name]; ok {
			of, property := home.Split(d.Name)
			faults.Add(home.Fault{Path: []string{"devices", d.Name}, OnKey: true, Hint: "name one of them otherwise",
				Message: fmt.Sprintf("device %s has the name of the property %s of device %s", d.Name, property, of)})
		}
	}
}

// properties of a planned device.
func (d *device) properties() []home.Property {
	if d.topic != nil {
		return []home.Property{d.topic.Property()}
	}
	return d.spec.Properties
}

// staleAfter is the house time without a measurement after which the device is
// stale: three times its interval unless the configuration says otherwise, at
// least 10 s, and never less than 2 s of the machine's time.
func (d *device) staleAfter(clock *clock.Clock) time.Duration {
	if d.StaleAfter > 0 {
		return d.StaleAfter
	}
	if d.Every == 0 {
		return 0
	}
	after := max(3*d.Every, 10*time.Second)
	if short := clock.Machine(after); short < 2*time.Second {
		after = time.Duration(float64(after) * float64(2*time.Second) / float64(short))
	}
	return after
}

// Parts returns what the devices occupy on the board, by device: what a
// simulated board must have.
func (p *Plan) Parts() map[string][]drivers.Part {
	parts := make(map[string][]drivers.Part)
	for _, d := range p.devices {
		if len(d.spec.Parts) > 0 {
			parts[d.Name] = d.spec.Parts
		}
	}
	return parts
}

// Doubts are warnings about what this machine will do otherwise than the configuration asks for, as
// the kernel's files show it.
func (p *Plan) Doubts(files drivers.Files) (doubts []home.Fault) {
	for _, d := range p.devices {
		for _, text := range d.doubts(files) {
			doubts = append(doubts, home.Fault{Path: d.Options.Node.Path, Message: text, Warning: true})
		}
	}
	return doubts
}

func (d *device) doubts(files drivers.Files) []string {
	if d.spec.Doubts == nil {
		return nil
	}
	return d.spec.Doubts(files)
}

// options are the pairs of the device's entry that are its driver's.
func (d *device) options() []home.Pair {
	houses := []string{"label", "every", "stale_after", "groups", "filters", "safety", "on_return", "sleeps"}
	return slices.DeleteFunc(slices.Clone(d.Options.Node.Pairs), func(p home.Pair) bool { return slices.Contains(houses, p.Key) })
}

// inherit takes over, from the plan that runs now, the devices of which the driver
// sees no change, and returns them: a relay goes on from the state it was set to, and not
// from on_start.
func (p *Plan) inherit(old *Plan) (same []device) {
	for i, d := range p.devices {
		j := slices.IndexFunc(old.devices, func(o device) bool { return o.Name == d.Name && o.Driver == d.Driver })
		if j >= 0 && d.topic == nil && reflect.DeepEqual(old.devices[j].options(), d.options()) {
			p.devices[i].spec = old.devices[j].spec
			same = append(same, p.devices[i])
		}
	}
	return same
}
