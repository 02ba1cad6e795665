package config

// unclosed returns the bracket or quote that is open after the lines, and what it
// is; 0 when none is. It reads the lines as YAML does, roughly: quotes count
// where a value may begin, # after a blank begins a comment.
func unclosed(lines []string) (spot, rune) {
	type mark struct {
		at   spot
		char rune
	}
	var open []mark
	var quote mark
	for n, line := range lines {
		before := ' '
		value := true // a value may begin here
		runes := []rune(line)
		for i := 0; i < len(runes); i++ {
			r, here := runes[i], spot{n + 1, i + 1}
			switch {
			case quote.char != 0:
				if r == '\\' && quote.char == '"' {
					i++
				} else if r == quote.char {
					quote = mark{}
				}
			case r == '#' && (before == ' ' || before == '\t'):
				i = len(runes)
			case (r == '"' || r == '\'') && (value || len(open) > 0 && before == ' '):
				quote = mark{here, r}
			case (r == '{' || r == '[') && (value || len(open) > 0):
				open = append(open, mark{here, r})
			case (r == '}' || r == ']') && len(open) > 0:
				open = open[:len(open)-1]
			}
			if r != ' ' && r != '\t' {
				value = r == ':' || r == '-' || r == '{' || r == '[' || r == ','
			}
			before = r
		}
	}
	switch {
	case quote.char != 0:
		return quote.at, quote.char
	case len(open) > 0:
		return open[0].at, open[0].char
	}
	return spot{}, 0
}
