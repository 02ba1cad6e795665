package template

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// purePath tells whether the template is only {{ value }} (an empty path) or
// {{ value_json.a['b'] }}.
func purePath(body []node) (path []string, pure bool) {
	if len(body) != 1 {
		return nil, false
	}
	out, ok := body[0].(output)
	if !ok {
		return nil, false
	}
	n := out.n
	for {
		switch one := n.(type) {
		case item:
			key, isConstant := one.key.(constant)
			word, isText := key.v.(string)
			if !isConstant || !isText {
				return nil, false
			}
			path = append([]string{word}, path...)
			n = one.of
		case variable:
			return path, one.name == "value" && path == nil || one.name == "value_json" && path != nil
		default:
			return nil, false
		}
	}
}

// lookup finds the place in the message without reading the rest of it. ok is
// false when it is not sure of the result; then the template is evaluated.
func lookup(message []byte, path []string) (result string, ok bool) {
	if len(path) == 0 {
		return strings.TrimSpace(string(message)), true
	}
	if !utf8.Valid(message) || !valid(message) {
		return "", false
	}
	for _, word := range path {
		if message, ok = member(bytes.TrimLeft(message, " \t\r\n"), word); !ok {
			return "", false
		}
	}
	return plainText(message)
}

// member finds a member of an object in valid JSON; the last of a name counts.
func member(object []byte, word string) (value []byte, found bool) {
	if len(object) == 0 || object[0] != '{' {
		return nil, false
	}
	i := 1
	for {
		i += blanks(object[i:])
		if object[i] == '}' {
			return value, found
		}
		if object[i] == ',' {
			i++
			i += blanks(object[i:])
		}
		n := skip(object[i:])
		key := object[i+1 : i+n-1]
		if bytes.IndexByte(key, '\\') >= 0 {
			return nil, false
		}
		i += n
		i += blanks(object[i:]) + 1 // the colon
		i += blanks(object[i:])
		n = skip(object[i:])
		if string(key) == word {
			value, found = object[i:i+n], true
		}
		i += n
	}
}

func blanks(b []byte) int {
	n := 0
	for b[n] == ' ' || b[n] == '\t' || b[n] == '\n' || b[n] == '\r' {
		n++
	}
	return n
}

// skip is the length of the value at the beginning of b.
func skip(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // a number before the end of what holds it
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// plainText is what Python prints for a text without escapes, a plain number, a
// boolean or null.
func plainText(b []byte) (string, bool) {
	switch b[0] {
	case '"':
		if bytes.IndexByte(b, '\\') >= 0 {
			return "", false
		}
		return strings.TrimSpace(string(b[1 : len(b)-1])), true
	case 't':
		return "True", true
	case 'f':
		return "False", true
	case 'n':
		return "None", true
	case '{', '[':
		return "", false
	}
	found := bytes.Contains(b, []byte{'.'})
	canonical := len(b) <= 15 && b[0] != '-' && !bytes.ContainsAny(b, "eE") &&
		(!found || b[len(b)-1] != '0' && !bytes.HasPrefix(b, []byte("0.0000")))
	return string(b), canonical
}
