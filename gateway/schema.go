package gateway

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hogar/gateway/config"
	"hogar/gateway/home"
)

// Section is one map of the configuration, with the keys that the code looks for in it.
type Section struct {
	Name string // amqp; devices.*; the driver's own keys: driver relay
	Keys []home.Ask
}

// Sections lists the keys of the configuration, found by reading one that has every
// section and a device of every driver, and listening to what is asked for.
func Sections() []Section {
	var text strings.Builder
	text.WriteString("gateway: casa\nlocation: {}\namqp: {}\njournal: {}\nclock: {}\nweb: {listen: \"127.0.0.1:1\"}\n" +
		"mqtt: [{url: \"mqtt://localhost\"}]\nrules: {a: {when: hall.relay.state, do: []}}\ndevices:\n  hall.relay: {driver: relay, pin: GPIO4}\n")
	names := DriverNames()
	for _, name := range names {
		fmt.Fprintf(&text, "  of_%s: {driver: %s}\n", name, name)
	}
	text.WriteString("  other_pwm: {driver: pwm, chip: pwmchip0, channel: 1}\n") // its second form
	found := make(map[string][]home.Ask)
	cfg, faults := config.Listen(text.String(), func(a home.Ask) { note(found, a) })
	Check(cfg, faults)
	found["devices.of_pwm"] = either(found["devices.of_pwm"], found["devices.other_pwm"])
	return sections(found, names)
}

// either is the keys of a driver with two forms: only what both require is required.
func either(one, other []home.Ask) []home.Ask {
	all := make(map[string][]home.Ask)
	for _, k := range slices.Concat(one, other) {
		same := func(o home.Ask) bool { return o.Key == k.Key && o.Required }
		k.Path, k.Required = nil, slices.ContainsFunc(one, same) && slices.ContainsFunc(other, same)
		note(all, k)
	}
	return all[""]
}

// note adds what was asked for a key; the question that says most counts.
func note(found map[string][]home.Ask, a home.Ask) {
	where := strings.Join(a.Path, ".")
	keys := found[where]
	i := slices.IndexFunc(keys, func(k home.Ask) bool { return k.Key == a.Key })
	if i < 0 {
		found[where] = append(keys, a)
		return
	}
	required, free := keys[i].Required || a.Required, keys[i].Free || keys[i].Type == "" && !keys[i].Required && a.Type != ""
	if a.Type != "" && (keys[i].Type == "" || keys[i].Type == "list") {
		keys[i] = a
	}
	keys[i].Required, keys[i].Free = required, free
}

func sections(found map[string][]home.Ask, drivers []string) []Section {
	all := []Section{{"", found[""]}}
	for _, name := range []string{"location", "amqp", "journal", "clock", "web"} {
		all = append(all, Section{name, found[name]})
	}
	own := make(map[string]bool) // the house's keys are those that every driver's entry has
	var house []home.Ask
	for _, k := range found["devices.of_"+drivers[0]] {
		everywhere := !slices.ContainsFunc(drivers, func(d string) bool {
			return !slices.ContainsFunc(found["devices.of_"+d], func(other home.Ask) bool { return other.Key == k.Key })
		})
		if everywhere {
			house, own[k.Key] = append(house, k), true
		}
	}
	all = append(all, Section{"devices.*", house})
	for _, name := range drivers {
		keys := slices.DeleteFunc(slices.Clone(found["devices.of_"+name]), func(k home.Ask) bool { return own[k.Key] })
		all = append(all, Section{"driver " + name, keys})
	}
	all = append(all, Section{"mqtt[]", found["mqtt.0"]}, Section{"rules.*", found["rules.a"]})
	for i := range all {
		slices.SortFunc(all[i].Keys, func(a, b home.Ask) int { return cmp.Compare(a.Key, b.Key) })
	}
	return all
}

