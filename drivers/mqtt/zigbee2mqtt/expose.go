package zigbee2mqtt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"hogar/drivers/mqtt/dialect"
	"hogar/gateway/home"
)

// The bits of an expose's access.
const (
	accessState = 1 << iota // the state message has it
	accessSet               // it can be set
	accessGet               // it can be asked for
)

// deepest is how far exposes may be nested; five occur.
const deepest = 16

// expose is one entry of a definition's exposes, or of another's features.
type expose struct {
	Type     string            `json:"type"`
	Name     string            `json:"name"`
	Property string            `json:"property"`
	Access   int               `json:"access"`
	Unit     string            `json:"unit"`
	Min      json.RawMessage   `json:"value_min"`
	Max      json.RawMessage   `json:"value_max"`
	On       json.RawMessage   `json:"value_on"`
	Off      json.RawMessage   `json:"value_off"`
	Values   []json.RawMessage `json:"values"`
	Presets  []preset          `json:"presets"`
	Features []json.RawMessage `json:"features"`
}

type preset struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// feature is one property of a device, in the words of both sides.
type feature struct {
	home.Property
	key     string // in the JSON of the device
	access  int
	on, off home.Value            // of a boolean, as the device writes them
	raw     map[string]home.Value // of a choice: an option as the device writes it; of a number: its presets
}

// features reads a list of exposes. What cannot be used is told to ignore.
func features(exposes []json.RawMessage, depth int, ignore func(what, why string)) []feature {
	var list []feature
	for _, text := range exposes {
		var e expose
		switch err := json.Unmarshal(text, &e); {
		case err != nil:
			ignore("expose", home.Misread(err).Error())
		case depth > deepest:
			ignore(e.Type, "nested too deep")
		case e.Property == "" && len(e.Features) > 0: // light, switch, fan, cover, lock, climate
			list = append(list, features(e.Features, depth+1, ignore)...)
		case e.Property == "":
			ignore(e.Type+" "+e.Name, "it has neither a property nor features")
		case e.Access&(accessState|accessSet|accessGet) == 0:
			ignore(e.Property, "it can be neither read nor set")
		default:
			if f, ok := leaf(e, ignore); ok {
				list = append(list, f)
			}
		}
	}
	return list
}

// leaf makes a feature of an expose that has a property of its own.
func leaf(e expose, ignore func(what, why string)) (feature, bool) {
	f := feature{key: e.Property, access: e.Access}
	f.Name, f.Settable = dialect.Word(e.Property), e.Access&accessSet != 0
	f.Momentary = f.Settable && e.Access&(accessState|accessGet) == 0 // effect, identify, brightness_step
	switch e.Type {
	case "binary":
		f.Type, f.on, f.off = home.TypeBoolean, value(e.On), value(e.Off)
		if !f.on.Known() || f.on == f.off {
			f.on, f.off = home.TextOf("ON"), home.TextOf("OFF")
		}
	case "numeric":
		f.Type, f.Unit, f.Min, f.Max = home.TypeNumber, dialect.Unit(e.Unit), number(e.Min), number(e.Max)
		if f.Min != nil && f.Max != nil && *f.Min > *f.Max {
			f.Min, f.Max = f.Max, f.Min
		}
		if !f.Settable {
			break
		}
		for _, p := range e.Presets {
			f.option(p.Name, value(p.Value))
		}
	case "enum":
		f.Type = home.TypeChoice
		if e.Name == "action" && !f.Settable {
			f.Type = home.TypeEvent
		}
		for _, v := range e.Values {
			f.option(value(v).String(), value(v))
		}
	case "text":
		f.Type = home.TypeText
		if e.Name == "action" && !f.Settable {
			f.Type = home.TypeEvent
		}
	case "composite", "list":
		f.Type = home.TypeObject
	default:
		ignore(e.Property, fmt.Sprintf("an expose of type %q", e.Type))
		return f, false
	}
	return f, true
}

// option adds a word that the property may be set to.
func (f *feature) option(word string, raw home.Value) {
	if _, twice := f.raw[word]; twice || word == "" || !raw.Known() {
		return
	}
	if f.raw == nil {
		f.raw = make(map[string]home.Value)
	}
	f.raw[word] = raw
	f.Options = append(f.Options, word)
}

// merge puts together the exposes of one key (a color is told as x and y and as
// hue and saturation) and gives keys whose names fold alike names of their own.
func merge(list []feature, ignore func(what, why string)) []feature {
	var out []feature
	keys, names := make(map[string]int), make(map[string]bool)
	for _, f := range list {
		i, twice := keys[f.key]
		switch {
		case twice && out[i].Type != f.Type:
			ignore(f.key, fmt.Sprintf("it is a %s and a %s: taken as the first", out[i].Type, f.Type))
		case twice:
			out[i].access |= f.access
			out[i].Settable = out[i].Settable || f.Settable
			out[i].Momentary = out[i].Settable && out[i].access&(accessState|accessGet) == 0
			for _, word := range f.Options {
				out[i].option(word, f.raw[word])
			}
		default:
			word := f.Name
			for n := 2; names[f.Name]; n++ {
				tail := "_" + strconv.Itoa(n)
				f.Name = word[:min(len(word), home.MaxWord-len(tail))] + tail
			}
			keys[f.key], names[f.Name] = len(out), true
			out = append(out, f)
		}
	}
	return out
}

// value reads a JSON value; unknown when there is none.
func value(raw json.RawMessage) home.Value {
	if len(bytes.TrimSpace(raw)) == 0 {
		return home.Value{}
	}
	v, err := home.ParseValue(raw)
	if err != nil {
		return home.Value{}
	}
	return v
}

// number reads a limit; nil when it is none.
func number(raw json.RawMessage) *float64 {
	v := value(raw)
	if v.Kind() != home.Number {
		return nil
	}
	return new(v.Number())
}
