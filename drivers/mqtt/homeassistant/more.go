package homeassistant

import (
	"math"

	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// must compiles a template of this package's own.
func must(text string) *template.Template {
	t, err := template.Compile(text)
	if err != nil {
		panic(err)
	}
	return t
}

// version is what an update tells when no template says how: JSON, or the version.
func version(key string) *template.Template {
	return must("{% if value_json is mapping %}{{ value_json.get('" + key + "', '') }}{% else %}{{ value }}{% endif %}")
}

// object writes {"key":value,…}.
func object(pairs ...any) []byte {
	b := []byte{'{'}
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = home.TextOf(pairs[i].(string)).AppendJSON(b)
		b = pairs[i+1].(home.Value).AppendJSON(append(b, ':'))
	}
	return append(b, '}')
}

// unpointed is a number as templates are given it: without a point where it has no fraction.
func unpointed(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return int64(f)
	}
	return f
}
