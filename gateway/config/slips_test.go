package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// problems reads text as YAML alone and returns what is told about it.
func problems(text string) []string {
	src, faults := newSource(), &home.Faults{}
	src.add(nil, "x", []byte(text), faults)
	var told []string
	for _, p := range src.Problems(faults) {
		told = append(told, p.String())
	}
	return told
}

func TestSlips(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"when: !a.b", "x:1:7: when: '!' begins a YAML tag (write: not a.b)"},
		{"when: !a.b\nx: 1", "x:1:7: when: '!' begins a YAML tag (write: not a.b)"},
		{"when: !a.b and c.d\nx: 1", "x:1:7: when: '!' begins a YAML tag (write: not a.b and c.d)"},
		{"r: {is: !a.b}", "x:1:9: r: '!' begins a YAML tag (write: not a.b)"},
		{"r: [!a.b]", "x:1:5: r: '!' begins a YAML tag (write: not a.b)"},
		{"r:\n  - !a.b", "x:2:5: r.0: '!' begins a YAML tag (write: not a.b)"},
		{"when: !!str 5", "x:1:7: when: '!' begins a YAML tag (tags are not used here: write the value alone)"},
		{"p: !secret amqp", "x:1:4: p: there is no !secret here (write the value itself; passwords come from password_file)"},
		{"when: > 5\nx: 1", "x:1:7: when: '>' at the beginning is YAML's mark for a block of text (begin with a name or a number: 5 < a.b instead of > 5)"},
		{"when: | a\nx: 1", "x:1:7: when: '|' at the beginning is YAML's mark for a block of text (begin with a name or a number: 5 < a.b instead of > 5)"},
		{"r: {is: > 5}", "x:1:9: r: '>' at the beginning is YAML's mark for a block of text (begin with a name or a number: 5 < a.b instead of > 5)"},
		{"when: >\nx: 1", "x:1:7: when: nothing follows '>' (write the text below it, indented)"},
		{"when: &a b", "x:1:7: when: '&' begins a YAML anchor (write: and; or put a text in single quotes)"},
		{"when: *a\nx: 1", "x:1:7: when: '*' begins a YAML alias (begin with a name or a number, or put it in single quotes)"},
		{"cron: */5 * * * *", "x:1:7: cron: '*' begins a YAML alias (begin with a name or a number, or put it in single quotes)"},
		{"r: {is: max(a.b, c.d) > 3}", "x:1:9: r.is: the comma ends the value inside { } (put it in single quotes: 'max(a.b, c.d) > 3')"},
		{`r: {is: a.b in ["x", "y"]}`, "x:1:9: r: a comma, quotes or [ ] inside a value in { } need single quotes around the whole " +
			`(like 'a.b in ["x", "y"]')`},
		{`r: {is: between("22:00", "06:00")}`, "x:1:9: r: a comma, quotes or [ ] inside a value in { } need single quotes around the whole " +
			`(like 'between("22:00", "06:00")')`},
		{`if: "mode" == a.mode`, `x:1:5: if: a value that begins with a quote ends with it (turn it round: a.mode == "mode")`},
		{`if: a == "x: y"`, `x:1:12: if: ': ' inside a value begins another (put it in single quotes: 'a == "x: y"')`},
		{"if: a ? 1 : 2", "x:1:7: if: there is no ? : (write: if a then 1 else 2)"},
		{"a: {{ states('a') }}", "x:1:4: a: there are no templates (write a name as it is: hall.lamp.state)"},
		{"a: {y: ${a}}", "x:1:8: a: there are no templates (write a name as it is: hall.lamp.state)"},
		{"a: - 5 < a", "x:1:4: a: '-' begins an item of a list (turn it round: a.b > 5 instead of 5 < a.b; or put the list in lines of its own)"},
		{"a: %a", "x:1:4: a: '%' cannot begin a value (put it in single quotes)"},
		{"a: @a", "x:1:4: a: '@' cannot begin a value (put it in single quotes)"},
		{"a: `a`", "x:1:4: a: '`' cannot begin a value (put it in single quotes)"},
		{"a: {is: a.b and\n  c.d > 3}", "x:1:4: a: a value inside { } or [ ] cannot go on in the next line (write the entry in lines of its own, or the value in one line)"},
		{"a: 1\n---\nb: 2", "x:2:1: a second document begins here (one file holds one document: take the line --- out)"},
		{"a: 1\nb: 2\na: 3", "x:3:1: a: 'a' is here for the second time, first in line 1 (keep one of the two)"},
		{"a: {b: 1, b: 2}", "x:1:11: a.b: 'b' is here for the second time, first in line 1 (keep one of the two)"},
		{"a:\n\tb: 1", "x:2:1: a tab cannot indent (use spaces)"},
		{"a:\n  b: 1\n c: 2", "x:3:2: a: this line is not indented like its neighbours (entries of one map begin in the same column)"},
		{"a: 1\n  b: 2", "x:2:3: a: this line is indented below a value (indent it like the line above, or take that value away)"},
		{"a: {x: 1\nb: 3", "x:1:4: a: '{' is not closed (close it before the entry ends)"},
		{"a: 'x\nb: 3", "x:1:4: a: ''' is not closed (close it before the entry ends)"},
		{"b: {c: d}}", "x:1:10: b: '}' closes nothing (take it out)"},
		{"a: {pin: GPIO17 active_low: true}", "x:1:10: a.pin: ': ' inside a value begins another: is a comma missing? " +
			"(write: GPIO17, active_low: true; or put the whole in single quotes)"},
		{"a: {driver relay}", "x:1:5: a.driver relay: 'driver relay' has no value (write key: value, with a blank after the colon)"},
		{"a:1\nb: 2", "x:1:2: there is no blank after the colon (write a: 1)"},
		{"a:\n  b c\n  d: e", "x:2:3: a: this line has no key (write key: value, indented like its neighbours)"},
		{"<<: {a: 1}", "x:1:1: <<: << is not used here (write the keys themselves)"},
		{"? a\n: b", "x:1:1: ?: this is no key (write key: value)"},
		{"- a\n- b", "x:1:1: a list, expected keys with values, like gateway: casa"},
		{"a: \x00", "x:1:4: here is a control character"},
		{"a: \xff", "x: the file is not UTF-8 text"},
		{strings.Repeat("[", 300), "x:1:1: this is nested more than 200 deep"},
		{strings.Repeat("- ", 300) + "a", "x:1:1: this is nested more than 200 deep"},
	} {
		if diff := cmp.Diff([]string{c.want}, problems(c.text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
	}
}

// TestFine reads what looks like a slip and is none.
func TestFine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"a: (b == c) and x % 2 == 1", "a: -5 < b", `a: b matches "^[a-z]+$"`, "a: b\n  and c", "t: 22:00", `t: "22:00"`,
		"w: now.time in 22:00..06:00", "a: 'x: y # z'", "a: >\n  b and\n  c", "a: [on, off, 0x76, 010]", "---\na: 1\n", "\ufeffa: 1", "a: it's", "",
		"# only a comment", "a:\r\n  b: 1\r\n", "a: {is: 'max(a.b, c.d) > 3', for: 5m}", "%YAML 1.2\n---\na: 1",
	} {
		if told := problems(text); told != nil {
			t.Errorf("%q: %q", text, told)
		}
	}
}

