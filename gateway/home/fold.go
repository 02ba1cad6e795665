package home

import "strings"

// Fold makes a device's name of a name from outside (an MQTT friendly name, a
// topic): lower case, '/' becomes '.', accents are dropped, every other run of
// characters becomes one '_', a word that begins with a digit gets an n before
// it, words are cut at [MaxWord] characters, levels beyond the third are joined
// by '_', and a first word that is reserved gets an n before it, too. Of a name
// of which nothing is left it makes device_ and the last six characters of
// address. The result always passes [CheckDevice].
func Fold(name, address string) string {
	var words []string
	for level := range strings.SplitSeq(name, "/") {
		for part := range strings.SplitSeq(level, ".") {
			if w := foldWord(part); w != "" {
				words = append(words, w)
			}
		}
	}
	if len(words) == 0 {
		tail := foldTail(address)
		if tail == "" {
			return "device"
		}
		return "device_" + tail
	}
	if len(words) > MaxWords {
		words = append(words[:MaxWords-1:MaxWords-1], strings.Join(words[MaxWords-1:], "_"))
	}
	if Reserved(words[0]) {
		words[0] = "n" + words[0]
	}
	for i, w := range words {
		if len(w) > MaxWord {
			words[i] = strings.TrimRight(w[:MaxWord], "_")
		}
	}
	return strings.Join(words, ".")
}

func foldTail(address string) string {
	tail := foldLetters(address)
	tail = strings.ReplaceAll(tail, "_", "")
	return tail[max(0, len(tail)-6):]
}

func foldWord(s string) string {
	w := foldLetters(s)
	if w != "" && w[0] >= '0' && w[0] <= '9' {
		w = "n" + w
	}
	return w
}

// foldLetters keeps a-z and 0-9 of the lower-case, accentless s; every other run
// becomes one '_', none at the ends.
func foldLetters(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(s) {
		if isCombining(r) {
			continue
		}
		plain := plainLetters(r)
		if plain == "" {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('_')
		}
		gap = false
		b.WriteString(plain)
	}
	return b.String()
}

// isCombining reports whether r is a combining accent (Unicode block U+0300).
func isCombining(r rune) bool { return r >= 0x300 && r <= 0x36f }

// accents maps the accented lower-case letters of the languages written in
// Latin letters to what remains without the accent.
var accents = map[string]string{
	"a": "àáâãäåāăąǎ", "c": "çćĉċč", "d": "ďđð", "e": "èéêëēĕėęě", "g": "ĝğġģ", "h": "ĥħ",
	"i": "ìíîïĩīĭįı", "j": "ĵ", "k": "ķ", "l": "ĺļľŀł", "n": "ñńņňŉ", "o": "òóôõöøōŏőǒ",
	"r": "ŕŗř", "s": "śŝşšș", "t": "ţťŧț", "u": "ùúûüũūŭůűųǔ", "w": "ŵ", "y": "ýÿŷ", "z": "źżž",
	"ss": "ß", "ae": "æ", "oe": "œ", "th": "þ",
}

var plainOf = func() map[rune]string {
	m := make(map[rune]string)
	for plain, list := range accents {
		for _, r := range list {
			m[r] = plain
		}
	}
	return m
}()

func plainLetters(r rune) string {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return string(r)
	}
	return plainOf[r]
}
