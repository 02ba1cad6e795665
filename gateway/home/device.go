package home

import (
	"slices"
	"time"
)

// DeviceState is what the house knows about one device, group or scene at a moment.
type DeviceState struct {
	Name       string        `json:"device"`
	Label      string        `json:"label,omitempty"`
	Driver     string        `json:"driver,omitempty"`
	ID         string        `json:"id,omitempty"`     // of a discovered device: see [Catalog]
	Via        string        `json:"via,omitempty"`    // of a discovered device
	Status     string        `json:"status,omitempty"` // online, offline, stale; empty: not heard of yet
	Reason     string        `json:"reason,omitempty"`
	Since      time.Time     `json:"since,omitzero"`     // of the status; of a device that is not heard of yet: it is known since then
	Repeated   uint64        `json:"repeated,omitempty"` // measurements since the gateway knows it that came only when they were repeated: the first sign of a bad wire
	Properties []Property    `json:"properties"`
	Readings   []LastReading `json:"readings"` // in the order of the properties, without momentary ones

	Kind    string   `json:"kind,omitempty"`    // of what is no device: [Group], [Scene]
	Members []string `json:"members,omitempty"` // the devices of a group or a scene
}

// What is commanded like a device and is none.
const (
	Group = "group"
	Scene = "scene"
)

// LastReading is the last reading of one property.
type LastReading struct {
	Name    string    `json:"name"`
	Value   Value     `json:"value"`
	Unit    string    `json:"unit,omitempty"`
	Unknown string    `json:"unknown,omitempty"` // why the value is null
	Time    time.Time `json:"time,omitzero"`     // of the last measurement; zero: never measured
	Desired Value     `json:"desired,omitzero"`  // what the last command that was obeyed made of it; null: none was
}

// Visible returns of what was found the devices and properties that may be seen:
// all of a device when may says so of it without a property.
func Visible(found []DeviceState, may func(device, property string) bool) []DeviceState {
	var seen []DeviceState
	for _, d := range found {
		if may(d.Name, "") {
			seen = append(seen, d)
			continue
		}
		hidden := func(property string) bool { return !may(d.Name, property) }
		d.Properties = slices.DeleteFunc(slices.Clone(d.Properties), func(p Property) bool { return hidden(p.Name) })
		d.Readings = slices.DeleteFunc(slices.Clone(d.Readings), func(r LastReading) bool {
			_, property := Split(r.Name)
			return hidden(property)
		})
		if len(d.Properties) > 0 {
			seen = append(seen, d)
		}
	}
	return seen
}

// NamesOf returns the names of what was found, and of their properties.
func NamesOf(found []DeviceState) []string {
	var names []string
	for _, d := range found {
		names = append(names, d.Name)
		for _, p := range d.Properties {
			names = append(names, Join(d.Name, p.Name))
		}
	}
	return names
}
