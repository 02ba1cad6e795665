package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"hogar/gateway/api"
	"hogar/gateway/home"
)

// paint colours text for a terminal; on anything else it leaves it plain. What it makes is for
// a [screen], which knows its colours from those of others.
type paint struct{ on bool }

// ANSI colours (ECMA-48, SGR).
const (
	dim    = "2"
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
	violet = "35"
	cyan   = "36"
)

// paintFor looks whether w is a terminal and the user wants colours
// (https://no-color.org).
func paintFor(w io.Writer) paint {
	return paint{os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)}
}

func (p paint) in(color, s string) string {
	if !p.on || color == "" || s == "" {
		return s
	}
	return own + "\x1b[" + color + "m" + s + own + "\x1b[0m"
}

// escaped is in, with the colours hidden from a tabwriter that strips 0xff.
func (p paint) escaped(color, s string) string {
	if !p.on || color == "" {
		return s
	}
	return "\xff" + own + "\x1b[" + color + "m\xff" + s + "\xff" + own + "\x1b[0m\xff"
}

func statusColor(status string) string {
	switch status {
	case home.Online:
		return green
	case home.Offline:
		return red
	case home.Stale:
		return yellow
	}
	return dim
}

// showStatus is how a device is.
func showStatus(p paint, d *home.DeviceState) string {
	status := d.Status
	if status == "" {
		status = "not heard of yet"
	}
	return p.escaped(statusColor(d.Status), status)
}

// showDesired tells when something is not what the last command made of it.
func showDesired(p paint, r home.LastReading) string {
	if !r.Desired.Known() || r.Desired == r.Value {
		return ""
	}
	return p.escaped(yellow, "  (was set to "+plain(r.Desired.String())+")")
}

// showReading is a value with its unit, or why there is none.
func showReading(r home.LastReading) string {
	if !r.Value.Known() {
		return "unknown (" + plain(r.Unknown) + ")"
	}
	return withUnit(r.Value, r.Unit)
}

func withUnit(v home.Value, unit string) string {
	if unit == "" {
		return plain(v.String())
	}
	return plain(v.String() + " " + unit)
}

// age is how long ago t was, as people say it.
func age(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := now.Sub(t)
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// showReceipt is a receipt: in one line, and one more for each part.
func showReceipt(p paint, o *home.Outcome) string {
	var s strings.Builder
	s.WriteString(showOutcome(p, o))
	width := 0
	for _, part := range o.Parts {
		width = max(width, len(part.Device))
	}
	for _, part := range o.Parts {
		s.WriteString(fmt.Sprintf("\n  %-*s  %s", width, plain(part.Device), showResult(p, &part)))
	}
	return s.String()
}

// showOutcome is a receipt in one line.
func showOutcome(p paint, o *home.Outcome) string {
	return fmt.Sprintf("%s %s  %s", plain(o.Device), plain(o.Set.String()), showResult(p, o))
}

func showResult(p paint, o *home.Outcome) string {
	color := green
	if !o.Result.OK() {
		color = red
	}
	s := p.in(color, string(o.Result))
	if len(o.Reading) > 0 {
		s += ", now " + plain(o.Reading.String())
	}
	if o.Error != "" {
		s += ": " + plain(o.Error)
	}
	if o.Hint != "" {
		s += " (" + plain(o.Hint) + ")"
	}
	return s
}

// because is the reason of a command, as its sender or the safety envelope gave it.
func because(p paint, reason string) string {
	if reason == "" {
		return ""
	}
	return p.in(dim, "  because: "+plain(reason))
}

// showEvent is one line of watch; "" for what is not shown.
func showEvent(p paint, e api.Event) string {
	ev, err := home.ParseEvent(e.Kind, e.Data)
	if err != nil {
		return ""
	}
	what := describe(p, &ev)
	if what == "" {
		return ""
	}
	return p.in(dim, ev.Time.Local().Format("15:04:05")) + "  " + what
}

func describe(p paint, ev *home.Event) string {
	name := fmt.Sprintf("%-34s", plain(ev.FullName()))
	switch ev.Kind {
	case home.KindReading:
		if ev.Flags&home.FlagRaw != 0 {
			return name + " " + p.in(dim, "raw "+showReading(home.LastReading{Value: ev.Value, Unit: ev.Unit, Unknown: ev.Unknown}))
		}
		if !ev.Value.Known() {
			return name + " " + p.in(yellow, "unknown") + " (" + plain(ev.Unknown) + ")"
		}
		return name + " " + p.in(bold, withUnit(ev.Value, ev.Unit))
	case home.KindEvent:
		return name + " " + p.in(violet, plain(ev.Value.String()))
	case home.KindStatus:
		s := name + " " + p.in(statusColor(ev.State), ev.State)
		if ev.Reason != "" {
			s += ": " + plain(ev.Reason)
		}
		return s
	case home.KindOutcome:
		return fmt.Sprintf("%-34s ", "command by "+plain(ev.Outcome.Source)) + showOutcome(p, ev.Outcome) + because(p, ev.Outcome.Reason)
	case home.KindRule:
		s := fmt.Sprintf("%-34s ", "rule "+ev.Name) + p.in(blue, ev.State)
		if ev.Reason != "" {
			s += ": " + plain(ev.Reason)
		}
		return s
	case home.KindGateway:
		return p.in(cyan, "gateway "+plain(strings.TrimSpace(ev.Name+" "+ev.Reason)))
	case home.KindMessage, home.KindPublish:
		way := "message in"
		if ev.Kind == home.KindPublish {
			way = "message by rule " + ev.Name
		}
		return fmt.Sprintf("%-34s ", way) + p.in(violet, plain(ev.Message.Exchange+" "+ev.Message.Key)) + " " + plain(string(ev.Message.Body))
	case home.KindVariable:
		return fmt.Sprintf("%-34s ", "vars."+ev.Name) + plain(ev.Value.String())
	}
	return ""
}
