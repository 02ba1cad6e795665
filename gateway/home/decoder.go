package home

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Decoder reads the options in one map of the configuration. Each method takes
// the key, the default, and what is allowed; what is wrong is noted as a fault
// and the default returned, so that a driver decodes straight on and all faults
// are told at once. [Decoder.Done] then refuses the keys that nobody asked for.
type Decoder struct {
	Node   *Node
	Faults *Faults
	asked  []string
}

// NewDecoder reads node, which must be a map; anything else is a fault.
func NewDecoder(node *Node, faults *Faults) *Decoder {
	if node == nil {
		node = &Node{Kind: NodeMap}
	}
	if node.Kind != NodeMap && node.Kind != NodeNull {
		faults.At(node, "", "%s, expected a map of options", node.Describe())
	}
	return &Decoder{Node: node, Faults: faults}
}

// Describe shows a node in a message: 'abc', a map, a list, nothing.
func (n *Node) Describe() string {
	if n.Kind == NodeScalar {
		return "'" + n.Text + "'"
	}
	return n.Kind.String()
}

// Get returns the value of key, or nil when it is absent or empty. The key
// counts as asked for.
func (d *Decoder) Get(key string) *Node {
	d.ask(Ask{Key: key})
	if !slices.Contains(d.asked, key) {
		d.asked = append(d.asked, key)
	}
	n := d.Node.Get(key)
	if n == nil || n.Kind == NodeNull && n.Slip == "" {
		return nil
	}
	return n
}

// Fault notes a fault about the value of key, or about the map when key is absent.
func (d *Decoder) Fault(key, hint, format string, args ...any) {
	n := d.Node.Get(key)
	if n == nil {
		n = d.Node
	}
	d.Faults.At(n, hint, format, args...)
}

// Require notes a fault for each key that is absent.
func (d *Decoder) Require(keys ...string) {
	for _, key := range keys {
		d.ask(Ask{Key: key, Required: true})
		if d.Get(key) == nil {
			d.Faults.Add(Fault{Path: d.Node.Path, OnKey: true, Message: fmt.Sprintf("%s is missing", key),
				Hint: "it is required"})
		}
	}
}

// scalar returns the node of key when it is a scalar.
func (d *Decoder) scalar(key, expected string) (*Node, bool) {
	n := d.Get(key)
	if n == nil {
		return nil, false
	}
	if n.Kind != NodeScalar {
		d.Faults.At(n, "", "%s is %s, expected %s", key, n.Describe(), expected)
		return nil, false
	}
	return n, true
}

// Text reads any text.
func (d *Decoder) Text(key, byDefault string) string {
	d.ask(Ask{Key: key, Type: "text", Default: byDefault})
	n, ok := d.scalar(key, "a text")
	if !ok {
		return byDefault
	}
	return n.Text
}

// File reads the name of a file, see [Node.File].
func (d *Decoder) File(key, byDefault string) string {
	d.ask(Ask{Key: key, Type: "file", Default: byDefault})
	n, ok := d.scalar(key, "the name of a file")
	if !ok {
		return byDefault
	}
	return n.File(n.Text)
}

// Word reads one of options.
func (d *Decoder) Word(key, byDefault string, options ...string) string {
	d.ask(Ask{Key: key, Type: "word", Default: byDefault, Options: options})
	n, ok := d.scalar(key, "one of "+strings.Join(options, ", "))
	if !ok {
		return byDefault
	}
	if on, ok := map[string]string{"yes": "on", "true": "on", "no": "off", "false": "off"}[n.Text]; ok && slices.Contains(options, on) {
		return on // as for a switch
	}
	if !slices.Contains(options, n.Text) {
		hint := ""
		if near := Nearest(n.Text, options); near != "" {
			hint = "did you mean " + near + "?"
		}
		d.Faults.At(n, hint, "%s is '%s', expected one of %s", key, n.Text, strings.Join(options, ", "))
		return byDefault
	}
	return n.Text
}

// Bool reads true or false, on or off, yes or no.
func (d *Decoder) Bool(key string, byDefault bool) bool {
	d.ask(Ask{Key: key, Type: "bool", Default: strconv.FormatBool(byDefault)})
	n, ok := d.scalar(key, "true or false")
	if !ok {
		return byDefault
	}
	switch n.Text {
	case "true", "on", "yes":
		return true
	case "false", "off", "no":
		return false
	}
	d.Faults.At(n, "", "%s is '%s', expected true or false", key, n.Text)
	return byDefault
}

