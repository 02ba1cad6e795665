package template

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"
)

var clock = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// corpus is what Python renders; it lies beside the checkout.
const corpus = "../../../../shared/data/template_cases.json"

func TestCorpus(t *testing.T) {
	text, err := os.ReadFile(corpus)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not there", corpus)
	}
	var cases []struct {
		Template, Want string
		Context        json.RawMessage
		OK             bool
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	right := 0
	for _, c := range cases {
		got, err := render(t, c.Template, string(c.Context))
		switch {
		case err != nil && c.OK:
			t.Errorf("%s with %s: %v, want %q", c.Template, c.Context, err, c.Want)
		case err == nil && !c.OK:
			t.Errorf("%s with %s: %q, want the error %s", c.Template, c.Context, got, c.Want)
		case err == nil && c.Want != "TS" && got != c.Want: // TS stands for a moment
			t.Errorf("%s with %s:\n got %q\nwant %q", c.Template, c.Context, got, c.Want)
		default:
			right++
		}
	}
	t.Logf("%d of %d cases", right, len(cases))
}

// render evaluates with the variables of a JSON object.
func render(t testing.TB, text, context string) (string, error) {
	t.Helper()
	tpl, err := Compile(text)
	if err != nil {
		return "", err
	}
	c := NewContext(clock)
	if err := c.SetAll([]byte(context)); err != nil {
		t.Fatal(err)
	}
	return tpl.Render(c)
}

