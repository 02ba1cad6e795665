package ruletest

import (
	"path/filepath"
	"strings"
	"testing"

	"hogar/gateway"
	"hogar/gateway/config"
	"hogar/gateway/home"
)

// fakeHouse is a house by full names.
type fakeHouse struct {
	properties map[string]home.Property
	names      []string
}

func newFakeHouse() *fakeHouse { return &fakeHouse{properties: make(map[string]home.Property)} }

func (h *fakeHouse) add(device string, properties ...home.Property) {
	h.names = append(h.names, device)
	for _, p := range properties {
		h.properties[home.Join(device, p.Name)] = p
		h.names = append(h.names, home.Join(device, p.Name))
	}
}

func (h *fakeHouse) Property(name string) (home.Property, bool) {
	p, ok := h.properties[name]
	return p, ok
}

func (h *fakeHouse) Device(name string) bool {
	for full := range h.properties {
		if d, _ := home.Split(full); d == name {
			return true
		}
	}
	return false
}

func (h *fakeHouse) Names() []string { return h.names }

// suiteOf reads a configuration as the gateway does.
func suiteOf(t testing.TB, path string) *Suite {
	t.Helper()
	cfg, src, faults := config.Load(path)
	plan := gateway.Check(cfg, faults)
	for _, p := range src.Problems(faults) {
		if !p.Warning {
			t.Fatal(p)
		}
	}
	house, o := plan.RuleHouse()
	return &Suite{Rules: cfg.Rules, House: house, Options: o}
}

// runFile runs the tests of one file.
func runFile(t testing.TB, s *Suite, path string, cover *Coverage) File {
	t.Helper()
	n, src, faults := config.File(path)
	tests := s.Decode(n, faults)
	for _, p := range src.Problems(faults) {
		t.Error(p)
	}
	f := File{Name: path, Place: func(path []string) string {
		return strings.TrimSuffix(place(src, path), ": ")
	}}
	for _, one := range tests {
		f.Results = append(f.Results, s.Run(one, cover))
	}
	return f
}

func place(src *config.Source, path []string) string {
	p := src.Resolve(home.Fault{Path: path})
	p.Message = ""
	return p.String()
}

// TestExamples runs the tests of every configuration that hogar is shipped with;
// together they reach every step of every rule.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../configs/*_test.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			var cover Coverage
			s := suiteOf(t, strings.TrimSuffix(path, "_test.yaml")+".yaml")
			f := runFile(t, s, path, &cover)
			var b strings.Builder
			if err := f.Print(&b, true); err != nil {
				t.Fatal(err)
			}
			if _, failed, _ := f.count(); failed > 0 {
				t.Error("\n" + b.String())
			}
			var missing strings.Builder
			if err := cover.Print(&missing, func(path []string) string { return strings.Join(path, ".") }); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(missing.String(), "never") {
				t.Error(missing.String())
			}
		})
	}
}
