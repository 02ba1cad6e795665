package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mostJSON is how deep a message may be.
const mostJSON = 100

// parseJSON reads a JSON text, and keeps the order of its members.
func parseJSON(message []byte) (any, error) {
	if !utf8.Valid(message) {
		return nil, errors.New("no UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(message))
	d.UseNumber()
	v, err := readJSON(d, 0)
	if err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

func readJSON(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > mostJSON {
		return nil, errors.New("JSON nested too deep")
	}
	switch token := token.(type) {
	case json.Number:
		return jsonNumber(token.String())
	case json.Delim:
		if token == '[' {
			list := []any{}
			for d.More() {
				v, err := readJSON(d, depth+1)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			_, err := d.Token()
			return list, err
		}
		object := newDict()
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := readJSON(d, depth+1)
			if err != nil {
				return nil, err
			}
			object.set(key, v)
		}
		_, err := d.Token()
		return object, err
	}
	return token, nil // a text, a boolean or nil
}

func jsonNumber(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i, nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && math.IsInf(f, 0) {
		return nil, fmt.Errorf("%s is beyond all numbers", s)
	}
	return f, nil
}

// jsonStyle is how JSON is written.
type jsonStyle struct {
	comma, colon string
	ascii        bool // other letters as \u, and those that have a meaning in HTML
	sorted       bool // members by their names
}

var (
	// pretty is Jinja's tojson, which is made for pages in HTML.
	pretty = jsonStyle{", ", ": ", true, true}
	// compact is Home Assistant's to_json.
	compact = jsonStyle{",", ":", false, false}
)

func (st jsonStyle) write(b *strings.Builder, v any) error {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s has no JSON", floatText(v))
		}
		b.WriteString(floatText(v))
	case string:
		st.quote(b, v)
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteString(st.comma)
			}
			if err := st.write(b, item); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case *dict:
		return st.object(b, v)
	case undefined:
		return v.err()
	default:
		return fmt.Errorf("a %s has no JSON", kindOf(v))
	}
	return nil
}

func (st jsonStyle) object(b *strings.Builder, d *dict) error {
	keys := d.keys
	if st.sorted {
		keys = slices.Clone(keys)
		slices.SortStableFunc(keys, func(x, y any) int { return strings.Compare(keyText(x), keyText(y)) })
	}
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteString(st.comma)
		}
		st.quote(b, keyText(k))
		b.WriteString(st.colon)
		if err := st.write(b, d.get(k)); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// keyText is a key as JSON has it: a text.
func keyText(k any) string {
	switch k := k.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(k)
	}
	return text(k)
}

func (st jsonStyle) quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20, st.ascii && (r == '<' || r == '>' || r == '&' || r == '\'' || r >= 0x7f && r <= 0xffff):
			fmt.Fprintf(b, `\u%04x`, r)
		case st.ascii && r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}