func TestRender(t *testing.T) {
	const vars = `{"value":"23.456","n":3,"f":23.0,"yes":true,"no":false,"nil":null,"list":[1,2.5,"x"],"o":{"a":{"b":[10,20]},"Ä":1,"update":"u"},"s":"it's"}`
	for _, test := range []struct{ template, want string }{
		{"plain", "plain"},
		{"a{# remark #}b {#- trimmed -#} c", "ab c"[:2] + "c"},
		{"{{ f }} {{ n }} {{ yes }} {{ nil }} {{ missing }}", "23.0 3 True None "},
		{"{{ list }} {{ o }} {{ s }}", `[1, 2.5, 'x'] {'a': {'b': [10, 20]}, 'Ä': 1, 'update': 'u'} it's`},
		{"{{ [s, 1e-5, 1e20, -0.0001] }}", `["it's", 1e-05, 1e+20, -0.0001]`},
		{"{{ o.a.b[0] }}{{ o['a']['b'].1 }}{{ o.a.b[-1] }}{{ o.update }}", "102020u"},
		{"{{ o.a.b[5] }}{{ o.zz }}{{ list[yes] }}", ""},
		{"{{ 7 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 3 }} {{ 2 + 3 * 4 }} {{ (2 + 3) * 4 }}", "3.5 3 -4 2 8 14 20"},
		{"{{ 9223372036854775807 + 1 }}", "9.223372036854776e+18"},
		{"{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ 'a' in 'abc' }} {{ 5 not in list }} {{ not yes }}", "True False True True True False"},
		{"{{ n if no else 'b' }}{{ 'c' if no }}{{ 'a' if yes else 1 / 0 }}", "ba"},
		{"{{ no or nil or 'x' }}{{ yes and n }}", "x3"},
		{"{{ 'a' ~ 1 ~ none }}{{ 'a' 'b' }}", "a1Noneab"},
		{"{{ -3 | abs }} {{ 2.5 | round }} {{ 3.5 | round }} {{ 2.675 | round(2) }} {{ 1234 | round(-2) }} {{ 2.1 | round(0, 'ceil') }} {{ 2.3 | round(1, 'half') }}",
			"3 2 4 2.67 1200.0 3 2.5"},
		{"{{ '12' | int + 1 }} {{ ' 12.9 ' | int }} {{ 'ff' | int(base=16) }} {{ 'x' | int(7) }} {{ 'x' | float(default=none) }} {{ missing | int(1) }}", "13 12 255 7 None 1"},
		{"{{ missing | default('d') }}{{ '' | default('e', true) }}{{ nil | default('f') }}", "deNone"},
		{"{{ 'a b' | title }} {{ 'aB' | capitalize }} {{ ' x ' | trim }} {{ yes | lower }}", "A B Ab x true"},
		{"{{ 'hello world foo' | truncate(11, false, '…', 0) }} {{ 'hello world' | truncate(5, true, '', 0) }}", "hello… hello"},
		{"{{ list | length }} {{ list | first }} {{ list | last }} {{ [3, 1] | min }} {{ max(3, 1) }} {{ [1, 2.5] | sum }} {{ 'ab' | list }}", "3 1 x 1 3 3.5 ['a', 'b']"},
		{"{{ {'b': 1, 'a': 'ü<'} | tojson }} {{ {'b': 1, 'a': 'ü<'} | to_json }}", `{"a": "\u00fc\u003c", "b": 1} {"b":1,"a":"ü<"}`},
		{"{{ {True: 'a', 2: 'b', None: 'c'}[1] }}{{ {1.0: 'x'}[1] }}{{ ('[1]' | from_json)[0] }}", "ax1"},
		{"{{ 'a,b,c'.split(',')[1:] | join('-') }} {{ 'a  b'.split() }} {{ 'abc'[1:2] }} {{ 'abc'[-2:] }} {{ 'abc'[:-1] }}", "b-c ['a', 'b'] b bc ab"},
		{"{{ o.keys() | list }} {{ o.get('q', 5) }} {{ o.get('q') }} {{ o.a.values() }} {{ 'a' in o.keys() }}", "['a', 'Ä', 'update'] 5 None [[10, 20]] True"},
		{"{{ 'abc'.startswith('a') }} {{ 'aXb'.upper().replace('X', '-') }}", "True A-B"},
		{"{{ now().strftime('%d.%m.%y %H:%M %%') }} {{ now().isoformat() }} {{ now() }}", "02.01.26 03:04 % 2026-01-02T03:04:05+00:00 2026-01-02 03:04:05+00:00"},
		{"{{ as_timestamp('2026-01-02T03:04:05Z') }} {{ 0 | timestamp_custom('%Y') }} {{ 1.5 | timestamp_utc }}", "1767323045.0 1970 1970-01-01T00:00:01.500000+00:00"},
		{"{{ yes | iif('a', 'b') }} {{ nil | iif(1, 2, 3) }} {{ 'on' | bool }} {{ is_number('1e3') }} {{ is_number('nan') }} {{ is_number(nil) }}", "a 3 True True False False"},
		{"{% if n is defined and n is not none and n is number %}y{% endif %}{% if x is undefined %}u{% endif %}", "yu"},
		{"{% if no %}a{% elif n == 3 %}b{% else %}c{% endif %}", "b"},
		{"{% set a = 1 %}{% if yes %}{% set a = a + 1 %}{% endif %}{{ a }}", "2"},
		{"x {%- if yes -%} y {%- endif -%} z", "xyz"},
		{"{{ '{{ x }}' }}{{ \"a'b\" }}{{ 'a\\'b\\n' }}", "{{ x }}a'ba'b\n"},
		{"{{ value_json is defined }}", "False"},
		{"{ {{ 1 }} }", "{ 1 }"},
		{"line\n", "line"},
	} {
		got, err := render(t, test.template, vars)
		if err != nil || got != test.want {
			t.Errorf("%s\n got %q, %v\nwant %q", test.template, got, err, test.want)
		}
	}
}

func TestRenderErrors(t *testing.T) {
	for _, test := range []struct{ template, want string }{
		{"{{ a.b }}", "a is undefined"},
		{"{{ a + 1 }}", "a is undefined"},
		{"{{ 1 / 0 }}", "division by zero"},
		{"{{ 1 % 0 }}", "division by zero"},
		{"{{ 'a' < 1 }}", "str < int cannot be compared"},
		{"{{ 'a' * 3 }}", "str * int cannot be computed"},
		{"{{ 'a' | float }}", "float: a is no number"},
		{"{{ '0x10' | float }}", "float: 0x10 is no number"},
		{"{{ 1e300 | int }}", "int: 1e+300 is no whole number"},
		{"{{ 5 | length }}", "length: a int has no length"},
		{"{{ 5.0.lower() }}", ".lower: a float has no such method"},
		{"{{ nope | is_defined }}", "is_defined: nope: not defined"},
		{"{{ {[1]: 2} }}", "a list is no key"},
	} {
		if got, err := render(t, test.template, "{}"); err == nil || err.Error() != test.want {
			t.Errorf("%s: %q, %v, want %s", test.template, got, err, test.want)
		}
	}
	if _, err := render(t, "{{ nope | is_defined }}", "{}"); !errors.Is(err, ErrIgnore) {
		t.Errorf("is_defined: %v", err)
	}
}

