package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// linesOf makes n lines of a format with their number.
func linesOf(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestCheckOfAbsurdFiles checks files that no person wrote: what is wrong is said soon, in a
// text that can be read, and without a trace of Go.
func TestCheckOfAbsurdFiles(t *testing.T) {
	const head = "gateway: casa\n"
	long := strings.Repeat("x", 1_000_000)
	for what, c := range map[string]struct{ text, want string }{
		"a key of a megabyte":       {head + long + ": 1\n", "known here"},
		"a device of a megabyte":    {head + "devices: {" + long + ".y: {driver: relay, pin: GPIO17}}\n", "a word has at most 32"},
		"a gateway of a megabyte":   {"gateway: " + long + "\n", "a word has at most 32"},
		"a zone of a megabyte":      {head + "location: {timezone: " + long + "}\n", "there is no time zone"},
		"20,000 unknown keys":       {head + linesOf(20_000, "wrong%d: 0\n"), "wrong7: unknown key"},
		"5,000 unknown drivers":     {head + "devices:\n" + linesOf(5000, "  a.d%d: {driver: nope}\n"), "4500 more are found"},
		"2,000 addresses":           {head + "amqp: {urls: [" + linesOf(2000, `"amqp://u:hunter2%d@h:99999999",`) + "]}\n", "port 99999999"},
		"20,000 brackets":           {head + "vars: " + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), "nested"},
		"20,000 brackets, no end":   {strings.Repeat("[", 20_000), "nested"},
		"20,000 keys in each other": {strings.Repeat("? ", 20_000), ""},
		"references in references":  {head + "vars:\n  a: &a [x]\n" + linesOf(30, "  b%[1]d: &b%[1]d [*a,*a,*a,*a,*a,*a,*a,*a]\n"), "YAML anchor"},
		"a zero byte":               {head + "vars: {a: \x00}\n", ""},
		"zero bytes":                {strings.Repeat("\x00", 100), ""},
		"UTF-16":                    {"\xff\xfeg\x00a\x00", ""},
		"Latin-1":                   {head + "vars: {a: '\xe9'}\n", ""},
		"a step near the end":       {head + "rules: {r: {when: {cron: '*/9223372036854775807 * * * *'}, do: [{log: x}]}}\n", "cron"},
		"a cron of a megabyte":      {head + "rules: {r: {when: {cron: '" + strings.Repeat("1,", 500_000) + "1 * * * *'}, do: [{log: x}]}}\n", "cron"},
		"a time beyond a day":       {head + "rules: {r: {when: {at: '99999999999999999999:00'}, do: [{log: x}]}}\n", "at"},
		"a wait beyond all":         {head + "rules: {r: {when: {every: 1m}, do: [{wait: 9223372036854775807w}]}}\n", "wait"},
		"a size beyond all":         {head + "journal: {max_size: 9223372036854775807TB}\n", "max_size"},
	} {
		t.Run(what, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "hogar.yaml")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			code, out, errs := called(t, "check", file)
			took := time.Since(began)
			if code != exitFailed || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d, %.1000s%.1000s, want %q", code, out, errs, c.want)
			}
			if said := out + errs; strings.Contains(said, "goroutine") || strings.Contains(said, "hunter2") || len(said) > 300_000 {
				t.Errorf("%d bytes are said: %.1000s", len(said), said)
			}
			if took > 20*time.Second { // a second or two on a machine that does nothing else
				t.Errorf("it took %s", took)
			}
		})
	}
}
