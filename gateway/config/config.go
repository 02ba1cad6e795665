// Package config reads the configuration of a house: one YAML file, the same on
// a Raspberry Pi and on a laptop.
//
// [Load] decodes what belongs to the house and leaves the options of each
// device, of each MQTT source and of the rules as nodes, which the drivers and
// the rules decode themselves. They all note what is wrong by path, and
// [Source.Problems] turns the paths into files, lines and columns, so that every
// mistake of a configuration is told at once, where it stands:
//
//	cfg, src, faults := config.Load("hogar.yaml")
//	for _, d := range cfg.Devices {
//		spec := table[d.Driver](d.Options)
//		d.Options.Done()
//	}
//	config.Print(os.Stderr, src.Problems(faults))
//
// YAML loses what hogar needs (the order of keys, 010, repeated keys, the place
// inside of a text, a value that begins with !), so the tree is built from the
// YAML library's syntax tree by an own walk.
package config

import (
	"io"
	"os"
	"strings"
	"time"

	"hogar/gateway/home"
)

// Config is a house as it was written down, with the defaults filled in.
type Config struct {
	Gateway  string // first word of every routing key
	Location Location
	AMQP     AMQP
	Journal  Journal
	Clock    Clock
	Web      Web
	Devices  []Device
	MQTT     []*home.Decoder // one for each source; who takes it decodes it and calls Done
	Export   string          // the prefix of Home Assistant's discovery at the first broker; empty: nothing is announced
	Catalog  *home.Decoder   // of the file of discovered devices; nil: none. Who takes it calls Done
	Groups   *home.Node      // for the door to decode, as are the next two; nil: absent
	Scenes   *home.Node      // for the rules, too
	Access   *home.Node
	Simulate *home.Decoder // for the simulated board to decode; nil: absent
	Vars     *home.Node    // for the rules
	Rules    *home.Node    // a map, by name, in the order of the files; never nil
}

// Rename gives the gateway another name than the configuration does, and with it a
// journal of its own, unless the configuration says where that is.
func (c *Config) Rename(gateway string) {
	usual := journalPath(c.Gateway)
	c.Gateway = gateway
	if c.Journal.Path == usual {
		c.Journal.Path = journalPath(gateway)
	}
}

// Location is where the house stands.
type Location struct {
	Known               bool // latitude and longitude were given
	Latitude, Longitude float64
	Timezone            *time.Location // never nil; the machine's when none is given
}

// AMQP is the broker and what hogar declares there.
type AMQP struct {
	URLs         []string // tried in turn; may hold passwords, so show them with [Redact] only
	PasswordFile string   // for the URLs that have a user and no password; see [AMQP.Dial]
	CAFile       string   // whom to trust with amqps, in PEM; empty: the system's authorities
	CertFile     string   // who we are with amqps, in PEM; with KeyFile
	KeyFile      string
	Exchange     string
	QueueType    string        // of the commands: classic or quorum
	MessageTTL   time.Duration // how long messages of other applications wait for the gateway
	History      string        // stream, quorum, classic or none
	Declare      bool          // declare what is missing; else only check
	ReplyTo      []string      // the queues that receipts may go to; nil: as access: says
}

// Journal is the log on disk.
type Journal struct {
	Path      string        // a folder
	MaxSize   int64         // bytes
	Sync      string        // always, interval or os
	SyncEvery time.Duration // with interval; machine time
	Keep      time.Duration // how long history stays
	WhenFull  string        // block or drop_oldest
	WhenDead  string        // go_on or exit: what to do when the disk refuses to write
}

// Clock says when the machine's clock is trusted.
type Clock struct {
	Always bool          // whatever the system says of it
	After  time.Duration // how long after the start of the machine, when nothing vouches for it
}

// Device is one entry of devices.
type Device struct {
	Name       string
	Driver     string // empty: the entry adds to a discovered device
	Label      string
	Every      time.Duration // between two readings; 0: as the driver says
	StaleAfter time.Duration // 0: as the driver and Every say
	Groups     []string      // that it belongs to, beside those that name it
	OnReturn   string        // keep or reapply, when it comes back from offline and differs
	Sleeps     bool          // of a discovered device: it says that it is offline when it only sleeps
	Filters    *home.Node    // of its readings, by property; nil: none
	Safety     *home.Node    // its safety envelope, for the door to decode; nil: none
	Options    *home.Decoder // all else of the entry; who takes it decodes it and calls Done
}

// Load reads the configuration at path; "-" is standard input. The Config is
// complete when no fault is more than a warning; before that it holds what could
// be read, so that drivers and rules can add their own faults.
func Load(path string) (*Config, *Source, *home.Faults) {
	if path == "-" {
		return load("<stdin>", os.Stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		src, faults := newSource(), &home.Faults{}
		src.files = append(src.files, &file{name: path})
		faults.Add(home.Fault{Message: "cannot be read: " + reason(err)})
		return decode(nil, &loader{src: src, faults: &home.Faults{}}), src, faults
	}
	defer f.Close()
	return load(path, f)
}

// Listen loads a configuration that is given as text, and tells asked of every key
// that is looked for in it, there or not; also of those that drivers and rules look for later.
func Listen(text string, asked func(home.Ask)) (*Config, *home.Faults) {
	cfg, _, faults := loadInto(&home.Faults{Asked: asked}, "<text>", strings.NewReader(text))
	return cfg, faults
}

// load reads a configuration.
func load(name string, r io.Reader) (*Config, *Source, *home.Faults) {
	return loadInto(&home.Faults{}, name, r)
}

func loadInto(faults *home.Faults, name string, r io.Reader) (*Config, *Source, *home.Faults) {
	l := &loader{src: newSource(), faults: faults}
	data, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		l.src.files = append(l.src.files, &file{name: name})
		l.faults.Add(home.Fault{Message: "cannot be read: " + reason(err)})
		return decode(nil, &loader{src: l.src, faults: &home.Faults{}}), l.src, l.faults
	}
	root := l.src.add(nil, name, data, l.faults)
	if root == nil { // what is missing in it is no news
		return decode(nil, &loader{src: l.src, faults: &home.Faults{}}), l.src, l.faults
	}
	return decode(root, l), l.src, l.faults
}

func newSource() *Source {
	return &Source{places: make(map[string]place), broken: make(map[string]bool)}
}

// loader is what the decoding of one configuration needs.
type loader struct {
	src       *Source
	faults    *home.Faults
	discovers bool // a source below mqtt: tells of devices that the configuration need not have
}

// Keys below mqtt: that name a source of devices, and the driver of these devices.
const (
	Zigbee2MQTT   = "zigbee2mqtt"
	HomeAssistant = "homeassistant"
	Tasmota       = "tasmota"
	Shelly        = "shelly"
)

var sources = []string{Zigbee2MQTT, HomeAssistant, Tasmota, Shelly}
