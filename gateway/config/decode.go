package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a Pi's smallest system has no time zones of its own

	"hogar/gateway/home"
	"hogar/gateway/secret"
)

// Keys of the language that this version does not serve. They are refused and
// never silently ignored.
var (
	laterAMQP = []string{"unrouted"}
)

// decode reads the house's own part of the tree.
func decode(root *home.Node, l *loader) *Config {
	var cfg Config
	d := home.NewDecoder(root, l.faults)
	d.Require("gateway")
	cfg.Gateway = d.Text("gateway", "")
	if d.Get("gateway") != nil {
		l.check(d, "gateway", home.CheckWord(cfg.Gateway))
	}
	cfg.Location = l.location(d.Map("location"))
	cfg.AMQP = l.amqp(l.section(d, "amqp", laterAMQP))
	cfg.Journal = l.journal(l.section(d, "journal", nil), cfg.Gateway)
	cfg.Clock = l.clock(l.section(d, "clock", nil))
	if d.Node.Get("web") != nil { // web: alone is all defaults
		cfg.Web = l.web(l.section(d, "web", nil))
	}
	for _, n := range d.List("mqtt") {
		cfg.MQTT = append(cfg.MQTT, home.NewDecoder(n, l.faults))
		l.discovers = l.discovers || slices.ContainsFunc(sources, func(key string) bool { return n.Get(key) != nil })
	}
	cfg.Devices = l.devices(d.Map("devices"))
	cfg.Catalog = l.catalog(d)
	cfg.Export = d.Text("export", "")
	cfg.Groups, cfg.Scenes, cfg.Access = d.Get("groups"), d.Get("scenes"), d.Get("access")
	cfg.Vars = d.Get("vars")
	cfg.Simulate = d.Map("simulate")
	cfg.Rules = l.rules(d.Get("rules"))
	d.Done()
	return &cfg
}

// section returns the decoder of a map that may be left out.
func (l *loader) section(d *home.Decoder, key string, later []string) *home.Decoder {
	return home.NewDecoder(l.without(d.Get(key), later), l.faults)
}

// without notes a fault for each key that is to come later, and returns the node without
// it, so that it is not told again as unknown.
func (l *loader) without(n *home.Node, later []string) *home.Node {
	if n == nil || n.Kind != home.NodeMap {
		return n
	}
	rest := *n
	rest.Pairs = slices.DeleteFunc(slices.Clone(n.Pairs), func(p home.Pair) bool {
		return slices.Contains(later, p.Key)
	})
	for _, p := range n.Pairs {
		if slices.Contains(later, p.Key) {
			l.faults.Add(home.Fault{Path: p.Value.Path, OnKey: true, Hint: "take it out",
				Message: fmt.Sprintf("'%s' is not served by this version of hogar yet", p.Key)})
		}
	}
	return &rest
}

// check notes an error about the value of key.
func (l *loader) check(d *home.Decoder, key string, err error) {
	if err != nil {
		d.Fault(key, "", "%s", err)
	}
}

func (l *loader) location(d *home.Decoder) Location {
	at := Location{Timezone: time.Local}
	if d == nil {
		return at
	}
	latitude, longitude := d.Get("latitude"), d.Get("longitude")
	at.Known = latitude != nil && longitude != nil
	if !at.Known && (latitude != nil || longitude != nil) {
		d.Require("latitude", "longitude")
	}
	at.Latitude = d.Number("latitude", 0, -90, 90)
	at.Longitude = d.Number("longitude", 0, -180, 180)
	if name := d.Text("timezone", ""); name != "" {
		zone, err := time.LoadLocation(name)
		if err != nil {
			d.Fault("timezone", "write it like Europe/Madrid", "there is no time zone '%s'", name)
		} else {
			at.Timezone = zone
		}
	}
	d.Done()
	return at
}

func (l *loader) amqp(d *home.Decoder) AMQP {
	a := AMQP{
		URLs:         d.Texts("urls"),
		PasswordFile: d.File("password_file", ""),
		CAFile:       d.File("ca_file", ""),
		CertFile:     d.File("cert_file", ""),
		KeyFile:      d.File("key_file", ""),
		Exchange:     d.Text("exchange", "hogar"),
		QueueType:    d.Word("queue_type", "classic", "classic", "quorum"),
		MessageTTL:   d.Duration("message_ttl", time.Minute, time.Second, 30*24*time.Hour),
		History:      d.Word("history", "stream", "stream", "quorum", "classic", "none"),
		Declare:      d.Bool("declare", true),
		ReplyTo:      d.Texts("reply_to"),
	}
	d.Done()
	if d.Get("reply_to") != nil && a.ReplyTo == nil {
		a.ReplyTo = []string{} // an empty list: nowhere
	}
	for _, n := range d.List("urls") {
		if n.Kind == home.NodeScalar {
			l.url(n)
		}
	}
	if n := d.Get("urls"); n != nil && n.Kind == home.NodeList && len(n.Items) == 0 {
		d.Fault("urls", "leave it out for "+usualBroker, "urls is an empty list")
	}
	if len(a.URLs) == 0 {
		a.URLs = []string{usualBroker}
	}
	if strings.TrimSpace(a.Exchange) == "" || len(a.Exchange) > 127 {
		d.Fault("exchange", "like hogar or amq.topic", "exchange is '%s', expected a name of 1 to 127 bytes", a.Exchange)
	}
	if a.PasswordFile != "" {
		l.secret(d, "password_file", a.PasswordFile)
	}
	l.amqpTLS(d, a)
	return a
}

