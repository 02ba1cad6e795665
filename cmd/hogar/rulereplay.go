package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hogar/bridge"
	"hogar/gateway"
	"hogar/gateway/config"
	"hogar/gateway/home"
	"hogar/gateway/journal"
	"hogar/rules"
	"hogar/rules/ruletest"
)

// replayFlags are the flags of rule replay.
type replayFlags struct {
	journal journalFlags
	amqp    string
	since   string
	rules   string
	asJSON  bool
}

func newRuleReplay() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay --rules FILE",
		Short: "what edited rules would have done with what was recorded",
		Long: `replay runs the events in the journal over the rules of the configuration and over
edited ones, and prints in what they act differently. Nothing is actuated, and the
gateway may be running. With --amqp it reads what the gateway has published out of
RabbitMQ's stream hogar.history instead, from any machine, a month back.

FILE is a whole configuration, whose rules take the place of all, or a file with
rules: alone, which take the place of those of the same name and add to the rest.
Every command counts as obeyed at once; what actuators reported is what was
recorded.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.journal.add(cmd)
	cmd.Flags().StringVar(&f.amqp, "amqp", "", "URL of the RabbitMQ whose history is read, instead of the journal")
	cmd.Flags().StringVar(&f.since, "since", "24h", "how far back")
	cmd.Flags().StringVar(&f.rules, "rules", "", "file with the edited rules")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

func (f *replayFlags) run(cmd *cobra.Command) error {
	since, err := home.ParseDuration(f.since)
	if err != nil || f.rules == "" {
		return usageError{fmt.Errorf("expected --rules FILE and --since DURATION, like --since 24h")}
	}
	path, err := config.Find(f.journal.config)
	if err != nil {
		return err
	}
	plan, err := load(path, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	suite := suiteOf(plan)
	edited, err := f.edited(suite, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	events, last, done, err := f.events(cmd, plan, since)
	if err != nil {
		return err
	}
	defer done()
	before := rules.Load(suite.Rules, suite.House, suite.Options, &home.Faults{})
	got, err := ruletest.Replay(events, last.Add(-since), before, edited)
	if err != nil {
		return err
	}
	if f.asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(got)
	}
	return got.Print(cmd.OutOrStdout(), plan.Config.Location.Timezone)
}

// warmUp is how much earlier the reading of a stream begins, so that the rules know
// what holds at the beginning.
const warmUp = 24 * time.Hour

// past is how the clock stood while events were recorded.
type past struct {
	begin, end home.Timeline
	known      bool      // by an event
	last       time.Time // of what was seen, on the elapsed clock
}

// see takes in an event, in the order of the journal.
func (p *past) see(ev *home.Event) {
	if !p.known {
		p.known = p.begin.Begin(ev)
	}
	p.end.Place(ev)
	p.last = ev.Elapsed
}

// placed gives the events their elapsed times.
func (p *past) placed(events iter.Seq2[home.Event, error]) iter.Seq2[home.Event, error] {
	return func(yield func(home.Event, error) bool) {
		line := p.begin
		for ev, err := range events {
			if err == nil {
				line.Place(&ev)
			}
			if !yield(ev, err) {
				return
			}
		}
	}
}

// events are what was recorded, and the elapsed time of the last of it; done is
// called when they have been read.
func (f *replayFlags) events(cmd *cobra.Command, plan *gateway.Plan, since time.Duration) (events iter.Seq2[home.Event, error], last time.Time, done func() error, err error) {
	shown := progressOn(cmd.ErrOrStderr())
	if f.amqp != "" {
		url, err := dialable(f.amqp)
		if err != nil {
			return nil, last, nil, err
		}
		var all []home.Event
		var p past
		for ev, err := range bridge.History(cmd.Context(), plan.Bridge([]string{url}, version), time.Now().Add(-since-warmUp)) {
			if err != nil {
				return nil, last, nil, err
			}
			all = append(all, ev)
			p.see(&ev)
			shown.say(func() string { return "reading the history: up to " + stamp(ev.At) })
		}
		shown.end()
		return p.placed(func(yield func(home.Event, error) bool) {
			for _, ev := range all {
				if !yield(ev, nil) {
					return
				}
			}
		}), p.last, func() error { return nil }, nil
	}
	view, err := f.journal.look()
	if err != nil {
		return nil, last, nil, err
	}
	var p past
	for r, err := range shown.scan(view, 0) {
		if err != nil {
			continue
		}
		ev := home.Event{}
		if home.Kind(r.Kind) == home.KindGateway { // the others say nothing of the clock
			ev, _ = home.ParseEvent(home.KindGateway, r.Body)
		}
		ev.At = time.UnixMicro(r.Time)
		p.see(&ev)
	}
	return p.placed(recorded(shown.scan(view, 0))), p.last, view.Close, nil
}

// edited loads the edited rules against the house.
func (f *replayFlags) edited(suite *ruletest.Suite, errs io.Writer) (*rules.Engine, error) {
	n, source, faults := config.File(f.rules)
	node := n.Get("rules")
	if node == nil || faults.Failed() {
		if node == nil {
			faults.Add(home.Fault{Message: "it has no rules:"})
		}
		return nil, errors.Join(config.Print(errs, source.Problems(faults)), fmt.Errorf("%s is no file of rules", f.rules))
	}
	if n.Get("gateway") == nil {
		node = merged(suite.Rules, node)
	}
	e := rules.Load(node, suite.House, suite.Options, faults)
	if err := config.Print(errs, source.Problems(faults)); err != nil {
		return nil, err
	}
	if e == nil {
		return nil, fmt.Errorf("%s has faults", f.rules)
	}
	return e, nil
}

// merged puts edited rules into the place of those of the same name; new ones
// come at the end.
func merged(all, edited *home.Node) *home.Node {
	out := *all
	out.Pairs = slices.Clone(all.Pairs)
	for _, p := range edited.Pairs {
		i := slices.IndexFunc(out.Pairs, func(o home.Pair) bool { return o.Key == p.Key })
		if i < 0 {
			out.Pairs = append(out.Pairs, p)
			continue
		}
		out.Pairs[i] = p
	}
	return &out
}

// recorded gives out the events of a journal.
func recorded(records iter.Seq2[journal.Record, error]) iter.Seq2[home.Event, error] {
	return func(yield func(home.Event, error) bool) {
		for r, err := range records {
			var ev home.Event
			if err == nil {
				if ev, err = home.ParseEvent(home.Kind(r.Kind), r.Body); err != nil {
					continue // of a newer version
				}
				ev.Seq, ev.Flags, ev.At = r.Seq, home.Flags(r.Flags), time.UnixMicro(r.Time)
			}
			if !yield(ev, err) {
				return
			}
		}
	}
}
