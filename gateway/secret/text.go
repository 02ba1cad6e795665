package secret

import (
	"regexp"
	"strings"
)

// clean is an address in a text in which there is no password, or one that is covered, with what
// ends it there.
var clean = regexp.MustCompile(`^(?:[\w.~-]*(?::\*\*\*)?@)?(?:\*\*\*|\[[0-9a-fA-F:.]+\]|[\w.-]*)(?::\d+)?(?:/[\w.~%*/-]*)?(?:$|[\s"'` + "`" + `),;|>}\]…\\]|[:.?](?:\s|$))`)

// In covers the passwords of addresses in a text like an error or a line of the log.
func In(text string) string { return addresses(text, false) }

// addresses covers the addresses of a text. A strict one trusts no address before an @, for
// that may be a password with a blank in it.
func addresses(text string, strict bool) string {
	if !strings.Contains(text, "://") {
		return text
	}
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		lines[i] = coverLine(line, strict)
	}
	return strings.Join(lines, "")
}

func coverLine(line string, strict bool) string {
	var b strings.Builder
	for {
		head, rest, found := strings.Cut(line, "://")
		b.WriteString(head)
		if !found {
			return b.String()
		}
		b.WriteString("://")
		own := rest // up to the next address
		if before, _, ok := strings.Cut(rest, "://"); ok {
			own = before
		}
		end := clean.FindStringIndex(rest)
		if end != nil && (!strict || !strings.Contains(own[min(end[1], len(own)):], "@")) {
			b.WriteString(rest[:end[1]])
			line = rest[end[1]:]
			continue
		}
		b.WriteString(Covered)
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			line = rest[at:]
		} else if blank := strings.IndexAny(rest, " \t\n\"'`),;|>}]"); blank >= 0 && !strict {
			line = rest[blank:]
		} else if strings.HasSuffix(rest, "\n") {
			line = "\n"
		} else {
			line = ""
		}
	}
}

// keyed is a key that sounds like a secret (but not the name of a file), with its value.
var keyed = regexp.MustCompile(`((?i:password|passwd|passphrase|secret|token)["']?[ \t]*:[ \t]+)[^\s,}][^,}\n]*`)

// bare is a password before a host without a scheme: user:password@host as a value.
var bare = regexp.MustCompile(`((?:^|[:,\[{-])[ \t]+["']?|^["']?|[\[{]["']?|')([^\s:'"\[\]{},]*:)\S.*@`)

// Line covers what is or may be a secret in a line of a configuration, or in what is said
// of it.
func Line(line string) string {
	line = keyed.ReplaceAllString(line, "${1}"+Covered)
	line = addresses(line, true)
	if at := strings.LastIndex(line, "@"); at < 0 || strings.Contains(line, "://") {
		return line
	}
	return bare.ReplaceAllString(line, "${1}"+Covered+"@")
}
