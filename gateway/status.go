package gateway

import (
	"time"

	"hogar/gateway/api"
	"hogar/gateway/home"
)

// Status implements [api.House].
func (g *gateway) Status() api.Status {
	gen := g.get()
	j, shows := g.journal.Stats(), g.o.Clock.State()
	s := api.Status{
		Gateway: gen.plan.Config.Gateway, Version: g.o.Version, Simulated: g.o.Simulated, Started: g.started,
		HouseTime: g.o.Clock.Now(), Speed: g.o.Clock.House(time.Second).Seconds(), Rules: gen.plan.rules,
		Clock:   api.Clock{Trusted: shows.Trusted, Why: shows.Why, SetAt: shows.SetAt, SetBy: shows.SetBy.Seconds()},
		AMQP:    api.AMQP{Error: "no broker is configured"},
		Journal: api.Journal{ID: g.journal.ID(), Waiting: j.Depth, Bytes: j.Bytes, Max: gen.plan.Config.Journal.MaxSize},
	}
	for i, l := range gen.links {
		m := l.connection.Status()
		s.MQTT = append(s.MQTT, api.Source{URL: gen.plan.brokers[i].String(), Connected: m.Connected, Error: m.Reason, TooLarge: m.TooLarge})
	}
	if zone := gen.plan.Config.Location.Timezone; zone != time.Local {
		s.Timezone = zone.String()
	}
	if j.Oldest != 0 {
		s.Journal.Oldest = time.UnixMicro(j.Oldest)
	}
	s.Journal.Error = trouble(&j)
	if gen.amqp != nil {
		b := gen.amqp.Status()
		s.AMQP = api.AMQP{Connected: b.Connected, URL: b.URL, Error: b.Error, Published: b.Published,
			Confirmed: b.Confirmed, Commands: b.Received, TooLarge: b.TooLarge}
	}
	for _, d := range g.hub.Devices("#") {
		s.Devices++
		switch d.Status {
		case home.Online:
			s.Online++
		case "":
			s.Unheard++
		}
	}
	return s
}
