package ruletest

import (
	"slices"
	"strings"

	"hogar/drivers/simboard/world"
	"hogar/gateway/home"
)

// breaking breaks a device, as the simulation of the whole house does, or mends it with
// none.
type breaking struct{ device, kind string }

const (
	mended = "none"
	welded = "welded" // the relay's contacts stay closed
)

// offlineFaults are those that a driver notices: the device is offline and obeys nothing.
func offlineFaults() []string {
	return []string{"absent", "nak", "hang", "stuck", "crc", "power_on", "zeros", "skipped", "no_co2", "bogus", "unplugged"}
}

// worldFaults make the difference only in the simulated world.
func worldFaults() []string { return []string{world.Noisy, world.Drifting, world.Frozen, welded} }

// breaks reads {DEVICE: KIND}.
func (d *decoder) breaks(s *step, in *home.Decoder) {
	n := in.Get("fault")
	if n == nil {
		return
	}
	if n.Kind != home.NodeMap {
		d.faults.At(n, "write {cellar.probe: frozen}, or none instead of frozen", "fault is %s", n.Describe())
		return
	}
	kinds := slices.Concat(offlineFaults(), worldFaults(), []string{mended})
	for _, p := range n.Pairs {
		name := &home.Node{Path: p.Value.Path, Kind: home.NodeScalar, Text: p.Key}
		switch {
		case !d.device(name):
		case !slices.Contains(kinds, p.Value.Text):
			d.faults.At(p.Value, near(p.Value.Text, kinds), "fault is %s, expected one of %s", p.Value.Describe(), strings.Join(kinds, ", "))
		case slices.Contains(worldFaults(), p.Value.Text) && d.test.world == nil:
			d.faults.At(p.Value, "write world: true into the test", "%s makes no difference without the simulated world", p.Value.Text)
		default:
			s.breaks = append(s.breaks, breaking{p.Key, p.Value.Text})
		}
	}
}

// broke breaks and mends devices.
func (r *runner) broke(list []breaking) {
	for _, b := range list {
		r.mend(b.device)
		status := home.Event{Kind: home.KindStatus, Device: b.device, State: home.Online}
		if slices.Contains(offlineFaults(), b.kind) {
			status.State, status.Reason = home.Offline, b.kind
			for _, name := range r.suite.House.Names() {
				if device, _ := home.Split(name); device == b.device {
					r.fails[name] = b.device + " is offline: " + b.kind
				}
			}
		}
		if r.house != nil {
			r.house.broke(b)
		}
		r.feed(status)
	}
}

// mend lets all commands to a device be obeyed.
func (r *runner) mend(device string) {
	for name := range r.fails {
		if of, _ := home.Split(name); of == device {
			delete(r.fails, name)
		}
	}
}

// broke notes what a device does from now on.
func (h *house) broke(b breaking) {
	delete(h.off, b.device)
	delete(h.lies, b.device)
	delete(h.welded, b.device)
	switch {
	case b.kind == welded:
		h.welded[b.device] = true
		h.world.Set(b.device, true)
	case slices.Contains(worldFaults(), b.kind):
		h.lies[b.device] = world.NewLie(b.kind)
	case b.kind != mended:
		h.off[b.device] = true
	}
}

// switched tells the world what an actuator was set to.
func (h *house) switched(device string, on bool) { h.world.Set(device, on || h.welded[device]) }
