package template

import (
	"strings"
	"testing"
)

// TestBeyondPaths has what Jinja2 3.1.6 renders with the same variables, where the filters that are
// Home Assistant's (regex_…, bitwise_…, log, average, base64_…) are its definitions
// (homeassistant/helpers/template). A tuple is a list here.
func TestBeyondPaths(t *testing.T) {
	const vars = `{"o":{"a":1,"b":2.5,"s":"x"},"l":[3,1,2],"d":[{"n":"a","v":1,"on":true},{"n":"b","v":5,"on":false},{"n":"c","on":true}],` +
		`"x":255,"f":21.456,"t":"Temp: 21.5 C, 40 %","neg":-5}`
	for _, test := range []struct{ template, want string }{
		{"{{ '#%02x%02x%02x0000' | format(255, 0, 16) }}", "#ff00100000"},
		{"{{ '%.1f' | format(f) }} {{ '%5.2f|%-6d|%+d|%05d' | format(f, x, x, x) }}", "21.5 21.46|255   |+255|00255"},
		{"{{ '%s and %s' % ('a', 1.5) }} {{ '%d' % 3.9 }} {{ '%s' % l }}", "a and 1.5 3 [3, 1, 2]"},
		{"{{ '%(a)s/%(b).2f' % o }} {{ '%(n)03d' | format(n=7) }}", "1/2.50 007"},
		{"{{ '%5s|%-5s|%05s' % ('a', 'b', 'c') }} {{ '100%%' % () }} {{ '%x %X %o %e %g %g' % (x, x, 8, f, f, 1e10) }}", "    a|b    |    c 100% ff FF 10 2.145600e+01 21.456 1e+10"},
		{"{{ '%02d:%02d' % (3725 // 3600, 3725 % 3600 // 60) }}", "01:02"},
		{"{{ '{} {} {1}'.format('a', 'b') if false }}{{ '{0}-{1:02d}-{n:>5}'.format(1, 2, n='z') }} {{ '{:.1f} {{}} {:x} {:08.3f}'.format(f, x, f) }}", "1-02-    z 21.5 {} ff 0021.456"},
		{"{{ '{:>8}|{:<8}|{:^8}|{:*^7}'.format('ab', 'cd', 'ef', 5) }} {{ '{:5d}|{:5}'.format(3, 4) }} {{ '{}'.format(none) }}", "      ab|cd      |   ef   |***5***     3|    4 None"},
		{"{{ timedelta(hours=25, seconds=5) }} {{ timedelta(minutes=90).total_seconds() }} {{ timedelta(days=2) }} {{ timedelta(seconds=-1) }}", "1 day, 1:00:05 5400.0 2 days, 0:00:00 -1 day, 23:59:59"},
		{"{{ now() - timedelta(days=1, minutes=4) }} {{ (now() - as_datetime('2026-01-01T03:04:05+00:00')).total_seconds() }}", "2026-01-01 03:00:05+00:00 86400.0"},
		{"{{ now().year }}-{{ now().month }} {{ now().hour }} {{ timedelta(hours=30).days }} {{ timedelta(hours=30).seconds }}", "2026-1 3 1 21600"},
		{"{{ now() > now() - timedelta(hours=1) }} {{ timedelta(hours=1) * 2 }} {{ timedelta(hours=1) < timedelta(hours=2) }}", "True 2:00:00 True"},
		{"{{ strptime('2026-03-04 05:06', '%Y-%m-%d %H:%M') }} {{ as_datetime(0) }}", "2026-03-04 05:06:00+00:00 1970-01-01 00:00:00+00:00"},
		{"{{ 'abc123' | regex_match('abc') }} {{ 'xabc' | regex_match('abc') }} {{ 'xABC' | regex_search('abc', true) }} {{ t | regex_findall_index('[0-9.]+') }}", "True False True 21.5"},
		{"{{ (t | regex_findall('([a-zA-Z]+): ([0-9.]+)'))[0] | join('=') }} {{ t | regex_findall('\\\\d+') }} {{ 'a-b' | regex_replace('(\\\\w)-(\\\\w)', '\\\\2-\\\\1') }}", "Temp=21.5 ['21', '5', '40'] b-a"},
		{"{{ 'yes' if t is search('C') else 'no' }} {{ t is not match('Hum') }} {{ 'b' is in ['a', 'b'] }} {{ 3 is not in [1] }} {{ 5 is gt 3 }} {{ 5 is eq(5) }}", "yes True True True True True"},
		{"{{ (o.items() | list)[1] | join }} {{ range(3) | list }} {{ range(1, 10, 4) | list }} {{ range(3, 0, -1) | list }}", "b2.5 [0, 1, 2] [1, 5, 9] [3, 2, 1]"},
		{"{{ ['1', '2'] | map('int') | list }} {{ d | map(attribute='n') | join(',') }} {{ d | map(attribute='v', default=0) | sum }}", "[1, 2] a,b,c 6"},
		{"{{ d | selectattr('on') | map(attribute='n') | list }} {{ d | rejectattr('on') | map(attribute='n') | list }} {{ d | selectattr('n', 'eq', 'b') | list | length }}", "['a', 'c'] ['b'] 1"},
		{"{{ d | selectattr('v', 'defined') | map(attribute='v') | max }} {{ [1, 0, 2] | select | list }} {{ [1, 5, 7] | select('gt', 4) | list }} {{ [1, 5] | reject('in', [5]) | list }}", "5 [1, 2] [5, 7] [1]"},
		{"{{ l | average }} {{ 100 | log(10) }} {{ 8 | log(2) }} {{ 1 | log }}", "2.0 2.0 3.0 0.0"},
		{"{{ x | bitwise_and(15) }} {{ 8 | bitwise_or(1) }} {{ 6 | bitwise_xor(3) }}", "15 9 5"},
		{"{{ 'hallo ü' | base64_encode }} {{ 'aGFsbG8=' | base64_decode }}", "aGFsbG8gw7w= hallo"},
		{"{{ 'Büro 2: Fenster' | slugify }} {{ slugify('It\\'s on') }} {{ 'a b' | slugify('-') }}", "buro_2_fenster its_on a-b"}, // python-slugify
	} {
		got, err := render(t, test.template, vars)
		if err != nil || got != test.want {
			t.Errorf("%s\n got %q, %v\nwant %q", test.template, got, err, test.want)
		}
	}
}

