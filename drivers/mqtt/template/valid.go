package template

// valid reports whether b is one JSON value without escapes, faster than
// encoding/json's Valid. UTF-8 is not looked at.
func valid(b []byte) bool {
	i := value(b, blank(b, 0), 0)
	return i >= 0 && blank(b, i) == len(b)
}

func blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// value returns where the value that begins at i ends, or -1.
func value(b []byte, i, depth int) int {
	if i >= len(b) || depth > mostJSON {
		return -1
	}
	switch c := b[i]; {
	case c == '"':
		return quotedEnd(b, i)
	case c == '{':
		return members(b, i, depth, '}')
	case c == '[':
		return members(b, i, depth, ']')
	case c == '-' || c >= '0' && c <= '9':
		return numberEnd(b, i)
	}
	for _, word := range []string{"true", "false", "null"} {
		if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
			return i + len(word)
		}
	}
	return -1
}

// members returns where the object or list that begins at i ends, or -1.
func members(b []byte, i, depth int, end byte) int {
	if i = blank(b, i+1); i < len(b) && b[i] == end {
		return i + 1
	}
	for {
		if end == '}' {
			if i >= len(b) || b[i] != '"' {
				return -1
			}
			if i = quotedEnd(b, i); i < 0 {
				return -1
			}
			if i = blank(b, i); i >= len(b) || b[i] != ':' {
				return -1
			}
			i = blank(b, i+1)
		}
		if i = value(b, i, depth+1); i < 0 {
			return -1
		}
		if i = blank(b, i); i >= len(b) {
			return -1
		}
		switch b[i] {
		case end:
			return i + 1
		case ',':
			i = blank(b, i+1)
		default:
			return -1
		}
	}
}

func quotedEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c < 0x20:
			return -1
		case c == '\\':
			return -1 // rare: who has to read escapes has to read all
		}
	}
	return -1
}

func numberEnd(b []byte, i int) int {
	digits := func() bool {
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if b[i] == '-' {
		i++
	}
	zero := i < len(b) && b[i] == '0'
	if from := i; !digits() || zero && i > from+1 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		if i++; !digits() {
			return -1
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return -1
		}
	}
	return i
}
