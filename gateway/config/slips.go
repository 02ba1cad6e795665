package config

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// saying is what is told of a slip, and where.
type saying struct {
	at            spot
	message, hint string
}

// swallowed tells what YAML does with a value that begins with one of its own
// marks. rest is the line from the mark on.
func swallowed(mark, rest string) (message, hint string) {
	rest = strings.TrimSpace(rest)
	if i := strings.IndexAny(rest, ",}]"); i > 0 {
		rest = strings.TrimSpace(rest[:i])
	}
	switch mark {
	case "!":
		word := strings.TrimLeft(rest, "!")
		if strings.HasPrefix(rest, "!secret") || strings.HasPrefix(rest, "!include") {
			return "there is no " + strings.Fields(rest)[0] + " here", "write the value itself; passwords come from password_file"
		}
		if strings.HasPrefix(rest, "!!") || word == "" {
			return "'!' begins a YAML tag", "tags are not used here: write the value alone"
		}
		return "'!' begins a YAML tag", "write: not " + word
	case "&":
		return "'&' begins a YAML anchor", "write: and; or put a text in single quotes"
	case "*":
		return "'*' begins a YAML alias", "begin with a name or a number, or put it in single quotes"
	}
	after := strings.TrimSpace(strings.TrimLeft(rest, "|>-+0123456789"))
	if digits := strings.Trim(rest, "|>-+ "); after == "" && digits == "" {
		return "nothing follows '" + mark + "'", "write the text below it, indented"
	}
	return "'" + mark + "' at the beginning is YAML's mark for a block of text",
		"begin with a name or a number: 5 < a.b instead of > 5"
}

