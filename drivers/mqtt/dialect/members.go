package dialect

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Members calls each with the members of a JSON object in the order in which they
// stand: the key, and the value's text as it was written. Both are parts of the text, or
// valid until the next call. A key may come twice; [encoding/json] takes the last. An
// error says what is wrong with the text; then each was not called. null has no members.
//
// Devices repeat all they know in each message: this is the map of [json.RawMessage]
// without the map.
func Members(text []byte, each func(key, value []byte)) error {
	object := bytes.TrimLeft(text, " \t\r\n")
	if len(object) == 0 || object[0] != '{' || !json.Valid(object) {
		var none map[string]json.RawMessage
		return json.Unmarshal(text, &none) // which says what is wrong
	}
	rest := blank(object[1:])
	for rest[0] != '}' {
		n := quoted(rest)
		key := unquoted(rest[:n])
		rest = blank(blank(rest[n:])[1:]) // the colon
		n = extent(rest)
		each(key, rest[:n])
		if rest = blank(rest[n:]); rest[0] == ',' {
			rest = blank(rest[1:])
		}
	}
	return nil
}

// What follows is for text that is known to be JSON.

func blank(b []byte) []byte {
	for b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n' {
		b = b[1:]
	}
	return b
}

// quoted is how long the string is with which b begins, with its quotes.
func quoted(b []byte) int {
	for i := 1; ; i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// unquoted reads a string.
func unquoted(b []byte) []byte {
	plain := b[1 : len(b)-1]
	if bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		return plain
	}
	var s string
	_ = json.Unmarshal(b, &s) // it is valid
	return []byte(s)
}

// extent is how long the value is with which b begins.
func extent(b []byte) int {
	switch b[0] {
	case '"':
		return quoted(b)
	case '{', '[':
		depth := 0
		for i := 0; ; i++ {
			switch b[i] {
			case '"':
				i += quoted(b[i:]) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	return bytes.IndexAny(b, ",}] \t\r\n")
}
