package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
)

// page is a manual page made of chapters of docs/: the same text that is read there.
type page struct {
	name, section, what string
	chapters            []string
}

func pages() []page {
	return []page{
		{"hogar", "1", "smart-home gateway for AMQP", []string{"reference.md"}},
		{"hogar.yaml", "5", "the configuration of a house", []string{"configuration.md", "drivers.md", "rules.md", "keys.md"}},
	}
}

var (
	link  = regexp.MustCompile(`!?\[([^\]]*)\]\(([^)]*)\)`) // leads nowhere in a manual page
	table = regexp.MustCompile(`(?m)(?:^\|.*\|[ \t]*\n)+`)
	cells = regexp.MustCompile(`(?:[^|\\]|\\.)+`)
)

// manual renders a page for man.
func (r *release) manual(p page) ([]byte, error) {
	text := fmt.Sprintf("%% %q %q %q %q %q\n\n# NAME\n\n%s - %s\n\n", strings.ToUpper(p.name), p.section,
		r.time.Format("January 2006"), "hogar "+r.version, "hogar", p.name, p.what)
	for _, chapter := range p.chapters {
		data, err := os.ReadFile(filepath.Join(r.root, "docs", chapter))
		if err != nil {
			return nil, err
		}
		text += table.ReplaceAllStringFunc(link.ReplaceAllString(string(data), "$1"), list) + "\n"
	}
	text += "# SEE ALSO\n\nhogar(1), hogar.yaml(5), rabbitmqctl(8), /usr/share/doc/hogar/examples\n"
	return md2man.Render([]byte(text)), nil
}

// list turns a table, which a terminal of 80 columns has no room for, into a list
// of definitions: the first cell, and under it the others with their headings.
func list(table string) string {
	var head []string
	var out strings.Builder
	for line := range strings.Lines(table) {
		row := cells.FindAllString(strings.Trim(strings.TrimSpace(line), "|"), -1)
		for i := range row {
			row[i] = strings.ReplaceAll(strings.TrimSpace(row[i]), `\|`, "|")
		}
		switch {
		case len(row) == 0 || strings.Trim(strings.Join(row, ""), "-: ") == "" && head != nil && out.Len() == 0:
			continue
		case head == nil:
			head = row
			continue
		}
		var rest []string
		for i := 1; i < len(row); i++ {
			switch {
			case row[i] == "":
			case i < len(row)-1 && i < len(head) && head[i] != "":
				rest = append(rest, head[i]+": "+row[i]+".")
			default:
				rest = append(rest, row[i])
			}
		}
		if len(rest) == 0 {
			rest = []string{"(as it says)"}
		}
		fmt.Fprintf(&out, "**%s**\n: %s\n\n", strings.Trim(strings.ReplaceAll(row[0], "`", ""), "*"), strings.Join(slices.Clip(rest), " "))
	}
	return "\n" + out.String()
}