func TestCompileErrors(t *testing.T) {
	for _, test := range []struct{ template, want string }{
		{"ä{{ x", "column 6: expected }}"},
		{"{% for x in y %}{% endfor %}", "column 4: {% for %} is not supported"},
		{"{% include '/etc/hostname' %}", "column 4: {% include %} is not supported"},
		{"{{ states('a') }}", "column 4: states() is not supported"},
		{"{{ x | pack('B') }}", "column 8: the filter pack is not supported"},
		{"{{ x is odd }}", "column 9: the test odd is not supported"},
		{"{{ x.__class__() }}", "column 6: .__class__() is not supported"},
		{"{{ x.get()() }}", "column 11: only functions and methods are called"},
		{"{% if x %}", "column 11: an if without its endif"},
		{"{% endif %}", `column 4: unexpected endif`},
		{"{{ 'abc }}", "column 4: a text without its end"},
		{"{{ 1 + }}", `column 8: unexpected "}}"`},
		{"{{%if x%}}", `column 3: unexpected "%"`},
		{"{{ x[0:1:2] }}", "column 10: a slice with a step is not supported"},
		{"{{ a b }}", `column 6: unexpected "b"`},
		{"{{ " + strings.Repeat("(", 40) + "1" + strings.Repeat(")", 40) + " }}", "column 36: nested too deep"},
		{"{{ " + strings.Repeat("-", 40) + "1 }}", "column 35: nested too deep"},
		{"{{ 1" + strings.Repeat("+1", 600) + " }}", "column 504: more than 500 pieces"},
		{strings.Repeat("{% if 1 %}", 40), "column 317: nested too deep"},
		{strings.Repeat("x", 5000), "column 1: 5000 bytes, expected at most 4096"},
	} {
		_, err := Compile(test.template)
		if err == nil || err.Error() != test.want {
			t.Errorf("%.60s: %v, want %s", test.template, err, test.want)
		}
	}
}

// A template may not eat the gateway's memory, whatever the message.
func TestBombs(t *testing.T) {
	long := strings.Repeat("a", 60_000)
	for _, text := range []string{
		"{{ value ~ value }}",
		"{{ value.replace('a', 'aaaaaaaaaaaaaaaaaaaa') }}",
		"{{ value | replace('', 'aaaaaaaaaaaaaaaaaaaa') }}",
		"{{ value | list | join('aaaaaaaaaaaaaa') }}",
		"{{ value }}{{ value }}",
		"{% set a = [1] %}" + strings.Repeat("{% set a = [a, a] %}", 100) + "{{ a }}",
		"{% set a = [1] %}" + strings.Repeat("{% set a = a + a %}", 100) + "{{ a == a }}",
		"{% set a = {1: 1} %}" + strings.Repeat("{% set a = {1: a, 2: a} %}", 80) + "{{ a | tojson }}",
		"{{ value + value }}",
		"{% set a = [value, value] %}{% set b = [a, a, a, a, a, a] %}{% set c = [b, b, b, b, b, b, b] %}{{ c | tojson }}",
		"{% set a = [value, value] %}{% set b = [a, a, a, a, a, a] %}{% set c = [b, b, b, b, b, b, b] %}{{ c }}",
	} {
		tpl, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tpl.Value([]byte(long), clock); err == nil {
			t.Errorf("%s makes %d bytes", text, len(got))
		}
	}
	tpl, _ := Compile("{{ value }}")
	if _, err := tpl.Value(make([]byte, longestInput+1), clock); err == nil {
		t.Error("a message beyond the limit is taken")
	}
}

