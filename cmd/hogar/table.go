package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hogar/gateway/api"
	"hogar/gateway/home"
)

// redraw is how often the table is drawn at most.
const redraw = 250 * time.Millisecond

// What the table says to the terminal (ECMA-48 and DEC's private modes).
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	clearAll   = "\x1b[H\x1b[2J" // to the upper left, and all erased
	goHome     = "\x1b[H"
	eraseRest  = "\x1b[K" // of the line
	eraseBelow = "\x1b[J"
)

// table is the last readings, kept by the stream and drawn by a clock of its own.
type table struct {
	mu      sync.Mutex
	devices []home.DeviceState
	skew    time.Duration // house time less machine time, as last heard of
	changed bool
}

// live draws the table until it is interrupted.
func (f *watchFlags) live(cmd *cobra.Command, house running, pattern string) error {
	out := fileOf(cmd.OutOrStdout())
	if out == nil || !term.IsTerminal(int(out.Fd())) || f.json || f.raw || len(f.kinds) > 0 {
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
	if skew := time.Until(ev.Time); skew > t.skew || ev.Name == home.EventClockSet { // the time of a simulated house may run faster
		t.skew = skew
	}
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
// each second because of the ages. The last one stays on the terminal.
func (t *table) draw(out *os.File, stop <-chan struct{}) {
	_, _ = io.WriteString(out, hideCursor+clearAll)
	defer func() { _, _ = io.WriteString(out, showCursor+"\n") }()
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	var last time.Time
	for {
		t.mu.Lock()
		if t.changed || time.Since(last) >= time.Second {
			width, height, err := term.GetSize(int(out.Fd()))
			if err != nil || width < 1 || height < 2 {
				width, height = 80, 24
			}
			text := t.lines(paintFor(out), time.Now().Add(t.skew), width, height-1)
			_, _ = io.WriteString(out, goHome+strings.ReplaceAll(escape(text), "\n", eraseRest+"\n")+eraseBelow)
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

// row is a line of the table, plain.
type row struct {
	cells  [4]string // name, value, age, status
	colors [4]string
}

// lines are as many rows of the table as fit, none wider than the terminal.
func (t *table) lines(p paint, now time.Time, width, height int) string {
	var rows []row
	for _, d := range t.devices {
		for _, r := range d.Readings {
			one := row{[4]string{r.Name, withUnit(r.Value, r.Unit), age(now, r.Time), d.Status}, [4]string{"", bold, dim, statusColor(d.Status)}}
			if !r.Value.Known() {
				one.cells[1], one.colors[1] = "unknown: "+plain(r.Unknown), yellow
			}
			rows = append(rows, one)
		}
	}
	more := ""
	if len(rows) > height {
		more = cut(fmt.Sprintf("%d more: a larger terminal, or a pattern, shows them", len(rows)-height+1), width) + "\n"
		rows = rows[:height-1]
	}
	widths := fit(rows, width)
	var b strings.Builder
	for _, one := range rows {
		var line strings.Builder
		for i, cell := range one.cells {
			cell = cut(cell, widths[i])
			line.WriteString(p.in(one.colors[i], cell) + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+len(between)))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String() + more
}

const between = "  " // of two columns

// fit returns how wide each column is. What does not fit is taken from the values first,
// down to what a number with its unit takes, and then from the names.
func fit(rows []row, width int) (widths [4]int) {
	total := (len(widths) - 1) * len(between)
	for i := range widths {
		for _, one := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(one.cells[i]))
		}
		total += widths[i]
	}
	for _, column := range []struct{ i, least int }{{1, 12}, {0, 12}} {
		if taken := min(total-width, widths[column.i]-column.least); taken > 0 {
			widths[column.i] -= taken
			total -= taken
		}
	}
	return widths
}

// cut shortens a text to so many characters; what is missing is shown.
func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:max(most-1, 0)]) + "…"
	}
	return s
}
