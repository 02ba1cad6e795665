package ruletest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"hogar/gateway/home"
	"hogar/rules"
)

// decided judges what a rule decided, and lets actuators obey.
func (r *runner) decided(d rules.Decision) {
	if c := d.Command; c != nil {
		for _, s := range c.Set {
			r.happened(&expectation{kind: expectSet, name: home.Join(c.Device, s.Property), value: s.Value},
				strings.TrimPrefix(c.Source, "rule:"))
		}
		r.obey(c)
		return
	}
	switch ev := d.Event; ev.Kind {
	case home.KindRule:
		r.happened(&expectation{kind: expectRule, name: ev.Name, state: ev.State}, ev.Name)
	case home.KindPublish:
		r.queue = append(r.queue, *ev) // it is recorded
		r.happened(&expectation{kind: expectMessage, name: ev.Message.Key, exchange: ev.Message.Exchange, body: string(ev.Message.Body)}, ev.Name)
	case home.KindVariable:
		r.happened(&expectation{kind: expectSet, name: home.Join("vars", ev.Name), value: ev.Value}, strings.TrimPrefix(ev.Reason, "rule:"))
	}
}

// obey does what a command wants, at once, unless it is to fail.
func (r *runner) obey(c *home.Command) {
	o := home.Outcome{ID: c.ID, Device: c.Device, Set: c.Set, Result: home.Applied, Source: c.Source, Reason: c.Reason}
	var readings []home.Event
	for _, s := range c.Set {
		name := home.Join(c.Device, s.Property)
		if why, fails := r.fails[name]; fails {
			o.Result, o.Error = home.Failed, why
			break
		}
		v := s.Value
		if p, ok := r.suite.House.Property(name); ok && p.Type == home.TypeBoolean && v == home.Toggle {
			v = home.BooleanOf(!r.values[name].Boolean())
		}
		readings = append(readings, home.Event{Kind: home.KindReading, Device: c.Device, Property: s.Property, Value: v})
		if r.house != nil {
			r.house.switched(c.Device, v.Boolean())
		}
	}
	r.queue = append(r.queue, readings...)
	r.queue = append(r.queue, home.Event{Kind: home.KindOutcome, Device: c.Device, Outcome: &o})
}

// happened looks for who expects what happened.
func (r *runner) happened(got *expectation, rule string) {
	if r.acted != nil {
		r.acted(rule + " " + got.String())
	}
	for i, x := range r.open {
		if x.fits(got) {
			x.met = true
			r.open = slices.Delete(r.open, i, i+1)
			return
		}
	}
	if r.any || got.kind == expectRule || strings.HasPrefix(got.name, "vars.") {
		return
	}
	what := fmt.Sprintf("%s sets %s", rule, got)
	if got.kind == expectMessage {
		what = fmt.Sprintf("%s publishes %s %s %s", rule, got.exchange, got.name, got.body)
	}
	message := fmt.Sprintf("%s %s, which no step expects", r.when(r.now), what)
	if at, ok := r.late[got.String()]; ok {
		message += fmt.Sprintf(" (%s after it was expected)", home.FormatDuration(r.now.Sub(at)))
	}
	r.fail(r.path, message)
}

// fits reports whether got is what x expects; its time is minded by expire.
func (x *expectation) fits(got *expectation) bool {
	if x.kind != got.kind || x.name != got.name {
		return false
	}
	switch x.kind {
	case expectMessage:
		return (x.exchange == "" || x.exchange == got.exchange) && (x.body == "" || sameJSON(x.body, got.body))
	case expectRule:
		return x.state == got.state
	}
	return x.value == got.value
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// expire notes what was expected before now and did not happen; at the end, up
// to now.
func (r *runner) expire(end bool) {
	r.open = slices.DeleteFunc(r.open, func(x *expectation) bool {
		if !x.until.Before(r.now) && !end {
			return false
		}
		r.late[x.String()] = x.until
		r.fail(x.path, fmt.Sprintf("%s expected %s, %s", r.within(x), x, x.missing()))
		return true
	})
}

func (x *expectation) missing() string {
	switch x.kind {
	case expectMessage:
		return "it was not published"
	case expectRule:
		return "that did not happen"
	}
	return "it was not commanded"
}

func (r *runner) within(x *expectation) string {
	if x.from.Equal(x.until) {
		return r.when(x.from)
	}
	return r.when(x.from) + ", within " + home.FormatDuration(x.until.Sub(x.from)) + ","
}

// when shows a moment: at 2m10s (23:02:10).
func (r *runner) when(t time.Time) string {
	layout := "15:04:05"
	local, start := r.wall(t).In(r.suite.location()), r.test.start.In(r.suite.location())
	if local.Format(time.DateOnly) != start.Format(time.DateOnly) {
		layout = "2006-01-02 15:04:05"
	}
	return fmt.Sprintf("at %s (%s)", home.FormatDuration(t.Sub(r.test.start)), local.Format(layout))
}

func (r *runner) fail(path []string, message string) {
	r.result.Failures = append(r.result.Failures, Failure{path, message})
}