var (
	headForm    = regexp.MustCompile(`^[ \t]*(?:- +)*(?:"[^"]*"|'[^']*'|[^\s#"'{}\[\],&*!|>%@:][^:#{}\[\],]*?)\s*:(?:[ \t]|$)`)
	dashForm    = regexp.MustCompile(`^[ ]*(?:- +|-$)+`)
	noBlankForm = regexp.MustCompile(`^[ \t]*(?:- +)*([A-Za-z_][\w.]*):(\S.*)$`)
	ternaryForm = regexp.MustCompile(`^(.*?) \? (.*?) : (.*)$`)
	quotedForm  = regexp.MustCompile(`^("[^"]*"|'[^']*')\s*(==|!=|<=?|>=?)\s*(\S.*)$`)
	textForm    = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// entryHead returns the part of a line up to its key's colon or its last dash, or
// "" when the line has neither.
func entryHead(line string) string {
	if head := headForm.FindString(line); head != "" {
		return strings.TrimRight(head, " \t")
	}
	return strings.TrimRight(dashForm.FindString(line), " ")
}

// column returns the column of the byte at i of a line.
func column(line string, i int) int { return utf8.RuneCountInString(line[:i]) + 1 }

// diagnose says in words of this house what the YAML library could not read. It
// looks at the line itself, because the library names what it stumbled over and
// not what was meant.
func diagnose(lines []string, at spot, found string) saying {
	if at.line < 1 || at.line > len(lines) {
		at.line, at.column = len(lines), 1
	}
	line := lines[at.line-1]
	if strings.HasPrefix(strings.TrimLeft(line, " "), "\t") {
		return saying{spot{at.line, indentOf(line) + 1}, "a tab cannot indent", "use spaces"}
	}
	head := entryHead(line)
	if opened, char := unclosed(lines[:at.line-1]); char != 0 {
		next := head != "" && indentOf(line) <= indentOf(lines[opened.line-1])
		if next || char == '"' || char == '\'' {
			return notClosed(opened, char)
		}
		return saying{opened, "a value inside { } or [ ] cannot go on in the next line",
			"write the entry in lines of its own, or the value in one line"}
	}
	opened, char := unclosed(lines[:at.line])
	if char == '"' || char == '\'' {
		return notClosed(opened, char)
	}
	start := len(head) + len(line[len(head):]) - len(strings.TrimLeft(line[len(head):], " \t"))
	if value := strings.TrimRight(line[start:], " \t"); value != "" && head != "" {
		if message, hint, i := diagnoseValue(value); message != "" {
			return saying{spot{at.line, column(line, start+i)}, message, hint}
		}
	}
	if char != 0 {
		return notClosed(opened, char)
	}
	return diagnoseLine(lines, at, head, found)
}

func notClosed(at spot, char rune) saying {
	return saying{at, "'" + string(char) + "' is not closed", "close it before the entry ends"}
}

// diagnoseLine finds what is wrong with a line whose value is right.
func diagnoseLine(lines []string, at spot, head, found string) saying {
	line := lines[at.line-1]
	first := spot{at.line, indentOf(line) + 1}
	if m := noBlankForm.FindStringSubmatchIndex(line); m != nil {
		return saying{spot{at.line, column(line, m[3])}, "there is no blank after the colon",
			"write " + line[m[2]:m[3]] + ": " + strings.TrimSpace(line[m[4]:m[5]])}
	}
	hasValue := strings.TrimSpace(strings.TrimPrefix(line, head)) != ""
	switch {
	case head == "" && strings.TrimSpace(line) != "":
		return saying{first, "this line has no key", "write key: value, indented like its neighbours"}
	case hasValue && at.line < len(lines) && indentOf(lines[at.line]) > indentOf(line):
		return saying{spot{at.line + 1, indentOf(lines[at.line]) + 1}, "this line is indented below a value",
			"indent it like the line above, or take that value away"}
	case strings.HasPrefix(found, "value is not allowed"), strings.Contains(found, "map key"):
		return saying{first, "this line is not indented like its neighbours",
			"entries of one map begin in the same column"}
	}
	return saying{at, "YAML cannot read this: " + found, "put the value in single quotes"}
}

// diagnoseValue finds the slip in the value of one line, and the byte where it is.
func diagnoseValue(value string) (message, hint string, at int) {
	flow := value[0] == '{' || value[0] == '['
	bare := textForm.ReplaceAllStringFunc(value, func(s string) string { return strings.Repeat("_", len(s)) })
	quote := "put it in single quotes"
	switch i := strings.Index(bare, ": "); {
	case strings.Contains(value, "template: {{"):
		return "YAML cannot read a template without quotes", `put it in double quotes: "{{ value_json.moisture }}"`, strings.Index(value, "{{")
	case strings.Contains(value, "{{"):
		return "there are no templates", "write a name as it is: hall.lamp.state", strings.Index(value, "{{")
	case strings.Contains(value, "${"):
		return "there are no templates", "write a name as it is: hall.lamp.state", strings.Index(value, "${")
	case strings.ContainsRune("@`%", rune(value[0])):
		return "'" + value[:1] + "' cannot begin a value", quote, 0
	case strings.HasPrefix(value, "- "):
		return "'-' begins an item of a list", "turn it round: a.b > 5 instead of 5 < a.b; or put the list in lines of its own", 0
	case strings.ContainsRune("!&*|>", rune(value[0])):
		message, hint = swallowed(value[:1], value)
		return message, hint, 0
	case quotedForm.MatchString(value):
		m := quotedForm.FindStringSubmatch(value)
		return "a value that begins with a quote ends with it", "turn it round: " + m[3] + " " + flip(m[2]) + " " + m[1], 0
	case !flow && (value[0] == '"' || value[0] == '\'') && bare != strings.Repeat("_", len(bare)):
		return "a value that begins with a quote ends with it", quote, 0
	case !flow && ternaryForm.MatchString(bare):
		m := ternaryForm.FindStringSubmatch(value)
		if m == nil {
			return "there is no ? :", "write: if a then b else c", strings.Index(bare, " ? ")
		}
		return "there is no ? :", "write: if " + m[1] + " then " + m[2] + " else " + m[3], strings.Index(bare, " ? ") + 1
	case !flow && i >= 0:
		return "': ' inside a value begins another", quote + ": " + single(value), i
	case !flow && strings.Contains(value, ": "):
		return "': ' inside a value begins another", quote + ": " + single(value), strings.Index(value, ": ")
	case flow:
		return diagnoseFlow(value)
	}
	return "", "", 0
}

// diagnoseFlow finds the slip inside { } or [ ].
func diagnoseFlow(value string) (message, hint string, at int) {
	depth, begin, key := 0, 0, 0
	for i := 0; i < len(value); i++ {
		switch c := value[i]; c {
		case '{', '[':
			part := strings.TrimSpace(value[begin:i])
			if i > 0 && part != "" && i > key {
				return "a comma, quotes or [ ] inside a value in { } need single quotes around the whole",
					"like " + single(expression(value[begin:])), begin + blanks(value[begin:])
			}
			depth++
			begin, key = i+1, i
		case '}', ']':
			if depth--; depth < 0 {
				return "'" + string(c) + "' closes nothing", "take it out", i
			}
			begin, key = i+1, i
		case ',':
			begin, key = i+1, i
		case ':':
			if i+1 < len(value) && value[i+1] == ' ' {
				begin, key = i+1, i
			}
		case '>', '|', '*', '&', '!', '@', '%', '`':
			if depth > 0 && strings.TrimSpace(value[begin:i]) == "" {
				if strings.IndexByte("@%`", c) >= 0 {
					return "'" + string(c) + "' cannot begin a value", "put it in single quotes", i
				}
				message, hint = swallowed(string(c), value[i:])
				return message, hint, i
			}
		case '"', '\'':
			if part := strings.TrimSpace(value[begin:i]); part != "" {
				return "a comma, quotes or [ ] inside a value in { } need single quotes around the whole",
					"like " + single(expression(value[begin:])), begin + blanks(value[begin:])
			}
			end := strings.IndexByte(value[i+1:], c)
			if end < 0 {
				return "'" + string(c) + "' is not closed", "close it before the entry ends", i
			}
			i += end + 1
		}
	}
	return "", "", 0
}

// expression returns what was meant as one value at the beginning of s: up to the
// comma or bracket that is outside of its own brackets and quotes.
func expression(s string) string {
	depth := 0
	var quote byte
	for i := range len(s) {
		c := s[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(' || c == '[':
			depth++
		case depth > 0 && (c == ')' || c == ']'):
			depth--
		case depth == 0 && (c == ',' || c == '}' || c == ']'):
			return strings.TrimSpace(s[:i])
		}
	}
	return strings.TrimSpace(s)
}

func blanks(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }

// single puts a text in single quotes.
func single(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// flip turns a comparison round.
func flip(op string) string {
	return strings.NewReplacer("<", ">", ">", "<").Replace(op)
}
