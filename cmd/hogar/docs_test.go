package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hogar/gateway"
	"hogar/gateway/config"
)

// pages are what people read: the README and all of docs/.
func pages(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	for _, name := range append(names, "../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// blocks are the pieces of a page between ```language and ```.
func blocks(page, language string) []string {
	var found []string
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		if m[1] == language {
			found = append(found, m[2])
		}
	}
	return found
}

// complete makes a configuration of an example. One that begins with gateway: is
// one; rules come into the house of configs/pi.yaml; other sections make a house
// of their own.
func complete(t *testing.T, example string) string {
	t.Helper()
	switch {
	case strings.HasPrefix(example, "gateway:"):
		return example
	case strings.HasPrefix(example, "rules:"):
		house, err := os.ReadFile("../../configs/pi.yaml")
		if err != nil {
			t.Fatal(err)
		}
		before, _, found := strings.Cut(string(house), "\nrules:\n")
		if !found {
			t.Fatal("configs/pi.yaml has no rules to be replaced")
		}
		return before + "\n" + example
	}
	return "gateway: casa\nlocation: {latitude: 52.52, longitude: 13.4, timezone: Europe/Berlin}\n" + example
}

// problemsOf checks an example as hogar check does.
func problemsOf(t *testing.T, example string) []config.Problem {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hogar.yaml")
	if err := os.WriteFile(path, []byte(complete(t, example)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, problems := check(path)
	return slices.DeleteFunc(problems, func(p config.Problem) bool { // a file of the reader's machine
		return p.Warning && strings.Contains(p.Message, "cannot be read")
	})
}

func TestExamplesInTheDocsAreRight(t *testing.T) {
	count := 0
	for name, page := range pages(t) {
		for _, example := range blocks(page, "yaml") {
			count++
			for _, p := range problemsOf(t, example) {
				t.Errorf("%s: %s (%s)\n%s", name, p.Message, p.Hint, example)
			}
		}
	}
	if count < 12 {
		t.Errorf("only %d examples were found", count)
	}
	if len(problemsOf(t, "rules:\n  x: {when: hall.mution.occupancy, do: [{log: hm}]}\n")) == 0 {
		t.Error("a wrong example passes")
	}
}

func TestJSONInTheDocsIsJSON(t *testing.T) {
	for name, page := range pages(t) {
		for _, example := range blocks(page, "json") {
			for line := range strings.Lines(example) {
				if !json.Valid([]byte(line)) {
					t.Errorf("%s: not JSON, one value a line: %s", name, line)
				}
			}
		}
	}
}

// TestCommandsInTheDocsExist looks at each line of a shell that calls hogar.
func TestCommandsInTheDocsExist(t *testing.T) {
	call := regexp.MustCompile(`(?m)^(?:sudo |[A-Z_]+=\S+ )*(?:build/)?hogar ([a-z]+)((?: .*)?)$`)
	flag := regexp.MustCompile(`--([a-z-]+)`)
	count := 0
	for name, page := range pages(t) {
		for _, shell := range blocks(page, "sh") {
			for _, m := range call.FindAllStringSubmatch(shell, -1) {
				count++
				cmd, _, err := newRoot().Find(strings.Fields(m[1] + m[2]))
				if err != nil {
					t.Errorf("%s: there is no command %s", name, m[1])
					continue
				}
				line, _, _ := strings.Cut(m[2], "#")
				for _, f := range flag.FindAllStringSubmatch(line, -1) {
					if cmd.Flags().Lookup(f[1]) == nil {
						t.Errorf("%s: hogar %s has no flag --%s", name, m[1], f[1])
					}
				}
			}
		}
	}
	if count < 10 {
		t.Errorf("only %d calls of hogar were found", count)
	}
}

func TestLinksInTheDocsLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]*)(?:#([^)\s]*))?\)`)
	texts := pages(t)
	for name, page := range texts {
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			target := name
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(name), m[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			} else if m[2] != "" && !slices.Contains(anchors(texts[target]), m[2]) {
				t.Errorf("%s links to #%s of %s, which has no such heading", name, m[2], target)
			}
		}
	}
}

// anchors are a page's headings as links name them: lower case, dashes for
// spaces, no other signs.
func anchors(page string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		plain := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(plain, " ", "-"))
	}
	return all
}

// TestEverythingIsInTheReference: each driver has its chapter, each command and
// each of its flags its line.
func TestEverythingIsInTheReference(t *testing.T) {
	texts := pages(t)
	for _, driver := range gateway.DriverNames() {
		if !strings.Contains(texts["../../docs/drivers.md"], "\n## "+driver+"\n") {
			t.Errorf("docs/drivers.md has no chapter %s", driver)
		}
	}
	reference := texts["../../docs/reference.md"]
	root := newRoot()
	root.SetContext(context.Background())
	for _, cmd := range root.Commands() {
		if !strings.Contains(reference, "`hogar "+cmd.Name()) {
			t.Errorf("docs/reference.md lacks hogar %s", cmd.Name())
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z-]+)`).FindAllStringSubmatch(flagsOf(t), -1) {
		if !strings.Contains(reference, "--"+m[1]) {
			t.Errorf("docs/reference.md lacks the flag --%s", m[1])
		}
	}
}

// flagsOf are the flags of all commands as their help lists them.
func flagsOf(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, cmd := range newRoot().Commands() {
		all.WriteString(cmd.LocalFlags().FlagUsages())
		for _, below := range cmd.Commands() {
			all.WriteString(below.LocalFlags().FlagUsages())
		}
	}
	if all.Len() == 0 {
		t.Fatal("no command has a flag")
	}
	return all.String()
}

// TestEveryRoomIsOnTheMap: each folder with Go in it has its line in the table of
// docs/architecture.md. What it may import is held against it by TestImports.
func TestEveryRoomIsOnTheMap(t *testing.T) {
	table := pages(t)["../../docs/architecture.md"]
	files, err := filepath.Glob("../../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, deeper := range []string{"../../*/*/*.go", "../../*/*/*/*.go"} {
		more, err := filepath.Glob(deeper)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	rooms := make(map[string]bool)
	for _, file := range files {
		rooms[strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), "../../")] = true
	}
	if len(rooms) < 15 {
		t.Errorf("only %d rooms were found", len(rooms))
	}
	noDrivers := []string{"drivers/board", "drivers/simboard", "drivers/drivertest"}
	for room := range rooms {
		if one, _ := filepath.Match("drivers/*", room); one && !slices.Contains(noDrivers, room) {
			continue // the line drivers/*
		}
		if !strings.Contains(table, "\n| `"+room+"` |") {
			t.Errorf("docs/architecture.md has no line for %s", room)
		}
	}
}