// TestSlipsTogether says that one slip does not hide the next, nor what stands
// right beside it.
func TestSlipsTogether(t *testing.T) {
	t.Parallel()
	got := problems(`gateway: casa
devices:
  a.b: {driver: relay, pin: GPIO17
  c.d: {driver: relay, pin: @17}
  e.f:
    driver relay
    pin: GPIO4
rules:
  r: {when: !a.b, do: []}
  s:
    when: a == "x: y"
    do: []
  s: {}
`)
	want := []string{
		"x:3:8: devices.a.b: '{' is not closed (close it before the entry ends)",
		"x:4:29: devices.c.d: '@' cannot begin a value (put it in single quotes)",
		"x:6:5: devices.e.f: this line has no key (write key: value, indented like its neighbours)",
		"x:9:13: rules.r: '!' begins a YAML tag (write: not a.b)",
		`x:11:18: rules.s.when: ': ' inside a value begins another (put it in single quotes: 'a == "x: y"')`,
		"x:13:3: rules.s: 's' is here for the second time, first in line 10 (keep one of the two)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPositions finds the word here in every style of a scalar.
func TestPositions(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"a: x here y", "é: ñ here", `a: "x here"`, `a: "\u00e9\x41\t\"é\U0001F600 \ud83d\ude00 here"`, `a: 'it''s ''here'`,
		"a: x\n  y\n\n  here z", "a: |\n  x\n   y\n\n  here\n", "a: |-\n  x here", "a: |2\n    x here", "a: >\n  x\n  y here\n",
		"a: >- # comment\n  x\n  here", "a: x here # comment", "r: {é: x, a: x here}", "r: [1, {a: 'x here'}]", "a:   \n  x\n  here",
		"a: \"x\\\n  y\\n  here\"", "a: 'x\n\n  here'", "a:\tx here", "r:\r\n  - a: x here", "here: 1", "a: here",
	} {
		src, faults := newSource(), &home.Faults{}
		root := src.add(nil, "x", []byte(text), faults)
		path, offset := findHere(root)
		if path == nil || faults.List != nil {
			t.Fatalf("%q: %v", text, faults.List)
		}
		got := src.Resolve(home.Fault{Path: path, Offset: max(offset, 0), OnKey: offset < 0})
		want := ""
		for i, line := range strings.Split(text, "\n") {
			if before, _, has := strings.Cut(line, "here"); has {
				want = fmt.Sprintf("%d:%d", i+1, len([]rune(before))+1)
			}
		}
		if at := fmt.Sprintf("%d:%d", got.Line, got.Column); at != want && !strings.HasPrefix(text, "a:\t") || got.Line == 0 {
			t.Errorf("%q: here is at %s, want %s", text, at, want)
		}
	}
}

// findHere returns the path of the scalar that has the word here, and the offset
// of the word in it; -1 for a key.
func findHere(n *home.Node) ([]string, int) {
	if i := strings.Index(n.Text, "here"); i >= 0 {
		return n.Path, len([]rune(n.Text[:i]))
	}
	for _, p := range n.Pairs {
		if p.Key == "here" {
			return p.Value.Path, -1
		}
		if path, i := findHere(p.Value); path != nil {
			return path, i
		}
	}
	for _, item := range n.Items {
		if path, i := findHere(item); path != nil {
			return path, i
		}
	}
	return nil, 0
}
