package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schema compiles what hogar schema prints.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	code, out, errs := called(t, "schema")
	if code != exitDone {
		t.Fatal(errs)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("hogar.json", document); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("hogar.json")
}

// validate holds a configuration against the schema, as an editor does.
func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s.Validate(value)
}

// TestSchemaTakesWhatIsRight: what check takes, the schema takes: the shipped
// configurations and the examples of the documents.
func TestSchemaTakesWhatIsRight(t *testing.T) {
	t.Parallel()
	s := schema(t)
	files, err := filepath.Glob("../../configs/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.yaml") || !strings.Contains("\n"+string(text), "\ngateway:") {
			continue // a test of rules, a catalog
		}
		if err := validate(t, s, string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for name, page := range pages(t) {
		for _, example := range blocks(page, "yaml") {
			if strings.Contains(example, "\ntests:") || strings.HasPrefix(example, "tests:") {
				continue
			}
			if err := validate(t, s, complete(t, example)); err != nil {
				t.Errorf("%s: %v\n%s", name, err, example)
			}
		}
	}
}

func TestSchemaRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for name, text := range map[string]string{
		"no gateway":           "location: {latitude: 1, longitude: 2}",
		"unknown key":          "gateway: casa\ngatway: casa",
		"unknown amqp key":     "gateway: casa\namqp: {url: x}",
		"wrong word":           "gateway: casa\namqp: {history: strem}",
		"no driver":            "gateway: casa\ndevices: {hall.lamp: {driver: rely}}",
		"another driver's key": "gateway: casa\ndevices: {hall.light: {driver: bh1750, pin: GPIO4}}",
		"no duration":          "gateway: casa\ndevices: {hall.light: {driver: bh1750, every: 10}}",
		"a name":               "gateway: casa\ndevices: {Hall Lamp: {driver: relay, pin: GPIO4}}",
		"out of range":         "gateway: casa\nlocation: {latitude: 1, longitude: 2}\njournal: {when_full: never}",
	} {
		if validate(t, s, text) == nil {
			t.Errorf("%s: the schema takes\n%s", name, text)
		}
	}
}

// TestKeysInTheDocs: docs/keys.md is what the code says, and each key of the house has
// its place in the pages that explain.
func TestKeysInTheDocs(t *testing.T) {
	code, out, errs := called(t, "schema", "--table")
	if code != exitDone {
		t.Fatal(errs)
	}
	written, err := os.ReadFile("../../docs/keys.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), out); diff != "" {
		t.Errorf("docs/keys.md is not what the code says; make docs writes it:\n%s", diff)
	}
}