// What a foreign template asks for is bounded, and what Python has beyond Go's expressions is an error.
func TestBeyondPathsErrors(t *testing.T) {
	for _, test := range []struct{ template, want string }{
		{"{{ '%d' % 'a' }}", "%d of a str"},
		{"{{ '%x' | format(1.5) }}", "format: %x of a float"},
		{"{{ '%d %d' | format(1) }}", "format: not enough values for the format"},
		{"{{ '%d' | format(1, 2) }}", "format: more values than the format has"},
		{"{{ '%9999d' | format(1) }}", "format: a format wider than 100"},
		{"{{ '{} {}'.format(1) }}", ".format: a format asks for {1}"},
		{"{{ '{'.format(1) }}", ".format: a single brace in a format"},
		{"{{ 'a' | regex_match('(?=a)') }}", "regex_match: the expression (?=a) is not supported"},
		{"{{ 'a' | regex_findall_index('b') }}", "regex_findall_index: no match 0 in a"},
		{"{{ range(100000) | length }}", "range: more than 1000 items"},
		{"{{ range(1, 2, 0) }}", "range: a step of 0"},
		{"{{ [1] | map('nope') }}", "map: the filter nope is not supported"},
		{"{{ [1] | select('nope') }}", "select: the test nope is not supported"},
		{"{{ 0 | log }}", "log: no logarithm"},
		{"{{ [] | average }}", "average: the average of nothing"},
		{"{{ '!' | base64_decode }}", "base64_decode: no text in base64"},
		{"{{ 1.5 | bitwise_and(1) }}", "bitwise_and: expected two whole numbers"},
		{"{{ strptime('x', '%Y') }}", "strptime: x is no time like %Y"},
		{"{{ timedelta(days=200000) }}", "timedelta: a span of more than 292 years"},
	} {
		if got, err := render(t, test.template, "{}"); err == nil || err.Error() != test.want {
			t.Errorf("%s: %q, %v, want %s", test.template, got, err, test.want)
		}
	}
	many := strings.Repeat("a", 60000)
	if got, err := render(t, "{{ x | regex_replace('a', x) }}", `{"x":"`+many+`"}`); err == nil {
		t.Errorf("%d bytes", len(got))
	}
}

// A message that is no JSON is called that, with its place.
func TestNoJSON(t *testing.T) {
	tpl, err := Compile("{{ value_json.t }}")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ message, want string }{
		{`{"a":1,"t":nan}`, "no JSON: invalid character n at byte 12"},
		{`{"t":-inf}`, "no JSON: invalid character i at byte 7"},
		{`{"t":1`, "no JSON: it ends in the middle"},
		{``, "no JSON: it ends in the middle"},
		{`{"t":1,}`, "no JSON: invalid character } at byte 8"},
		{`{'t':1}`, "no JSON: invalid character ' at byte 2"},
		{`{"t":01}`, "no JSON: invalid character 1 at byte 7"},
		{`{"t":True}`, "no JSON: invalid character T at byte 6"},
		{`hello`, "no JSON: invalid character h at byte 1"},
		{`{"t":1}{"t":2}`, "no JSON: invalid character { at byte 8"},
		{"{\"t\":\"\xff\"}", "no JSON: no UTF-8"},
		{`{"a":1}`, ""},
	} {
		if got, err := tpl.Value([]byte(test.message), clock); err != nil && err.Error() != test.want || err == nil && test.want != "" {
			t.Errorf("%s: %q, %v, want %s", test.message, got, err, test.want)
		}
	}
}
