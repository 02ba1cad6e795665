package config

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// told loads a text and returns the problems, one a line.
func told(t testing.TB, text string) (*Config, string) {
	t.Helper()
	cfg, src, faults := load("x.yaml", strings.NewReader(text))
	var b strings.Builder
	for _, d := range cfg.Devices {
		d.Options.Get("pin") // as a driver would
		d.Options.Get("address")
		d.Options.Done()
	}
	for _, p := range src.Problems(faults) {
		b.WriteString(p.String() + "\n")
	}
	return cfg, b.String()
}

func TestLoad(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "")
	t.Setenv("XDG_STATE_HOME", "/state")
	cfg, problems := told(t, `
gateway: casa
location: {latitude: -31.42, longitude: -64.18, timezone: America/Argentina/Cordoba}
amqp: {urls: [amqp://casa@broker-1, "amqps://casa@broker-2:5671/home"], queue_type: quorum, message_ttl: 1d, history: none, declare: false, exchange: amq.topic}
journal: {path: /var/hogar, max_size: 1.5GB, sync: 1s, when_full: drop_oldest, when_dead: exit, keep: 2w}
devices:
  hall.lamp: {driver: relay, pin: GPIO17, label: Lamp}
  kitchen.climate: {every: 30s, stale_after: 2m, driver: bme280, address: 0x76, groups: kitchen.all, on_return: reapply}
mqtt: {url: mqtt://localhost}
rules:
  b: {when: hall.lamp.state, do: []}
  a: {when: kitchen.climate.temperature < 4, do: []}
`)
	if problems != "" {
		t.Fatal(problems)
	}
	zone, err := time.LoadLocation("America/Argentina/Cordoba")
	if err != nil {
		t.Fatal(err)
	}
	options := cfg.Devices[1].Options
	if got := options.Int("address", 0, 0, 0x7f); got != 0x76 {
		t.Errorf("address is %#x", got)
	}
	for i := range cfg.Devices {
		cfg.Devices[i].Options = nil
	}
	var order []string
	for _, p := range cfg.Rules.Pairs {
		order = append(order, strings.Join(p.Value.Path, "."))
	}
	if diff := cmp.Diff([]string{"rules.b", "rules.a"}, order); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if n := len(cfg.MQTT); n != 1 {
		t.Errorf("%d sources of MQTT", n)
	}
	cfg.Rules, cfg.MQTT = nil, nil
	want := &Config{
		Gateway:  "casa",
		Location: Location{Known: true, Latitude: -31.42, Longitude: -64.18, Timezone: zone},
		AMQP: AMQP{URLs: []string{"amqp://casa@broker-1", "amqps://casa@broker-2:5671/home"}, Exchange: "amq.topic",
			QueueType: "quorum", MessageTTL: 24 * time.Hour, History: "none"},
		Clock: Clock{After: 10 * time.Minute},
		Journal: Journal{Path: "/var/hogar", MaxSize: 1_500_000_000, Sync: "interval", SyncEvery: time.Second,
			Keep: 14 * 24 * time.Hour, WhenFull: "drop_oldest", WhenDead: "exit"},
		Devices: []Device{
			{Name: "hall.lamp", Driver: "relay", Label: "Lamp", OnReturn: "keep"},
			{Name: "kitchen.climate", Driver: "bme280", Every: 30 * time.Second, StaleAfter: 2 * time.Minute,
				Groups: []string{"kitchen.all"}, OnReturn: "reapply"},
		},
	}
	if diff := cmp.Diff(want, cfg, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "")
	t.Setenv("XDG_STATE_HOME", "/state")
	cfg, problems := told(t, "gateway: casa")
	if problems != "" {
		t.Fatal(problems)
	}
	want := &Config{
		Gateway:  "casa",
		Location: Location{Timezone: time.Local},
		AMQP:     AMQP{URLs: []string{usualBroker}, Exchange: "hogar", QueueType: "classic", MessageTTL: time.Minute, History: "stream", Declare: true},
		Clock:    Clock{After: 10 * time.Minute},
		Journal: Journal{Path: "/state/hogar/casa/journal", MaxSize: 512_000_000, Sync: "interval",
			SyncEvery: 200 * time.Millisecond, Keep: 7 * 24 * time.Hour, WhenFull: "block", WhenDead: "go_on"},
		Rules: &home.Node{Path: []string{"rules"}, Kind: home.NodeMap},
	}
	if diff := cmp.Diff(want, cfg, cmp.Comparer(func(a, b *time.Location) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	t.Setenv("STATE_DIRECTORY", "/var/lib/hogar:/var/lib/other")
	if cfg, _ := told(t, "gateway: casa\njournal: {sync: always}"); cfg.Journal.Path != "/var/lib/hogar/journal" || cfg.Journal.Sync != "always" || cfg.Journal.SyncEvery != 0 {
		t.Errorf("under systemd: %+v", cfg.Journal)
	}
}

// TestTenMistakes has ten different mistakes in one file; each is told with its
// line and what to write instead.
func TestTenMistakes(t *testing.T) {
	t.Parallel()
	_, got := told(t, `gateway: Casa
locatoin: {latitude: 1, longitude: 2}
amqp:
  urls: [http://broker, "amqp://casa:geheim@broker"]
  queue_type: clasic
journal: {max_size: 512, sync: alwys, keep: 7}
devices:
  Kitchen Lamp/1: {driver: relay}
  now.lamp: {driver: relay, filters: {state: []}}
  hall.lamp: {label: [a]}
  hall.lamp: {driver: relay}
  hall.light: {driver: bh1750, evry: 5s, every: 10}
  porch.lamp: {driver: relay, pin: @17}
web: {listen: ':8480'}
location: {latitude: 91, timezone: America/Cordova}
`)
	want := `x.yaml:1:10: gateway: "Casa" does not begin with a lower-case letter
x.yaml:2:1: locatoin: unknown key 'locatoin' (did you mean location?)
x.yaml:4:10: amqp.urls.0: 'http://broker' is not the URL of an AMQP broker (write it like amqp://casa@broker or amqps://casa@broker:5671/vhost)
x.yaml:4:25: warning: amqp.urls.1: the password of a broker on another machine stands in this file (put it into a file of mode 0640 and group hogar, and name that with password_file, or use a systemd credential amqp.password)
x.yaml:5:15: amqp.queue_type is 'clasic', expected one of classic, quorum (did you mean classic?)
x.yaml:6:21: journal.max_size is '512', expected a size like 512MB or 2GB
x.yaml:6:32: journal.sync is 'alwys', expected one of always, os, a duration like 200ms (did you mean always?)
x.yaml:6:45: journal.keep is '7', expected a duration like 200ms, 10s, 5m, 1h30m, 2d or 1w
x.yaml:8:3: devices.Kitchen Lamp/1: "Kitchen Lamp/1" does not begin with a lower-case letter (write kitchen_lamp.n1)
x.yaml:9:3: devices.now.lamp: "now.lamp" begins with "now", which the rules' language needs (write nnow.lamp)
x.yaml:10:3: devices.hall.lamp: driver is missing (it is required)
x.yaml:10:22: devices.hall.lamp.label is a list, expected a text
x.yaml:11:3: devices.hall.lamp: 'hall.lamp' is here for the second time, first in line 10 (keep one of the two)
x.yaml:12:32: devices.hall.light.evry: unknown key 'evry' (did you mean every?)
x.yaml:12:49: devices.hall.light.every is '10', expected a duration like 200ms, 10s, 5m, 1h30m, 2d or 1w
x.yaml:13:36: devices.porch.lamp: '@' cannot begin a value (put it in single quotes)
x.yaml:14:15: web.listen is ':8480', where others can reach it, and nobody is asked for a password (name a users_file or a tokens_file, or listen on 127.0.0.1)
x.yaml:15:1: location: longitude is missing (it is required)
x.yaml:15:22: location.latitude is 91, expected a number from -90 to 90
x.yaml:15:36: location.timezone: there is no time zone 'America/Cordova' (write it like Europe/Madrid)
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProblemsAreShown(t *testing.T) {
	t.Parallel()
	_, src, faults := load("x.yaml", strings.NewReader("gateway: casa\ndevices:\n\thall: {driver: x}\nanqp: {urls: [\"amqp://a:geheim@b\"]}\n"))
	var b bytes.Buffer
	if err := Print(&b, src.Problems(faults)); err != nil {
		t.Fatal(err)
	}
	want := `x.yaml:3:1: a tab cannot indent (use spaces)
    3 | 	hall: {driver: x}
      | ^
x.yaml:4:1: anqp: unknown key 'anqp' (did you mean amqp?)
    4 | anqp: {urls: ["amqp://a:***@b"]}
      | ^
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRuleFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("hogar.yaml", "gateway: casa\nrules: [rules/*.yaml, more/*.yaml, none.yaml]\n")
	write("rules/b.yaml", "rules:\n  third: {when: a.b, do: []}\n  first: {when: c.d, do: []}\ndevices: {}\n")
	write("rules/a.yaml", "rules:\n  first: {when: a.b, do: []}\n  second: {when: !a.b, do: []}\n")
	write("rules/a_test.yaml", "tests: []\n")
	cfg, src, faults := Load(filepath.Join(dir, "hogar.yaml"))
	faults.At(cfg.Rules.Get("third").Get("when"), "", "what a rule finds")
	var order []string
	for _, p := range cfg.Rules.Pairs {
		order = append(order, p.Key)
	}
	if diff := cmp.Diff([]string{"first", "second", "third"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	var got []string
	for _, p := range src.Problems(faults) {
		got = append(got, strings.ReplaceAll(p.String(), dir+string(filepath.Separator), ""))
	}
	want := []string{
		"hogar.yaml:2:23: warning: rules.1: no file of rules is called more/*.yaml (names are relative to the configuration)",
		"hogar.yaml:2:36: rules.2: no file of rules is called none.yaml (names are relative to the configuration)",
		"rules/a.yaml:3:18: rules.second: '!' begins a YAML tag (write: not a.b)",
		"rules/b.yaml:2:17: rules.third.when: what a rule finds",
		"rules/b.yaml:3:3: rules.first: 'first' is here for the second time, first in rules/a.yaml:2 (keep one of the two)",
		"rules/b.yaml:4:1: devices: unknown key 'devices' (known here: rules)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct{ name, want string }{
		{"absent.yaml", "absent.yaml: cannot be read: no such file or directory"},
		{".", ".: cannot be read: is a directory"},
	} {
		cfg, src, faults := Load(filepath.Join(dir, c.name))
		problems := src.Problems(faults)
		if len(problems) != 1 || cfg == nil || !faults.Failed() {
			t.Fatalf("%s: %v", c.name, problems)
		}
		got := strings.TrimPrefix(problems[0].String(), dir+string(filepath.Separator))
		if got = strings.TrimPrefix(got, filepath.Dir(dir)+string(filepath.Separator)); !strings.HasSuffix(got, c.want[1:]) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"gateway: casa\ndevices:\n  a.b: {driver: relay, pin: GPIO1}\n", "a: [1, {b: 'c', d: \"e\\x41\"}]\n", "a: |2\n   x\n  y\n", "? a\n: b",
		"a: !b c\nd: &e f\ng: *e\n<<: {a: b}", "---\na\n---\nb\n...", "%YAML 1.2\n---\n", "a: >-\n\n\n", "\ta: 1", "- - - a\n  -", "{a: [b}, c]", "a: 'b\nc: \"d\n", "amqp: {urls: [\"amqp://a:b@c\"]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, src, faults := load(filepath.Join(t.TempDir(), "x.yaml"), bytes.NewReader(data))
		if cfg == nil || cfg.Rules == nil || cfg.Location.Timezone == nil {
			t.Fatal("half a configuration")
		}
		for _, d := range cfg.Devices {
			d.Options.Done()
		}
		for i := range 3 { // faults of others, anywhere inside a scalar
			for _, p := range cfg.Rules.Pairs {
				faults.Add(home.Fault{Path: p.Value.Path, Offset: i})
			}
		}
		problems := src.Problems(faults)
		for _, p := range problems {
			if p.Line < 0 || p.Column < 0 || p.Line > bytes.Count(data, []byte("\n"))+2 {
				t.Fatalf("%q: %v", data, p)
			}
		}
		if len(faults.List) > 0 && len(problems) == 0 {
			t.Fatalf("%q: faults are not told: %v", data, faults.List)
		}
		if err := Print(io.Discard, problems); err != nil {
			t.Fatal(err)
		}
	})
}

func TestJournal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"sync: os", ""}, {"sync: 10ms", ""}, {"sync:", ""}, {"max_size: 1GiB", ""},
		{"sync: [os]", "x.yaml:2:17: journal.sync is a list, expected a duration like 10s\n"},
		{"sync: 0s", "x.yaml:2:17: journal.sync is 0s, expected from 1ms to 1m\n"},
		{"max_size: 1MB", "x.yaml:2:21: journal.max_size is 1MB, expected from 32MB to 1000GB\n"},
		{"max_size: {}", "x.yaml:2:21: journal.max_size is a map, expected a text\n"},
		{"max_size: lots of MB", "x.yaml:2:21: journal.max_size is 'lots of MB', expected a size like 512MB or 2GB\n"},
	} {
		if _, got := told(t, "gateway: casa\njournal: {"+c.text+"}\n"); got != c.want {
			t.Errorf("%s: %q, want %q", c.text, got, c.want)
		}
	}
}
