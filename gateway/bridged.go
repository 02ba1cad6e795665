package gateway

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sync/atomic"

	"hogar/bridge"
	"hogar/gateway/config"
	"hogar/gateway/home"
)

// bridged is a running bridge. It outlives the generation that began it as long as each reload leaves
// its settings alone.
type bridged struct {
	*bridge.Bridge
	names atomic.Pointer[resolver] // of the plan that runs
	is    bridgeSettings
	stop  context.CancelFunc
	ended chan struct{} // closed when what run began has ended
}

// bridgeSettings are what the options of a bridge depend on, but for the names in the house.
type bridgeSettings struct {
	amqp      config.AMQP
	urls      []string
	replyTo   []string
	publishes []string
	messages  []bridge.Source
	files     []string // for TLS, as they were
}

func settingsOf(p *Plan, urls []string) bridgeSettings {
	o := p.Bridge(urls, "")
	return bridgeSettings{p.Config.AMQP, urls, o.ReplyTo, o.Publishes, o.Messages,
		stamps(p.Config.AMQP.CAFile, p.Config.AMQP.CertFile, p.Config.AMQP.KeyFile)}
}

// stamps says of each file which it is and when it was written, so that a reload uses a renewed one.
func stamps(files ...string) (all []string) {
	for _, name := range files {
		stamp := ""
		if info, err := os.Stat(name); err == nil {
			stamp = fmt.Sprint(info.ModTime().UnixNano(), info.Size())
		}
		all = append(all, stamp)
	}
	return all
}

// fits reports whether the bridge would be made alike for another plan.
func (b *bridged) fits(p *Plan, urls []string) bool {
	return reflect.DeepEqual(b.is, settingsOf(p, urls))
}

// Resolve implements [bridge.Resolver] by the plan that runs.
func (b *bridged) Resolve(name string) (device, property string, known bool) {
	return b.names.Load().Resolve(name)
}

// follow has the bridge know the names of a plan.
func (b *bridged) follow(g *gateway, p *Plan) {
	b.names.Store(&resolver{p.house(), p.wholes(), g.hub.Has})
}

// settles reports whether the bridge has nothing to wait for: it publishes and takes commands, or something
// does not work.
func (b *bridged) settles() bool {
	s := b.Status()
	return s.Connected && s.Commands || s.Error != ""
}

// bridge starts a bridge for a plan, which runs until its stop is called.
func (g *gateway) bridge(ctx context.Context, p *Plan, urls []string) *bridged {
	b := &bridged{is: settingsOf(p, slices.Clone(urls)), ended: make(chan struct{})}
	b.follow(g, p)
	o := g.bridgeOptions(p, urls)
	o.Names = b
	b.Bridge = bridge.New(o, g.journal, g.control, g.o.Log)
	ctx, b.stop = context.WithCancel(ctx)
	go func() {
		defer close(b.ended)
		g.report("bridge", b.Run(ctx))
	}()
	return b
}

// resolver tells the bridge devices, groups and scenes from properties.
type resolver struct {
	names
	wholes     map[string]bool
	discovered func(device string) bool // nil: none
}

// Resolve cuts a name as sent in a routing key. The longest device name wins.
func (r resolver) Resolve(name string) (device, property string, known bool) {
	if r.has(name) {
		return name, "", true
	}
	device, property = home.Split(name)
	return device, property, r.has(device)
}

func (r resolver) has(name string) bool {
	return r.names.devices[name] || r.wholes[name] || r.discovered != nil && r.discovered(name)
}