// What is looked up is what would be evaluated.
func TestLookup(t *testing.T) {
	messages := []string{`{"a":21.3,"b":{"c":"x y","d":true},"e":null}`, `{"a":23.0}`, `{"a":-0}`, `{"a":1e2}`, `{"a":"q\"x"}`, `{"a":" x "}`, `{"a":1,"a":2}`,
		`{"\u0061":5}`, ` { "a" : 0.00001 } `, `{"a":[1]}`, `{"a":123456789012345678}`, `{"a":{"a":{"a":1}}}`, `[1]`, `5`, `"a"`, `{"a":1`, `{"a":1}x`, ``,
		"{\"a\":\"\xff\"}", `{"a":-5}`, `{"a":0.1000}`, `{"b":{"c":1},"a":{"b":3}}`, `{"a":100}`, `{"a":false,"x":"}"}`}
	for _, text := range []string{"{{ value_json.a }}", "{{ value_json['b'].c }}", "{{ value }}", "{{ value_json.a.a.a }}"} {
		tpl, err := Compile(text)
		if err != nil || !tpl.pure {
			t.Fatalf("%s: %v, pure %v", text, err, tpl.pure)
		}
		slow, _ := Compile(text + "{{ '' }}")
		for _, m := range messages {
			got, err := tpl.Value([]byte(m), clock)
			want, errSlow := slow.Value([]byte(m), clock)
			if got != want || (err == nil) != (errSlow == nil) {
				t.Errorf("%s of %s: looked up %q %v, evaluated %q %v", text, m, got, err, want, errSlow)
			}
		}
	}
}

func FuzzValid(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0.5e+3,true],"b":{}}`, `[]`, ` "x" `, `01`, `{"a"}`, `[1,]`, `-`, `1.`, `tru`, "\"\x01\"", `{"a":1}x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if want := json.Valid(b); valid(b) != want && !(want && (strings.Contains(string(b), `\\`) || strings.Count(string(b), "[")+strings.Count(string(b), "{") > mostJSON)) {
			t.Errorf("%q is valid: %v", b, want)
		}
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add("{{ value_json.a }}", `{"a":1}`)
	f.Add("{% if value|int(0) > 3 -%} x {%- else %}{{ [1,{'a':2}]|tojson }}{% endif %}", `5`)
	f.Add("{{ value[1:3]|int(base=16) }}{{ value.split(',')|join('x') }}", "#ff00aa")
	f.Add("{{ '%02x %s {:>5}' | format(value_json, 1) }}{{ '{:>5}'.format(value) }}{{ value | regex_replace('(.)', '\\1\\1') }}", "5")
	f.Add("{{ range(9) | map('string') | select('search', '1') | list }}{{ timedelta(days=1) * value_json }}{{ value_json.items() | list }}", `{"u":1}`)
	f.Add("{{ (as_timestamp(now())-value_json.u)|timestamp_local }}", `{"u":1e300}`)
	f.Fuzz(func(t *testing.T, text, message string) {
		tpl, err := Compile(text)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Column < 1 {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		got, err := tpl.Value([]byte(message), clock)
		if err == nil && len(got) > longestResult && !tpl.pure {
			t.Errorf("%q makes %d bytes", text, len(got))
		}
		if tpl.pure {
			slow, err2 := Compile(text + "{{ '' }}")
			if err2 != nil {
				return
			}
			if want, errSlow := slow.Value([]byte(message), clock); want != got || (err == nil) != (errSlow == nil) {
				t.Errorf("%q of %q: looked up %q %v, evaluated %q %v", text, message, got, err, want, errSlow)
			}
		}
	})
}

func BenchmarkPure(b *testing.B) {
	tpl, err := Compile("{{ value_json.battery }}")
	if err != nil {
		b.Fatal(err)
	}
	message := []byte(`{"temperature":21.3,"humidity":44,"battery":97.5,"linkquality":120}`)
	b.ReportAllocs()
	for b.Loop() {
		if s, err := tpl.Value(message, clock); s != "97.5" || err != nil {
			b.Fatal(s, err)
		}
	}
}

func BenchmarkEvaluated(b *testing.B) {
	tpl, err := Compile("{{ value_json.temperature | float | round(0) }}")
	if err != nil {
		b.Fatal(err)
	}
	message := []byte(`{"temperature":21.3,"humidity":44,"battery":97,"linkquality":120}`)
	b.ReportAllocs()
	for b.Loop() {
		if s, err := tpl.Value(message, clock); s != "21" || err != nil {
			b.Fatal(s, err)
		}
	}
}
