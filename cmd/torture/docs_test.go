package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	testName = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	stepName = regexp.MustCompile(`\*([a-zA-Z][^*|]*)\*`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

// chapter returns the lines of docs/delivery.md between two headings.
func chapter(t *testing.T, from string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/delivery.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n"+from+"\n")
	if !found {
		t.Fatalf("docs/delivery.md has no %q", from)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// tests are the names of all tests of the tree.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	all := make(map[string]bool)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "build" || d.Name() == ".git"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range testFunc.FindAllSubmatch(text, -1) {
			all[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The table of faults names tests that there are, and steps of the torture that
// there are; each step is in it, and no fault is without a test or a step.
func TestEveryFaultHasATest(t *testing.T) {
	there, steps := tests(t), make(map[string]bool)
	for _, k := range append(kinds(), clusterKinds()...) {
		steps[k.name] = false
	}
	rows := 0
	for line := range strings.Lines(chapter(t, "## What is tested, and how")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| ") || len(cells) != 3 || strings.TrimSpace(cells[0]) == "fault" {
			continue
		}
		rows++
		named := testName.FindAllStringSubmatch(cells[2], -1)
		for _, m := range named {
			if !there[m[1]] {
				t.Errorf("%s: there is no %s", cells[0], m[1])
			}
		}
		for _, m := range stepName.FindAllStringSubmatch(cells[2], -1) {
			if _, known := steps[m[1]]; !known {
				t.Errorf("%s: the torture has no step %q", cells[0], m[1])
			}
			steps[m[1]] = true
			named = append(named, m)
		}
		if len(named) == 0 {
			t.Errorf("%s: nothing tests it", cells[0])
		}
	}
	if rows < 20 {
		t.Errorf("the table has %d rows", rows)
	}
	for name, told := range steps {
		if !told {
			t.Errorf("step %q of the torture is not in the table", name)
		}
	}
}

// The table of mutants is that of the code.
func TestEveryMutantIsInTheDocs(t *testing.T) {
	var want, got []string
	for _, m := range mutants {
		who := m.hunt.only
		if m.hunt.pkg != "" {
			who = m.hunt.run
		}
		want = append(want, m.name+" "+who)
	}
	for line := range strings.Lines(chapter(t, "## The proof")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) == 3 && strings.ContainsAny(cells[2], "`*") {
			got = append(got, strings.TrimSpace(cells[0])+" "+strings.Trim(strings.TrimSpace(cells[2]), "`*"))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("the docs have\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