// usualBroker is where a broker is looked for when no URL is given.
const usualBroker = "amqp://localhost:5672"

// url checks one URL of a broker, without ever showing its password.
func (l *loader) url(n *home.Node) {
	const hint = "write it like amqp://casa@broker or amqps://casa@broker:5671/vhost"
	u, err := secret.Parse(n.Text)
	if err != nil {
		l.faults.At(n, hint, "this is not a URL: %v", err)
		return
	}
	if u.Scheme != "amqp" && u.Scheme != "amqps" || u.Hostname() == "" {
		l.faults.At(n, hint, "'%s' is not the URL of an AMQP broker", Redact(n.Text))
		return
	}
	if port, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || port < 1 || port > 65535) {
		l.faults.At(n, hint, "port %s is not from 1 to 65535", u.Port())
		return
	}
	if _, has := u.User.Password(); has && !Loopback(n.Text) {
		l.faults.Add(home.Fault{Path: n.Path, Warning: true,
			Message: "the password of a broker on another machine stands in this file",
			Hint:    "put it into a file of mode 0640 and group hogar, and name that with password_file, or use a systemd credential amqp.password"})
	}
}

// secret checks a file with a password for the user who will read it; it need not exist on the
// machine where a configuration is checked.
func (l *loader) secret(d *home.Decoder, key, name string) {
	switch t := secret.Check(name); {
	case t == nil:
	case t.Open:
		d.Fault(key, t.Cure, "%s", t.What)
	default:
		l.faults.Add(home.Fault{Path: below(d.Node.Path, key), Warning: true, Message: t.What, Hint: t.Cure})
	}
}

// leastJournal is room for a handful of the journal's segments.
const leastJournal = 32_000_000

func (l *loader) journal(d *home.Decoder, gateway string) Journal {
	j := Journal{
		Path:     d.File("path", ""),
		MaxSize:  l.size(d, "max_size", 512_000_000, leastJournal, 1_000_000_000_000),
		Keep:     d.Duration("keep", 7*24*time.Hour, 0, 10*365*24*time.Hour),
		WhenFull: d.Word("when_full", "block", "block", "drop_oldest"),
		WhenDead: d.Word("when_dead", "go_on", "go_on", "exit"),
	}
	j.Sync, j.SyncEvery = l.sync(d)
	d.Done()
	if j.Path != "" {
		return j
	}
	j.Path = journalPath(gateway)
	return j
}

func (l *loader) clock(d *home.Decoder) Clock {
	c := Clock{
		Always: d.Word("trust", "synchronised", "synchronised", "always") == "always",
		After:  d.Duration("after", 10*time.Minute, 0, 365*24*time.Hour),
	}
	d.Done()
	return c
}

// sync reads when the journal is synced: a word or a duration.
func (l *loader) sync(d *home.Decoder) (how string, every time.Duration) {
	word := ""
	if n := d.Get("sync"); n != nil {
		word = n.Text
	}
	switch {
	case word == "always", word == "os":
		return word, 0
	case word != "" && word[0] >= 'a' && word[0] <= 'z':
		d.Word("sync", "", "always", "os", "a duration like 200ms")
		return "interval", 0
	}
	return "interval", d.Duration("sync", 200*time.Millisecond, time.Millisecond, time.Minute)
}

// journalPath is where the journal is when nothing is said.
func journalPath(gateway string) string {
	if state, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); state != "" {
		return filepath.Join(state, "journal")
	}
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" {
		user, err := os.UserHomeDir()
		if err != nil { // nobody's home: the service's own place
			return "/var/lib/hogar/journal"
		}
		state = filepath.Join(user, ".local", "state")
	}
	return filepath.Join(state, "hogar", gateway, "journal")
}

// reason is what an error of the file system says, without operation and path, and what to do
// about it.
func reason(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "permission denied (" + secret.Cure() + ")"
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
