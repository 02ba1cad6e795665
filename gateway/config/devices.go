package config

import (
	"math"
	"strconv"
	"strings"
	"time"

	"hogar/gateway/home"
)

// devices reads the house's own keys of each device.
func (l *loader) devices(d *home.Decoder) []Device {
	if d == nil {
		return nil
	}
	var devices []Device
	for _, p := range d.Node.Pairs {
		l.name(p)
		entry := home.NewDecoder(p.Value, l.faults)
		if !l.discovers && (p.Value.Kind == home.NodeMap || p.Value.Kind == home.NodeNull) {
			entry.Require("driver")
		}
		devices = append(devices, Device{
			Name:       p.Key,
			Driver:     entry.Text("driver", ""),
			Label:      entry.Text("label", ""),
			Every:      entry.Duration("every", 0, 100*time.Millisecond, 24*time.Hour),
			StaleAfter: entry.Duration("stale_after", 0, time.Second, 365*24*time.Hour),
			Groups:     entry.Texts("groups"),
			OnReturn:   entry.Word("on_return", "keep", "keep", "reapply"),
			Sleeps:     entry.Bool("sleeps", false),
			Filters:    entry.Get("filters"),
			Safety:     entry.Get("safety"),
			Options:    entry,
		})
	}
	return devices
}

// name checks the name of a device.
func (l *loader) name(p home.Pair) {
	err := home.CheckDevice(p.Key)
	if err == nil {
		return
	}
	hint := ""
	if like := home.Fold(p.Key, ""); like != p.Key {
		hint = "write " + like
	}
	l.faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Message: err.Error(), Hint: hint})
}

// sizes are the units of sizes, in bytes.
var sizes = []struct {
	unit  string
	bytes float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"b", 1},
}

// size reads a size like 512MB from least to most, in bytes.
func (l *loader) size(d *home.Decoder, key string, byDefault, least, most int64) int64 {
	if n := d.Get(key); n == nil {
		return byDefault
	}
	text := d.Text(key, "")
	if n := d.Get(key); n.Kind != home.NodeScalar {
		return byDefault // told by Text
	}
	bytes, ok := parseSize(text)
	if !ok {
		d.Fault(key, "", "%s is '%s', expected a size like 512MB or 2GB", key, text)
		return byDefault
	}
	if bytes < least || bytes > most {
		d.Fault(key, "", "%s is %s, expected from %dMB to %dGB", key, text, least/1e6, most/1e9)
		return byDefault
	}
	return bytes
}

func parseSize(text string) (int64, bool) {
	lower := strings.ToLower(text)
	for _, s := range sizes {
		number, is := strings.CutSuffix(lower, s.unit)
		if !is {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || f < 0 || math.IsNaN(f) || f*s.bytes > 1e18 {
			return 0, false
		}
		return int64(f * s.bytes), true
	}
	return 0, false
}
