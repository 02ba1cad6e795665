package config

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hogar/gateway/home"
)

// rules returns all rules in one map: written inline, or in the files named.
func (l *loader) rules(n *home.Node) *home.Node {
	all := &home.Node{Path: []string{"rules"}, Kind: home.NodeMap}
	switch {
	case n == nil:
		return all
	case n.Kind == home.NodeMap:
		return n
	case n.Kind == home.NodeNull: // a slip, told already
		return all
	}
	patterns := n.Items
	if n.Kind == home.NodeScalar {
		patterns = []*home.Node{n}
	}
	seen := make(map[string]bool)
	for _, p := range patterns {
		if p.Kind != home.NodeScalar {
			l.faults.At(p, "like rules/*.yaml", "this is %s, expected the name of a file", p.Describe())
			continue
		}
		for _, name := range l.ruleFiles(p) {
			if !seen[name] {
				seen[name] = true
				l.ruleFile(p, name, all)
			}
		}
	}
	return all
}

// ruleFiles returns the files that a pattern names, in the order of their names,
// without the tests of rules.
func (l *loader) ruleFiles(pattern *home.Node) []string {
	names, err := filepath.Glob(pattern.File(pattern.Text))
	if err != nil || pattern.Text == "" {
		l.faults.At(pattern, "like rules/*.yaml", "'%s' is no pattern of files", pattern.Text)
		return nil
	}
	names = slices.DeleteFunc(names, func(s string) bool { return strings.HasSuffix(s, "_test.yaml") })
	if len(names) == 0 {
		l.faults.Add(home.Fault{Path: pattern.Path, Message: "no file of rules is called " + pattern.File(pattern.Text),
			Hint: "names are relative to the configuration", Warning: strings.ContainsAny(pattern.Text, "*?[")})
	}
	slices.Sort(names)
	return names
}

// ruleFile adds the rules of one file to all.
func (l *loader) ruleFile(from *home.Node, name string, all *home.Node) {
	d := l.include(from, name)
	if d == nil {
		return
	}
	if rules := d.Map("rules"); rules != nil {
		all.Pairs = append(all.Pairs, rules.Node.Pairs...)
	}
	d.Done()
}

// include reads another file of the configuration; nil when that cannot be.
func (l *loader) include(from *home.Node, name string) *home.Decoder {
	f, err := os.Open(name)
	if err != nil {
		l.faults.At(from, "", "%s cannot be read: %s", name, reason(err))
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		l.faults.At(from, "", "%s cannot be read: %s", name, reason(err))
		return nil
	}
	root := l.src.add([]string{name}, name, data, l.faults)
	if root == nil {
		return nil
	}
	return home.NewDecoder(root, l.faults)
}

// catalog opens the file of discovered devices.
func (l *loader) catalog(d *home.Decoder) *home.Decoder {
	name := d.File("catalog", "")
	if name == "" {
		return nil
	}
	return l.include(d.Get("catalog"), name)
}
