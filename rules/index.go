package rules

import (
	"slices"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// index enters t where its events will look for it.
func (e *Engine) index(t *trigger) {
	switch t.kind {
	case whenStarted:
		e.started = append(e.started, t)
	case whenMessage:
		e.messages = append(e.messages, t)
	case whenOnline, whenOffline:
		e.table.Device(t.device)
	case whenChanged:
		for _, name := range t.names {
			e.table.Slot(name)
			e.watch(name, t)
		}
	case whenEvent:
		e.watch(t.names[0], t)
	case whenIs:
		for _, slot := range t.prog.Names {
			e.watch(e.table.Name(slot), t)
		}
		if t.prog.Clock {
			e.clocked = append(e.clocked, t)
		}
	}
}

func (e *Engine) watch(name string, t *trigger) {
	device, property := home.Split(name)
	k := nameKey{device, property}
	w := e.names[k]
	if w == nil {
		w = &watch{slot: -1}
		e.names[k] = w
	}
	if t != nil && !slices.Contains(w.triggers, t) {
		w.triggers = append(w.triggers, t)
	}
}

// indexDevices enters the names that nothing is started by, and gives each
// device its names and the triggers that its state concerns.
func (e *Engine) indexDevices() {
	for _, v := range e.vars {
		e.table.Slot(home.Join(home.Vars, v.Name))
	}
	for slot := range e.table.Names() {
		e.indexSlot(slot)
	}
	for i := range e.table.Devices() {
		e.deviceWatch(e.table.Devices()[i])
	}
	for _, t := range e.triggers {
		if t.kind == whenOnline || t.kind == whenOffline {
			d := e.deviceWatch(t.device)
			d.triggers = append(d.triggers, t)
		}
		if t.prog == nil {
			continue
		}
		for _, device := range t.prog.Online {
			d := e.deviceWatch(e.table.Devices()[device])
			d.triggers = append(d.triggers, t)
		}
	}
	for _, d := range e.devices {
		slices.SortFunc(d.triggers, func(a, b *trigger) int { return int(a.order) - int(b.order) })
		d.triggers = slices.Compact(d.triggers)
	}
}

// indexSlot lets readings and the state of its device find a name.
func (e *Engine) indexSlot(slot int) {
	name := e.table.Name(slot)
	e.watch(name, nil)
	device, property := home.Split(name)
	w := e.names[nameKey{device, property}]
	w.slot = slot
	if device == home.Vars {
		return
	}
	d := e.deviceWatch(device)
	d.slots = append(d.slots, slot)
	d.triggers = append(d.triggers, w.triggers...)
}

// grow makes room for the names that only an old rule's steps read.
func (e *Engine) grow() {
	for slot := len(e.env.Slots); slot < len(e.table.Names()); slot++ {
		e.indexSlot(slot)
		e.env.Slots = append(e.env.Slots, expr.Slot{Why: "never read"})
		e.known = append(e.known, home.Value{})
	}
	for i := len(e.env.Online); i < len(e.table.Devices()); i++ {
		e.deviceWatch(e.table.Devices()[i])
		e.env.Online = append(e.env.Online, false)
	}
}

func (e *Engine) deviceWatch(name string) *deviceWatch {
	d := e.devices[name]
	if d == nil {
		d = &deviceWatch{name: name, index: e.table.Device(name)}
		e.devices[name] = d
	}
	return d
}
