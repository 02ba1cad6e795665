package home

import "time"

// DeviceState is what the house knows about one device at a moment.
type DeviceState struct {
	Name       string        `json:"device"`
	Label      string        `json:"label,omitempty"`
	Driver     string        `json:"driver,omitempty"`
	Status     string        `json:"status,omitempty"` // online, offline, stale; empty: not heard of yet
	Reason     string        `json:"reason,omitempty"`
	Since      time.Time     `json:"since,omitzero"` // of the status
	Properties []Property    `json:"properties"`
	Readings   []LastReading `json:"readings"` // in the order of the properties, without momentary ones
}

// LastReading is the last reading of one property.
type LastReading struct {
	Name    string    `json:"name"`
	Value   Value     `json:"value"`
	Unit    string    `json:"unit,omitempty"`
	Unknown string    `json:"unknown,omitempty"` // why the value is null
	Time    time.Time `json:"time,omitzero"`     // of the last measurement; zero: never measured
}
