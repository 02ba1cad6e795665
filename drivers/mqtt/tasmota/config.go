package tasmota

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// config is what a device says about itself.
type config struct {
	Name      string         `json:"dn"`
	Friendly  []*string      `json:"fn"`
	Host      string         `json:"hn"`
	MAC       string         `json:"mac"`
	Topic     string         `json:"t"`
	FullTopic string         `json:"ft"`
	Prefixes  []string       `json:"tp"`
	Online    string         `json:"onln"`
	Offline   string         `json:"ofln"`
	States    []string       `json:"state"`
	Relays    []int          `json:"rl"`
	Buttons   []int          `json:"btn"`
	Options   map[string]int `json:"so"`
	Light     int            `json:"lt_st"`
	Fan       int            `json:"if"`   // 1: a Sonoff iFan
	Sleeps    int            `json:"dslp"` // 1: it goes to deep sleep

	Switches    []int     `json:"swc"` // the mode of each; less than 0: there is none
	SwitchNames []*string `json:"swn"`

	ShutterOptions []int           `json:"sho"`
	Tilts          json.RawMessage `json:"sht"` // least, greatest and time of each; other versions have other forms
}

// The kinds of relays.
const (
	relay   = 1
	light   = 2
	shutter = 3
)

// The options of Tasmota that matter here.
const (
	buttonsTell  = "73"  // SetOption73: buttons are told and do not switch
	switchesTell = "114" // SetOption114: switches are told and do not switch
)

// inverted is the bit of a shutter whose position is told the other way round: 0 is open (ShutterInvert).
const inverted = 1

func parseConfig(text []byte) (config, error) {
	var c config
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("no JSON of a device: %w", home.Misread(err))
	}
	switch {
	case c.Topic == "" || c.FullTopic == "" || len(c.Prefixes) < 3:
		return config{}, errors.New("no JSON of a device: t, ft or tp is missing")
	case dialect.CheckTopic(c.topic(0)) != nil || dialect.CheckTopic(c.topic(1)) != nil || dialect.CheckTopic(c.topic(2)) != nil:
		return config{}, fmt.Errorf("ft %.60q and t %.60q make no topic", c.FullTopic, c.Topic)
	case c.topic(1) == c.topic(0) || c.topic(2) == c.topic(0):
		return config{}, fmt.Errorf("its topics cannot be told from one another: ft is %q", c.FullTopic)
	}
	c.Relays, c.Buttons, c.Switches = c.Relays[:min(len(c.Relays), most)], c.Buttons[:min(len(c.Buttons), most)], c.Switches[:min(len(c.Switches), most)]
	return c, nil
}

// most is how many relays, buttons, and switches a Tasmota has at most.
const most = 32

// topic is the beginning of the topics for commands (0), answers (1) and telemetry (2).
func (c *config) topic(prefix int) string {
	id := c.MAC
	if len(id) > 6 {
		id = id[len(id)-6:]
	}
	topic := strings.NewReplacer("%prefix%", c.Prefixes[prefix], "%topic%", c.Topic, "%hostname%", c.Host, "%id%", id).Replace(c.FullTopic)
	return strings.TrimSuffix(topic, "/") + "/"
}

func (c *config) label() string {
	if c.Name != "" {
		return c.Name
	}
	if len(c.Friendly) > 0 && c.Friendly[0] != nil && *c.Friendly[0] != "" {
		return *c.Friendly[0]
	}
	return c.Topic
}
