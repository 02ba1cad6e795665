package gateway

import (
	"context"
	"time"

	"hogar/gateway/control"
	"hogar/gateway/home"
)

// planDoor decodes what the one door needs beside the devices: groups, scenes,
// rights, and the safety envelope of each device.
func (p *Plan) planDoor(faults *home.Faults) {
	house := p.house()
	member := make(map[string][]string)
	for i := range p.devices {
		d := &p.devices[i]
		d.safety = control.DecodeSafety(d.Safety, d.Name, d.properties(), house, faults)
	}
	for _, d := range p.Config.Devices {
		for _, group := range d.Groups {
			if err := home.CheckDevice(group); err != nil {
				d.Options.Fault("groups", "", "the name of a group: %v", err)
				continue
			}
			member[group] = append(member[group], d.Name)
		}
	}
	cfg := p.Config
	p.door.Groups = control.DecodeGroups(cfg.Groups, member, house, faults)
	p.door.Scenes = control.DecodeScenes(cfg.Scenes, p.door.Groups, varsHouse{house, p.vars}, faults)
	p.door.Access = control.DecodeAccess(cfg.Access, faults)
}

// wholes returns the names of groups, scenes and the variables, which the bridge
// takes for devices.
func (p *Plan) wholes() map[string]bool {
	names := make(map[string]bool)
	for name := range p.door.Groups {
		names[name] = true
	}
	for name := range p.door.Scenes {
		names[name] = true
	}
	if len(p.vars) > 0 {
		names[home.Vars] = true
	}
	return names
}

// resolver is what the bridge is told of the names of the house.
func (p *Plan) resolver() resolver { return resolver{p.house(), p.wholes(), nil} }

// brokerEvery is how often the door is told whether the broker is there.
const brokerEvery = time.Second

// tellBroker tells the door, until ctx ends, whether the broker can be reached.
func (g *gateway) tellBroker(ctx context.Context, gen *generation) {
	tick := time.NewTicker(brokerEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			g.control.Broker(gen.amqp != nil && gen.amqp.Status().Connected)
		case <-ctx.Done():
			return
		}
	}
}
