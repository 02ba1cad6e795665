package gateway

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"hogar/drivers/mqtt"
	"hogar/gateway/config"
	"hogar/gateway/home"
)

// link is a connection to an MQTT broker. It outlives the generation that began it as long as
// each reload leaves its settings alone: a message at QoS 0 that comes during a reload is not lost.
type link struct {
	connection *mqtt.Connection
	exports    *exporter // nil: nothing is announced there
	files      []string  // of the broker, as they were
	stop       context.CancelFunc
	ended      chan struct{} // closed when what run began has ended

	mu  sync.Mutex // a reload holds it while it goes from one generation to the next
	gen *generation
	ctx context.Context // of gen's devices
}

// run serves the link until stop is called.
func (l *link) run(ctx context.Context, g *gateway) {
	ctx, l.stop = context.WithCancel(ctx)
	l.ended = make(chan struct{})
	go func() {
		defer close(l.ended)
		g.report("mqtt", l.connection.Run(ctx))
	}()
}

// discovered hands what was discovered to the generation that has the link now.
func (l *link) discovered(g *gateway, d mqtt.Discovered) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g.discovered(l.ctx, l.gen, l, d)
}

// settles reports whether the link has nothing to wait for: it has subscribed, or could not connect.
func (l *link) settles() bool {
	return l.connection.Connected() || l.connection.Status().Reason != ""
}

// carried is what goes on over a reload.
type carried struct {
	runners map[string]*runner // nil, and not empty, when the board is another
	links   map[int]*link      // by the place of the broker below mqtt:
	found   *found             // of the generation before; nil: it is made anew
	amqp    *bridged           // nil: RabbitMQ is connected anew
}

// hold keeps the links from what they discover, until release.
func (c *carried) hold() (release func()) {
	for _, l := range c.links {
		l.mu.Lock()
	}
	return func() {
		for _, l := range c.links {
			l.mu.Unlock()
		}
	}
}

// carry returns what of the generation goes on under the next plan.
func (gen *generation) carry(n next) *carried {
	c := &carried{runners: gen.keep(n.board, n.same), links: make(map[int]*link)}
	if gen.amqp != nil && gen.amqp.fits(n.plan, n.urls) {
		c.amqp = gen.amqp
	}
	discovery := gen.sameDiscovery(n.plan)
	for i, l := range gen.links {
		if i >= len(n.plan.brokers) || !sameTopics(gen.plan, n.plan, i) || !l.exports.same(n.plan, i) ||
			!slices.Equal(l.files, stamps(n.plan.brokers[i].Files()...)) ||
			len(gen.plan.brokers[i].sources) > 0 && !discovery {
			continue
		}
		c.links[i] = l
	}
	if discovery {
		c.found = gen.found
	}
	return c
}

// sameDiscovery reports whether devices are discovered by the same ways, and have the same names, under
// another plan. Their names then know the devices of that plan.
func (gen *generation) sameDiscovery(plan *Plan) bool {
	old := gen.plan
	wasCalled, slept := added(old)
	called, sleep := added(plan)
	if !plan.discovers() || len(gen.links) == 0 || !reflect.DeepEqual(entries(old.Config), entries(plan.Config)) ||
		!reflect.DeepEqual(old.catalog, plan.catalog) || !maps.Equal(wasCalled, called) || !maps.Equal(slept, sleep) {
		return false
	}
	for _, l := range gen.links {
		if len(l.connection.Outsiders()) > 0 { // they may have their names now
			return false
		}
	}
	return gen.found.names.Renew(plan.taken())
}

func entries(c *config.Config) (all []*home.Node) {
	for _, d := range c.MQTT {
		all = append(all, d.Node)
	}
	return all
}

// added is what the configuration says of discovered devices, by name, and the connection has to know: what
// they are called, and which of them sleep.
func added(p *Plan) (labels map[string]string, sleeps map[string]bool) {
	labels, sleeps = make(map[string]string), make(map[string]bool)
	for name, d := range p.furnished {
		labels[name], sleeps[name] = d.Label, d.Sleeps
	}
	return labels, sleeps
}

// sameTopics reports whether the broker at place i and the devices on its plain topics are the same.
func sameTopics(old, next *Plan, i int) bool {
	return reflect.DeepEqual(old.Config.MQTT[i].Node, next.Config.MQTT[i].Node) && reflect.DeepEqual(old.topicsAt(i), next.topicsAt(i))
}

// topicsAt lists what the configuration says of the devices on plain topics at a broker.
func (p *Plan) topicsAt(i int) map[string][]home.Pair {
	at := make(map[string][]home.Pair)
	for _, d := range p.devices {
		if d.topic != nil && d.topic.Broker == i {
			at[d.Name] = d.options()
		}
	}
	return at
}

// taken are the names that no discovered device may have, with the properties of devices.
func (p *Plan) taken() map[string][]home.Property {
	taken := make(map[string][]home.Property)
	for _, d := range p.devices {
		taken[d.Name] = d.properties()
	}
	for name := range p.wholes() {
		taken[name] = nil
	}
	return taken
}

// goesOn reports whether a device is one that does not say again, after a reload, what it said
// before it.
func (c *carried) goesOn(gen *generation, device string) bool {
	if c.runners[device] != nil {
		return true
	}
	if l := gen.found.link(device); l != nil {
		return slices.Contains(slices.Collect(maps.Values(c.links)), l)
	}
	for _, d := range gen.plan.devices {
		if d.Name == device && d.topic != nil {
			return c.links[d.topic.Broker] != nil
		}
	}
	return false
}

// topicVerify is how long an MQTT device may take to tell its new state.
const topicVerify = 5 * time.Second

// topicActuator sets the property of an MQTT device. What it did is seen when
// the device says so.
type topicActuator struct {
	connection *mqtt.Connection
	device     string
}

// Proof says what the device will tell.
func (a topicActuator) Proof(property string, v home.Value) (home.Value, bool) {
	return a.connection.Proof(a.device, property, v)
}

// Set publishes the value and waits until the broker has it.
func (a topicActuator) Set(ctx context.Context, property string, v home.Value) ([]home.Event, error) {
	return nil, a.connection.Set(ctx, a.device, property, v)
}