// Rate reads how often, from once to most times, and in what time: 10 per 1m. It
// returns 0 when it is not there.
func (d *Decoder) Rate(key string, most int, least, longest time.Duration) (times int, within time.Duration) {
	if d.Get(key) == nil {
		return 0, 0
	}
	text := d.Text(key, "")
	if words := strings.Fields(text); len(words) == 3 && words[1] == "per" {
		n, err := strconv.Atoi(words[0])
		span, errSpan := ParseDuration(words[2])
		if err == nil && errSpan == nil && n > 0 && n <= most && span >= least && span <= longest {
			return n, span
		}
	}
	d.Fault(key, "", "%s is '%s', expected how often (1 to %d times) and in what time, like 10 per 1m", key, text, most)
	return 0, 0
}

// Int reads a whole number from least to most, decimal or 0x hexadecimal.
func (d *Decoder) Int(key string, byDefault, least, most int) int {
	d.ask(Ask{Key: key, Type: "int", Default: strconv.Itoa(byDefault), Least: float64(least), Most: float64(most)})
	expected := fmt.Sprintf("a whole number from %d to %d", least, most)
	n, ok := d.scalar(key, expected)
	if !ok {
		return byDefault
	}
	base, digits := 10, n.Text
	if hex, is := strings.CutPrefix(strings.ToLower(n.Text), "0x"); is {
		base, digits = 16, hex
		expected = fmt.Sprintf("a whole number from %#x to %#x", least, most)
	}
	i, err := strconv.ParseInt(digits, base, 64)
	if err != nil || i < int64(least) || i > int64(most) {
		d.Faults.At(n, "", "%s is '%s', expected %s", key, n.Text, expected)
		return byDefault
	}
	return int(i)
}

// Number reads a number from least to most; infinities mean no limit.
func (d *Decoder) Number(key string, byDefault, least, most float64) float64 {
	d.ask(Ask{Key: key, Type: "number", Default: strconv.FormatFloat(byDefault, 'f', -1, 64), Least: least, Most: most})
	n, ok := d.scalar(key, "a number")
	if !ok {
		return byDefault
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		d.Faults.At(n, "", "%s is '%s', expected a number", key, n.Text)
		return byDefault
	}
	if f < least || f > most {
		d.Faults.At(n, "", "%s is %v, expected a number from %v to %v", key, f, least, most)
		return byDefault
	}
	return f
}

// Duration reads a duration from least to most, like 200ms or 1h30m.
func (d *Decoder) Duration(key string, byDefault, least, most time.Duration) time.Duration {
	d.ask(Ask{Key: key, Type: "duration", Default: FormatDuration(byDefault), Least: least.Seconds(), Most: most.Seconds()})
	n, ok := d.scalar(key, "a duration like 10s")
	if !ok {
		return byDefault
	}
	t, err := ParseDuration(n.Text)
	if err != nil {
		d.Faults.At(n, "", "%s is '%s', expected a duration like 200ms, 10s, 5m, 1h30m, 2d or 1w", key, n.Text)
		return byDefault
	}
	if t < least || t > most {
		d.Faults.At(n, "", "%s is %s, expected from %s to %s", key, n.Text, FormatDuration(least), FormatDuration(most))
		return byDefault
	}
	return t
}

// Map returns a decoder of the map at key, or nil when it is absent.
func (d *Decoder) Map(key string) *Decoder {
	d.ask(Ask{Key: key, Type: "map"})
	n := d.Get(key)
	if n == nil {
		return nil
	}
	return NewDecoder(n, d.Faults)
}

// List returns the items at key; a single value counts as a list of one.
func (d *Decoder) List(key string) []*Node {
	d.ask(Ask{Key: key, Type: "list"})
	n := d.Get(key)
	switch {
	case n == nil:
		return nil
	case n.Kind == NodeList:
		return n.Items
	}
	return []*Node{n}
}

// Texts reads a list of texts; a single text counts as a list of one.
func (d *Decoder) Texts(key string) []string {
	d.ask(Ask{Key: key, Type: "texts"})
	var texts []string
	for _, n := range d.List(key) {
		if n.Kind != NodeScalar {
			d.Faults.At(n, "", "%s has %s, expected a text", key, n.Describe())
			continue
		}
		texts = append(texts, n.Text)
	}
	return texts
}

// Done notes a fault for each key that no method asked for, with the nearest
// that was.
func (d *Decoder) Done() {
	for _, p := range d.Node.Pairs {
		if slices.Contains(d.asked, p.Key) {
			continue
		}
		known := slices.Sorted(slices.Values(d.asked))
		hint := "known here: " + strings.Join(known, ", ")
		if near := Nearest(p.Key, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		d.Faults.Add(Fault{Path: p.Value.Path, OnKey: true, Hint: hint,
			Message: fmt.Sprintf("unknown key '%s'", p.Key)})
	}
}
