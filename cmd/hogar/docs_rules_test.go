package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var ruleName = regexp.MustCompile(`(?m)^rules:\n  (\w+):`)

// TestRulesInTheDocsAreTested: each example with rules has a file of tests, called
// like the page and its first rule, that reaches every step and branch.
func TestRulesInTheDocsAreTested(t *testing.T) {
	used := make(map[string]bool)
	for name, page := range pages(t) {
		for _, example := range blocks(page, "yaml") {
			first := ruleName.FindStringSubmatch(example)
			if first == nil {
				continue
			}
			file := strings.TrimSuffix(filepath.Base(name), ".md") + "_" + first[1] + "_test.yaml"
			tests := filepath.Join("testdata", "docs", file)
			used[tests] = true
			house := filepath.Join(t.TempDir(), "hogar.yaml")
			if err := os.WriteFile(house, []byte(complete(t, example)), 0o600); err != nil {
				t.Fatal(err)
			}
			code, out, errs := called(t, "rule", "test", "--cover", "--config", house, tests)
			if code != exitDone || strings.Contains(out, "never") || strings.Contains(errs, "no such file") {
				t.Errorf("%s, rule %s, by %s: exit code %d\n%s%s", name, first[1], tests, code, out, errs)
			}
		}
	}
	files, err := filepath.Glob("testdata/docs/*_test.yaml")
	if err != nil || len(files) != len(used) || len(used) < 7 {
		t.Errorf("%d files of tests for %d examples: %v", len(files), len(used), err)
	}
}
