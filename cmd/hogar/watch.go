package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hogar/gateway/api"
	"hogar/gateway/home"
)

// watchFlags are the flags of watch.
type watchFlags struct {
	houseFlags
	raw, table bool
	kinds      []string
}

func newWatch() *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use:   "watch [PATTERN]",
		Short: "what happens, as it happens",
		Long: `watch prints readings, events, commands and rules of the running gateway as they
come, until it is interrupted. PATTERN is a name, with * for one word and # for any
number of words. --kind chooses: reading, event, status, outcome, rule, gateway,
variable. With --json each line is the event's one JSON form, as on AMQP. With --raw
each measurement is shown as it came, before its filters, too. With --table the last
readings stand in a table that changes with them.`,
		Args: atMost(1),
		RunE: f.with(func(cmd *cobra.Command, house running, args []string) error {
			return f.watch(cmd, house, patternOf(args))
		}),
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&f.raw, "raw", false, "measurements before their filters, too")
	cmd.Flags().BoolVar(&f.table, "table", false, "a live table of the last readings, on a terminal")
	cmd.Flags().StringSliceVar(&f.kinds, "kind", nil, "only these kinds of events: reading,outcome")
	cmd.ValidArgsFunction = f.names(false)
	return cmd
}

func (f *watchFlags) watch(cmd *cobra.Command, house running, pattern string) error {
	for _, word := range f.kinds {
		if home.KindOf(word) == 0 {
			return usageError{fmt.Errorf("--kind is %q, expected reading, event, status, outcome, rule, gateway or variable", word)}
		}
	}
	watch := house.Watch
	if l, ok := house.(local); f.raw && ok {
		watch = l.WatchRaw
	} else if f.raw {
		return usageError{errors.New("--raw is for a gateway on this machine: what its filters hold back does not go out over AMQP")}
	}
	if f.table {
		return f.live(cmd, house, pattern)
	}
	out := cmd.OutOrStdout()
	p := paintFor(out)
	return watch(cmd.Context(), pattern, nil, func(ev api.Event) {
		if ev.Lost > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "hogar: %d events left out, the terminal was too slow\n", ev.Lost)
		}
		if len(f.kinds) > 0 && !slices.Contains(f.kinds, ev.Kind.String()) {
			return
		}
		if f.json {
			fmt.Fprintf(out, "%s\n", ev.Data)
		} else if line := showEvent(p, ev); line != "" {
			fmt.Fprintln(out, line)
		}
	})
}

// redraw is how often the table is drawn at most.
const redraw = 250 * time.Millisecond

// table is the last readings, kept by the stream and drawn by a clock of its own.
type table struct {
	mu      sync.Mutex
	devices []home.DeviceState
	skew    time.Duration // house time less machine time when it was asked
	changed bool
}

// live draws the table until it is interrupted.
func (f *watchFlags) live(cmd *cobra.Command, house running, pattern string) error {
	out, ok := cmd.OutOrStdout().(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) || f.json || f.raw || len(f.kinds) > 0 {
		return usageError{errors.New("--table is for a terminal, and alone (without it each event is a line)")}
	}
	found, now, err := house.Devices(cmd.Context(), pattern)
	if err != nil {
		return err
	}
	t := &table{devices: found, skew: time.Until(now), changed: true}
	stop := make(chan struct{})
	var drawing sync.WaitGroup
	drawing.Go(func() { t.draw(out, stop) })
	err = house.Watch(cmd.Context(), pattern, nil, func(ev api.Event) {
		if e, err := home.ParseEvent(ev.Kind, ev.Data); err == nil {
			t.take(&e)
		}
	})
	close(stop)
	drawing.Wait()
	return err
}

// take makes an event part of the table.
func (t *table) take(ev *home.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.devices, func(d home.DeviceState) bool { return d.Name == ev.Device })
	if i < 0 {
		return
	}
	d := &t.devices[i]
	switch ev.Kind {
	case home.KindStatus:
		d.Status, d.Reason = ev.State, ev.Reason
	case home.KindReading:
		for n := range d.Readings {
			if r := &d.Readings[n]; r.Name == ev.FullName() {
				r.Value, r.Unknown = ev.Value, ev.Unknown
				if ev.Value.Known() {
					r.Time = ev.Time
				}
			}
		}
	default:
		return
	}
	t.changed = true
}

// draw draws the table where it stands, a few times a second when it has changed and
// each second because of the ages.
func (t *table) draw(out *os.File, stop <-chan struct{}) {
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	var last time.Time
	for {
		t.mu.Lock()
		if t.changed || time.Since(last) >= time.Second {
			width, height, err := term.GetSize(int(out.Fd()))
			if err != nil {
				width, height = 80, 24
			}
			text := t.lines(paintFor(out), time.Now().Add(t.skew), width, height-1)
			_, _ = io.WriteString(out, "\x1b[H\x1b[2J"+text) // to the upper left, and all cleared (ECMA-48 CUP, ED)
			t.changed, last = false, time.Now()
		}
		t.mu.Unlock()
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}

// lines are as many rows of the table as fit.
func (t *table) lines(p paint, now time.Time, width, height int) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.StripEscape)
	rows := 0
	for _, d := range t.devices {
		for _, r := range d.Readings {
			if rows++; rows > height-1 {
				continue
			}
			value := p.escaped(bold, withUnit(r.Value, r.Unit))
			if !r.Value.Known() {
				value = p.escaped(yellow, cut("unknown: "+r.Unknown, max(20, width-60)))
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Name, value, age(now, r.Time), p.escaped(statusColor(d.Status), d.Status))
		}
	}
	_ = w.Flush() // to memory
	if rows > height-1 {
		fmt.Fprintf(&b, "%d more: a larger terminal, or a pattern, shows them\n", rows-height+1)
	}
	return b.String()
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
