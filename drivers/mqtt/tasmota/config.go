package tasmota

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
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
}

// The kinds of relays.
const (
	relay   = 1
	light   = 2
	shutter = 3
)

// The options of Tasmota that matter here.
const buttonsTell = "73" // buttons are told and do not switch

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
	c.Relays, c.Buttons = c.Relays[:min(len(c.Relays), most)], c.Buttons[:min(len(c.Buttons), most)]
	return c, nil
}

// most is how many relays, and buttons, a Tasmota has at most.
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

// feature is one property and where it is.
type feature struct {
	home.Property
	keys    []string          // of a state: as it is called in messages
	path    []string          // of a sensor: the way to it
	command string            // that sets it; empty: it cannot be set
	words   map[string]string // of a choice: the command of each option
}

// features lists what the configuration tells.
func (c *config) features() []feature {
	var list []feature
	switches, shutters := 0, 0
	for _, kind := range c.Relays {
		switch kind {
		case relay, light:
			switches++
		case shutter:
			shutters++
		}
	}
	for i, n := 0, 0; i < len(c.Relays); i++ {
		if kind := c.Relays[i]; kind != relay && kind != light {
			continue
		}
		n++
		key := "POWER" + strconv.Itoa(i+1)
		f := feature{Property: home.Property{Name: numbered("state", n, switches), Type: home.TypeBoolean, Settable: true}, keys: []string{key}, command: key}
		if i == 0 {
			f.keys = append(f.keys, "POWER")
		}
		list = append(list, f)
	}
	list = append(list, c.lightFeatures()...)
	for n := 1; n <= (shutters+1)/2; n++ {
		number := strconv.Itoa(n)
		list = append(list,
			feature{Property: home.Property{Name: numbered("position", n, (shutters+1)/2), Type: home.TypeNumber, Unit: "%", Min: new(0.0), Max: new(100.0), Settable: true},
				keys: []string{"Shutter" + number}, command: "ShutterPosition" + number},
			feature{Property: home.Property{Name: numbered("move", n, (shutters+1)/2), Type: home.TypeChoice, Options: []string{"open", "close", "stop"}, Settable: true},
				command: "ShutterOpen" + number, words: map[string]string{"open": "ShutterOpen" + number, "close": "ShutterClose" + number, "stop": "ShutterStop" + number}})
	}
	for i, kind := range c.Buttons {
		if kind != 0 && c.Options[buttonsTell] == 1 {
			key := "Button" + strconv.Itoa(i+1)
			list = append(list, feature{Property: home.Property{Name: "button_" + strconv.Itoa(i+1), Type: home.TypeEvent,
				Options: []string{"single", "double", "triple", "quad", "penta", "hold", "clear"}}, keys: []string{key}})
		}
	}
	return list
}

// lightFeatures lists what lights have beside on and off, by their subtype: 1 a
// brightness, 2 a white tone too, 3 and 4 a colour, 5 all of it.
func (c *config) lightFeatures() []feature {
	var list []feature
	if c.Light >= 1 {
		list = append(list, feature{Property: home.Property{Name: "brightness", Type: home.TypeNumber, Unit: "%", Min: new(0.0), Max: new(100.0), Settable: true},
			keys: []string{"Dimmer"}, command: "Dimmer"})
	}
	if c.Light == 2 || c.Light == 5 {
		list = append(list, feature{Property: home.Property{Name: "color_temp", Type: home.TypeNumber, Unit: "mired", Min: new(153.0), Max: new(500.0), Settable: true},
			keys: []string{"CT"}, command: "CT"})
	}
	if c.Light >= 3 {
		list = append(list, feature{Property: home.Property{Name: "color_hsb", Type: home.TypeText, Settable: true}, keys: []string{"HSBColor"}, command: "HSBColor"})
	}
	return list
}

// numbered is the name, with its number where there are several.
func numbered(name string, n, of int) string {
	if of < 2 {
		return name
	}
	return name + "_" + strconv.Itoa(n)
}
