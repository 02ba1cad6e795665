package tasmota

import (
	"encoding/json"
	"slices"
	"strconv"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// feature is one property and where it is.
type feature struct {
	home.Property
	keys     []string          // of a state: as it is called in messages
	member   string            // of the object that a key has: Position
	inverted bool              // 0 stands for 100
	path     []string          // of a sensor: the way to it
	id       string            // of a sensor: its address, by which it is found wherever it stands
	command  string            // that sets it; empty: it cannot be set
	words    map[string]string // of a choice: the command of each option
}

// The commands are those of https://tasmota.github.io/docs/Commands/.

// features lists what the configuration tells. sampled is the number of shutters that the
// sensors have.
func (c *config) features(sampled int) []feature {
	motors := c.motors(sampled)
	var switches []int
	for i, kind := range c.Relays {
		if (kind == relay || kind == light) && motors["POWER"+strconv.Itoa(i+1)] == "" {
			switches = append(switches, i)
		}
	}
	var list []feature
	for n, i := range switches {
		key := "POWER" + strconv.Itoa(i+1)
		f := feature{Property: home.Property{Name: numbered("state", n+1, len(switches)), Type: home.TypeBoolean, Settable: true}, keys: []string{key}, command: key}
		if i == 0 {
			f.keys = append(f.keys, "POWER")
		}
		list = append(list, f)
	}
	list = append(list, c.lightFeatures()...)
	if c.Fan == 1 {
		list = append(list, feature{Property: home.Property{Name: "fan_speed", Type: home.TypeNumber, Min: new(0.0), Max: new(3.0), Settable: true},
			keys: []string{"FanSpeed"}, command: "FanSpeed"})
	}
	shutters := c.shutters(sampled)
	for n := 1; n <= shutters; n++ {
		list = append(list, c.shutterFeatures(n, shutters)...)
	}
	return append(append(list, c.buttonFeatures()...), c.switchFeatures()...)
}

// pairs is the number of shutters by the kinds of the relays.
func (c *config) pairs() int {
	n := 0
	for _, kind := range c.Relays {
		if kind == shutter {
			n++
		}
	}
	return (n + 1) / 2
}

func (c *config) shutters(sampled int) int { return min(max(c.pairs(), sampled), most/2) }

// motors are the relays that are no switches, by the key of each, with the reason.
func (c *config) motors(sampled int) map[string]string {
	motors := make(map[string]string)
	if c.pairs() == 0 { // they are told as plain relays; without other words of ShutterRelay the first pairs are the motors
		for i := 1; i <= 2*sampled && i <= most; i++ {
			motors["POWER"+strconv.Itoa(i)] = "a motor of shutter " + strconv.Itoa((i+1)/2) + ", which position and move set"
		}
	}
	for i, kind := range c.Relays {
		key := "POWER" + strconv.Itoa(i+1)
		switch {
		case kind == shutter:
			motors[key] = "a motor of a shutter, which position and move set"
		case c.Fan == 1 && i > 0 && i < 4:
			motors[key] = "a motor of the fan, which fan_speed sets"
		}
	}
	if why := motors["POWER1"]; why != "" {
		motors["POWER"] = why
	}
	return motors
}

// shutterFeatures lists what the n-th shutter has. Position, of 100, is 100 when open.
func (c *config) shutterFeatures(n, of int) []feature {
	number := strconv.Itoa(n)
	key := []string{"Shutter" + number, "SHUTTER" + number}
	list := []feature{
		{Property: home.Property{Name: numbered("position", n, of), Type: home.TypeNumber, Unit: "%", Min: new(0.0), Max: new(100.0), Settable: true},
			keys: key, member: "Position", inverted: n <= len(c.ShutterOptions) && c.ShutterOptions[n-1]&inverted != 0, command: "ShutterPosition" + number},
		{Property: home.Property{Name: numbered("move", n, of), Type: home.TypeChoice, Options: []string{"open", "close", "stop"}, Settable: true},
			command: "ShutterOpen" + number, words: map[string]string{"open": "ShutterOpen" + number, "close": "ShutterClose" + number, "stop": "ShutterStop" + number}},
	}
	var tilts [][]float64
	if json.Unmarshal(c.Tilts, &tilts) == nil && n <= len(tilts) && len(tilts[n-1]) > 1 && tilts[n-1][0] < tilts[n-1][1] {
		list = append(list, feature{Property: home.Property{Name: numbered("tilt", n, of), Type: home.TypeNumber, Unit: "°", Min: new(tilts[n-1][0]), Max: new(tilts[n-1][1]),
			Settable: true}, keys: key[:1], member: "Tilt", command: "ShutterTilt" + number})
	}
	return list
}

func (c *config) buttonFeatures() []feature {
	var list []feature
	for i, kind := range c.Buttons {
		if kind != 0 && c.Options[buttonsTell] == 1 {
			key := "Button" + strconv.Itoa(i+1)
			list = append(list, feature{Property: home.Property{Name: "button_" + strconv.Itoa(i+1), Type: home.TypeEvent,
				Options: []string{"single", "double", "triple", "quad", "penta", "hold", "clear"}}, keys: []string{key}, member: "Action"})
		}
	}
	return list
}

// The modes of switches that only follow their contact (https://tasmota.github.io/docs/Buttons-and-Switches/).
var follows = []int{1, 2, 15, 16}

// switchFeatures lists the switches that are told: whether each is on, and what is done with it.
func (c *config) switchFeatures() []feature {
	var list []feature
	for i, mode := range c.Switches {
		if mode < 0 || c.Options[switchesTell] != 1 {
			continue
		}
		key := c.switchKey(i)
		name := dialect.Word(snake(key))
		list = append(list, feature{Property: home.Property{Name: name, Type: home.TypeBoolean}, keys: []string{key}, member: "Action"})
		if !slices.Contains(follows, mode) {
			list = append(list, feature{Property: home.Property{Name: dialect.Word(name + "_action"), Type: home.TypeEvent,
				Options: []string{"toggle", "hold", "inc_dec", "inv", "clear", "power_increment", "power_inv", "power_clear", "power_release", "power_100", "power_delayed",
					"single", "double", "triple"}}, keys: []string{key}, member: "Action"})
		}
	}
	return list
}

// switchKey is what the i-th switch is called in messages.
func (c *config) switchKey(i int) string {
	if i < len(c.SwitchNames) && c.SwitchNames[i] != nil && *c.SwitchNames[i] != "" {
		return *c.SwitchNames[i]
	}
	return "Switch" + strconv.Itoa(i+1)
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
