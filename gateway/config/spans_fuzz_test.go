package config

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"hogar/gateway/home"
)

// FuzzSpans writes any text where a size, a duration, a rate or a time zone is expected: what is taken
// is within its range on every machine, also on one of 32 bits, and what is not has a fault.
func FuzzSpans(f *testing.F) {
	for _, text := range []string{"7d", "1w", "200ms", "999999999w", "9223372036854775807ms", "15250w", "15251w", "512MB", "1e300MB", "1e18B", "9.3EB", "-1MB", "0x10MB", "NaNMB",
		"InfGB", "1_000MB", "2147483648B", "4294967296kib", "10 per 1m", "2147483648 per 1m", "1 per 15251w", "Europe/Madrid", "../../etc/passwd", "Local", "", "٣d", "1d1d", "1m1h"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' && r < 0xa0 || r == '\'' || r > 0x2fff }) {
			return
		}
		yaml := fmt.Sprintf("gateway: casa\nlocation: {timezone: '%s'}\njournal: {path: j, max_size: '%[1]s', keep: '%[1]s', sync: '%[1]s'}\n"+
			"amqp: {message_ttl: '%[1]s'}\ndevices:\n  a.b: {driver: relay, every: '%[1]s', stale_after: '%[1]s'}\n", text)
		cfg, src, faults := load("x.yaml", strings.NewReader(yaml))
		src.Problems(faults)
		j := cfg.Journal
		if j.MaxSize < leastJournal || j.MaxSize > 1_000_000_000_000 || j.Keep < 0 || j.Keep > 10*365*24*time.Hour || j.SyncEvery < 0 || j.SyncEvery > time.Minute {
			t.Errorf("%q: %+v", text, j)
		}
		if ttl := cfg.AMQP.MessageTTL; ttl < time.Second || ttl > 30*24*time.Hour || ttl.Milliseconds() > math.MaxInt32 && ttl > 30*24*time.Hour {
			t.Errorf("%q: message_ttl %s", text, ttl)
		}
		if cfg.Location.Timezone == nil {
			t.Errorf("%q: no time zone", text)
		}
		for _, d := range cfg.Devices {
			if d.Every < 0 || d.StaleAfter < 0 {
				t.Errorf("%q: %+v", text, d)
			}
		}
		if span, err := home.ParseDuration(text); err == nil {
			again, err := home.ParseDuration(home.FormatDuration(span))
			if span < 0 || err != nil && span >= time.Millisecond || again != span && span >= time.Millisecond {
				t.Errorf("%q is %d, and %q is %d: %v", text, span, home.FormatDuration(span), again, err)
			}
		}
	})
}