// Schema is the configuration as JSON Schema (draft-07), for editors.
func Schema() ([]byte, error) {
	sections := make(map[string]Section)
	for _, s := range Sections() {
		sections[s.Name] = s
	}
	root := object(sections[""])
	properties := root["properties"].(map[string]any)
	for _, name := range []string{"location", "amqp", "journal", "clock", "web"} {
		properties[name] = object(sections[name])
	}
	properties["devices"] = map[string]any{"type": "object", "propertyNames": map[string]any{"pattern": devicePattern},
		"additionalProperties": deviceSchema(sections)}
	source := object(sections["mqtt[]"])
	properties["mqtt"] = map[string]any{"type": "array", "items": source}
	rule := map[string]any{"type": "object", "additionalProperties": object(sections["rules.*"])}
	files := map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
	properties["rules"] = map[string]any{"anyOf": []any{rule, map[string]any{"type": "string"}, files}}
	root["$schema"], root["title"] = "http://json-schema.org/draft-07/schema#", "hogar.yaml"
	return json.MarshalIndent(root, "", " ")
}

// none is the default of a duration that is left to the driver or switched off.
const none = "0s"

const devicePattern = `^[a-z][a-z0-9_]{0,31}(\.[a-z][a-z0-9_]{0,31}){0,2}$`

// deviceSchema is of an entry below devices: the house's keys and those of its driver.
func deviceSchema(sections map[string]Section) map[string]any {
	var all []any
	for _, name := range DriverNames() {
		whole := Section{Keys: slices.Concat(sections["devices.*"].Keys, sections["driver "+name].Keys)}
		all = append(all, map[string]any{
			"if":   map[string]any{"required": []string{"driver"}, "properties": map[string]any{"driver": map[string]any{"const": name}}},
			"then": object(whole),
		})
	}
	return map[string]any{"type": "object", "allOf": all,
		"properties": map[string]any{"driver": map[string]any{"enum": DriverNames()}}}
}

// object is the schema of one map. A key may be left empty wherever it may be left out.
func object(s Section) map[string]any {
	properties, required := make(map[string]any), []string{}
	for _, k := range s.Keys {
		properties[k.Key] = property(k)
		if k.Required {
			required = append(required, k.Key)
		}
	}
	o := map[string]any{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": free(s)}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// free reports whether a map has keys that the user names: outputs of a driver.
func free(s Section) bool {
	return slices.ContainsFunc(s.Keys, func(k home.Ask) bool { return strings.Contains(k.Key, "*") })
}

// property is the schema of one key's value.
func property(k home.Ask) map[string]any {
	p := make(map[string]any)
	number := func(kinds ...string) {
		p["type"] = kinds
		if !math.IsInf(k.Least, 0) && !math.IsInf(k.Most, 0) && k.Most > k.Least {
			p["minimum"], p["maximum"] = k.Least, k.Most
		}
	}
	if k.Free {
		return p
	}
	switch k.Type {
	case "text", "file":
		p["type"] = []string{"string", "number", "boolean"}
	case "word":
		p["enum"] = words(k.Options)
		if n := numbers(k.Options); len(n) > 0 {
			p = map[string]any{"anyOf": []any{p, map[string]any{"enum": n}}}
		}
	case "bool":
		p["enum"] = []any{true, false, "on", "off", "yes", "no"}
	case "int":
		number("integer", "string")
	case "number":
		number("number", "string")
	case "duration":
		p["type"], p["pattern"] = "string", `^(\d+(ms|s|m|h|d|w))+$|^0$`
	case "map":
		p["type"] = "object"
	}
	if k.Default != "" && k.Default != none {
		p["default"] = k.Default
	}
	return p
}

// numbers are those of the options that YAML readers take for numbers.
func numbers(options []string) []any {
	all := []any{}
	for _, o := range options {
		if f, err := strconv.ParseFloat(o, 64); err == nil {
			all = append(all, f)
		}
	}
	return all
}

// words adds how YAML readers take on and off.
func words(options []string) []any {
	var all []any
	for _, o := range options {
		all = append(all, o)
		switch o {
		case "on":
			all = append(all, true, "yes")
		case "off":
			all = append(all, false, "no")
		}
	}
	return all
}

// Range shows in words what may stand at a key.
func Range(k home.Ask) string {
	switch {
	case k.Type == "word":
		return strings.Join(k.Options, ", ")
	case k.Type == "duration":
		return home.FormatDuration(time.Duration(k.Least*float64(time.Second))) + " to " + home.FormatDuration(time.Duration(k.Most*float64(time.Second)))
	case (k.Type == "int" || k.Type == "number") && !math.IsInf(k.Most, 0) && !math.IsInf(k.Least, 0):
		show := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
		return show(k.Least) + " to " + show(k.Most)
	}
	return ""
}
