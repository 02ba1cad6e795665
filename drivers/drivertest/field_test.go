package drivertest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFieldFailures holds the list of what goes wrong in the field (docs/drivers.md) against the tests that it names: each is there, and
// at least 22 of the 26 failures have one; what is coped with in part has its sentence in docs/troubleshooting.md.
func TestFieldFailures(t *testing.T) {
	text, err := os.ReadFile("../../docs/drivers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "## What goes wrong in the field\n")
	named := regexp.MustCompile("`([a-z0-9]+)\\.(Test[A-Za-z0-9]+)`")
	rows, tested := 0, 0
	for line := range strings.Lines(chapter) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| what happens") {
			continue
		}
		rows++
		tests := named.FindAllStringSubmatch(line, -1)
		if len(tests) > 0 {
			tested++
		}
		for _, one := range tests {
			if !has(t, one[1], one[2]) {
				t.Errorf("there is no %s.%s, which is to show: %s", one[1], one[2], strings.TrimSpace(line))
			}
		}
	}
	if rows != 26 || tested < 22 {
		t.Errorf("%d failures, %d of them with a test", rows, tested)
	}
	trouble, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil || !strings.Contains(string(trouble), "## What no program can mend") {
		t.Errorf("the sentences of what is coped with in part are missing: %v", err)
	}
}

// has reports whether a package has a test.
func has(t *testing.T, pkg, test string) bool {
	t.Helper()
	folder := map[string]string{"gateway": "../../gateway", "drivers": "..", "main": "../../cmd/hogar"}[pkg]
	if folder == "" {
		folder = filepath.Join("..", pkg)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "func "+test+"(") {
			return true
		}
	}
	return false
}
