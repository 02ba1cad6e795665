package shelly

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// frame is an RPC message: a notification of a device, or the answer to a call.
type frame struct {
	ID     int             `json:"id"`
	Src    string          `json:"src"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// ask asks a device what it is. How it is, is asked when that is known: its name comes
// from it, and the two answers could come in either order.
func (s *Shelly) ask(topic string) []dialect.Message {
	s.asked[topic] = true
	s.calls = append(s.calls, topic)
	return s.call(len(s.calls), "Shelly.GetDeviceInfo", "")
}

// call calls a method of the n-th device that was asked.
func (s *Shelly) call(n int, method, params string) []dialect.Message {
	return []dialect.Message{{Topic: s.calls[n-1] + "/rpc", Payload: []byte(s.request(n, method, params))}}
}

// readRPC takes a notification below the device's topic, or an answer, which comes to ours.
func (s *Shelly) readRPC(topic string, m dialect.Message) dialect.Told {
	var f frame
	if err := json.Unmarshal(m.Payload, &f); err != nil || f.Src == "" {
		return ignored("", m.Topic, "no RPC of a Shelly: src is missing")
	}
	if f.Error != nil {
		return ignored(f.Src, m.Topic, "the device refuses: "+f.Error.Message)
	}
	answer := topic == m.Topic // nothing was cut off
	d := s.devices[f.Src]
	switch {
	case answer && f.ID > 0 && f.ID <= len(s.calls):
		topic = s.calls[f.ID-1]
	case answer && d != nil:
		topic = d.topic
	case answer:
		return dialect.Told{Ignored: []dialect.Ignored{{ID: f.Src, What: m.Topic, Why: "an answer to nothing that was asked"}}}
	}
	var t dialect.Told
	switch {
	case answer:
		s.readAnswer(topic, f, &t)
	case f.Method == "NotifyFullStatus": // all that a device on a battery says before it sleeps
		s.describe(topic, f.Src, f.Params, &t)
	case d == nil || d.first:
		if !s.asked[topic] && len(s.asked) < mostDevices {
			t.Send = s.ask(topic)
		}
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: f.Src, What: m.Topic, Why: "the device is not known yet and has been asked what it is"})
	case f.Method == "NotifyStatus":
		d.readStatus(f.Params, &t)
		s.lookAgain(d, f.Params, &t)
	case f.Method == "NotifyEvent":
		d.readEvents(f.Params, &t)
	}
	return t
}

// readAnswer takes what a device is, or how it is.
func (s *Shelly) readAnswer(topic string, f frame, t *dialect.Told) {
	var info struct {
		ID   string  `json:"id"`
		Name *string `json:"name"`
		MAC  string  `json:"mac"`
	}
	if json.Unmarshal(f.Result, &info) == nil && info.MAC != "" && info.ID != "" {
		d := s.enter(f.Src, topic)
		if d == nil {
			return
		}
		s.byTopic[topic] = d
		d.label = labelOf(info.ID, topic)
		if info.Name != nil && *info.Name != "" {
			d.label = *info.Name
		}
		if len(d.features) > 0 {
			t.Devices = append(t.Devices, d.tell())
		}
		if f.ID > 0 && f.ID <= len(s.calls) {
			t.Send = s.call(f.ID, "Shelly.GetStatus", "")
		}
		return
	}
	var page componentPage
	if json.Unmarshal(f.Result, &page) == nil && page.Components != nil {
		s.readComponents(f, page, t)
		return
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(f.Result, &members) == nil && members["sys"] != nil {
		s.describe(topic, f.Src, f.Result, t)
	}
}

// readStatus takes the state of some components, of which only what has changed
// need be there.
func (d *device) readStatus(status json.RawMessage, t *dialect.Told) {
	var components map[string]json.RawMessage
	if json.Unmarshal(status, &components) != nil {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: "params", Why: "no state of a device", Fault: true})
		return
	}
	for _, key := range slices.Sorted(maps.Keys(components)) {
		for _, f := range d.byKey[key] {
			raw := find(components[key], f.path)
			if f.silent || raw == nil {
				continue
			}
			v, why, fault := f.measured(raw)
			if troubles := find(components[key], []string{"errors"}); why != "" && !fault && kindOf(key) != "em" && len(troubles) > len("[]") {
				why += ", with the errors " + string(troubles[:min(len(troubles), 80)])
			}
			t.Readings = append(t.Readings, dialect.Reading{ID: d.id, Property: f.Name, Value: v, Unknown: why, Repeats: f.Type != home.TypeNumber || f.set != nil})
			if fault {
				t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: key, Why: why, Fault: true})
			}
		}
	}
}

// readEvents takes what happened: a button was pushed.
func (d *device) readEvents(params json.RawMessage, t *dialect.Told) {
	var all struct {
		Events []struct{ Component, Event string } `json:"events"`
	}
	if json.Unmarshal(params, &all) != nil {
		t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: "params", Why: "no events", Fault: true})
		return
	}
	for _, e := range all.Events {
		d.gains(e.Component, e.Event, t)
		i := slices.IndexFunc(d.features, func(f feature) bool { return f.key == e.Component && f.Type == home.TypeEvent })
		if i < 0 || !slices.Contains(d.features[i].Options, e.Event) {
			t.Ignored = append(t.Ignored, dialect.Ignored{ID: d.id, What: e.Component, Why: fmt.Sprintf("the event %q is not known here", e.Event)})
			continue
		}
		t.Readings = append(t.Readings, dialect.Reading{ID: d.id, Property: d.features[i].Name, Momentary: true, Value: home.TextOf(e.Event)})
	}
}
