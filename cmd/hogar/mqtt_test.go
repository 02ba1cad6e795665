package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// templateCases is what Python's Jinja2 renders; it lies beside the checkout.
const templateCases = "../../../shared/data/template_cases.json"

// The command evaluates every case as the evaluator does, and says which are errors.
func TestTemplateCommand(t *testing.T) {
	text, err := os.ReadFile(templateCases)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not there", templateCases)
	}
	var cases []struct {
		Template string          `json:"template"`
		Context  json.RawMessage `json:"context"`
		Want     string          `json:"-"`
		OK       bool            `json:"-"`
	}
	var wants []struct {
		Want string
		OK   bool
	}
	if err := errors.Join(err, json.Unmarshal(text, &cases), json.Unmarshal(text, &wants)); err != nil {
		t.Fatal(err)
	}
	var in, out bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, c := range cases {
		if err := enc.Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	root := newRoot()
	root.SetArgs([]string{"mqtt", "template", "--now", "2026-01-02 03:04:05"})
	root.SetIn(&in)
	root.SetOut(&out)
	if err := root.ExecuteContext(t.Context()); !errors.Is(err, errTold) {
		t.Fatalf("with errors among them it ends with %v", err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(cases) || len(cases) < 300 {
		t.Fatalf("%d answers to %d cases", len(lines), len(cases))
	}
	for i, line := range lines {
		var got struct {
			OK            bool
			Result, Error string
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if w := wants[i]; got.OK != w.OK || w.OK && w.Want != "TS" && got.Result != w.Want || !w.OK && got.Error == "" {
			t.Errorf("%s: %s, want %v %q", cases[i].Template, line, w.OK, w.Want)
		}
	}
}

func TestExplainCommand(t *testing.T) {
	run := func(in string, args ...string) (string, error) {
		var out bytes.Buffer
		root := newRoot()
		root.SetArgs(append([]string{"mqtt", "explain"}, args...))
		root.SetIn(strings.NewReader(in))
		root.SetOut(&out)
		root.SetErr(&out)
		err := root.ExecuteContext(t.Context())
		return out.String(), err
	}
	out, err := run(`{"topic":"a","payload":"x"}`+"\n\n", "--json")
	if want := `{"devices":[],"ignored":[{"topic":"a","why":"nobody listens to this topic"}],"readings":[]}` + "\n"; err != nil || out != want {
		t.Errorf("%q, %v, want %q", out, err, want)
	}
	if out, err := run(`{"topic":"a","payload":"x"}` + "\n"); err != nil || !strings.Contains(out, "0 readings\n\n1 ignored\n  a: nobody listens to this topic") {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := run("\n{\"topic\":1}\n"); err == nil || !strings.HasPrefix(err.Error(), "standard input, line 2: ") {
		t.Errorf("a wrong line: %v", err)
	}
	if _, err := run("", "--broker", "mqtt://localhost"); err == nil {
		t.Error("--broker without --listen")
	}
}

// A line that is none is told in words of JSON, with its number and what a line is.
func TestLinesThatAreNone(t *testing.T) {
	for _, one := range []struct{ command, line, says string }{
		{"explain", "hello", `invalid character 'h' looking for beginning of value; a line is {"topic": …, "payload": …}`},
		{"explain", "[]", `found a list, expected an object; a line is {"topic": …, "payload": …}`},
		{"explain", `{"topic":5}`, `topic is a number, expected a text; a line is {"topic": …, "payload": …}`},
		{"explain", `{"topic":"a","retain":"yes"}`, `retain is a text, expected true or false; a line is {"topic": …, "payload": …}`},
		{"explain", `{"payload":"x"}`, `topic is missing; a line is {"topic": …, "payload": …}`},
		{"template", `{"tempate":"x"}`, `template is missing; a line is {"template": …, "context": {…}}`},
		{"template", `{"template":5}`, `template is a number, expected a text; a line is {"template": …, "context": {…}}`},
	} {
		var out, errs bytes.Buffer
		code := execute(t.Context(), []string{"mqtt", one.command}, strings.NewReader("\n"+one.line+"\n"), &out, &errs)
		if want := "hogar: standard input, line 2: " + one.says + "\n"; code != exitFailed || errs.String() != want || out.Len() > 0 {
			t.Errorf("%s of %s: exit code %d %s\ngot  %swant %s", one.command, one.line, code, out.String(), errs.String(), want)
		}
	}
}
