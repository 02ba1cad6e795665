package rules

import (
	"strconv"
	"strings"
	"time"

	"hogar/gateway/home"
)

// at reads 15:04:05 of the first day, or a duration after the start.
func (s story) at(text string) time.Time {
	if d, err := home.ParseDuration(text); err == nil {
		return s.start.Add(d)
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, text, place0.Location); err == nil {
			return t
		}
	}
	panic("no time: " + text)
}

func event(at time.Time, f []string) home.Event {
	ev := home.Event{At: at}
	if f[len(f)-1] == "(late)" {
		ev.Flags = home.FlagLate
		f = f[:len(f)-1]
	}
	switch {
	case f[0] == "tick":
	case f[0] == "untrusted":
		ev.Flags = home.FlagUntrusted
	case f[0] == "started":
		ev.Kind, ev.Name = home.KindGateway, "started"
	case f[0] == "message":
		ev.Kind = home.KindMessage
		ev.Message = &home.Message{Exchange: f[1], Key: f[2], Body: []byte(f[3])}
	case f[1] == "online" || f[1] == "offline" || f[1] == "stale":
		ev.Kind, ev.Device, ev.State = home.KindStatus, f[0], f[1]
	case f[1] == "!":
		ev.Kind = home.KindEvent
		ev.Device, ev.Property = home.Split(f[0])
		ev.Value = home.TextOf(f[2])
	case strings.HasPrefix(f[0], "vars."):
		ev.Kind, ev.Name, ev.Value = home.KindVariable, f[0][5:], valueOf(f[1])
	default:
		ev.Kind = home.KindReading
		ev.Device, ev.Property = home.Split(f[0])
		ev.Value = valueOf(f[1])
		if !ev.Value.Known() {
			ev.Unknown = "timeout"
		}
	}
	return ev
}

func valueOf(s string) home.Value {
	switch s {
	case "on":
		return home.BooleanOf(true)
	case "off":
		return home.BooleanOf(false)
	case "unknown":
		return home.Value{}
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return home.NumberOf(f)
	}
	return home.TextOf(s)
}
