package template

import (
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"unicode/utf8"
)

func filterLog(a *args) (any, error) {
	f, err := floatOf(a.on)
	if err != nil {
		return a.orDefault(1, err)
	}
	base := math.E
	if v, ok := a.get(0, "base"); ok {
		if base, err = floatOf(v); err != nil {
			return a.orDefault(1, err)
		}
	}
	if f <= 0 || base <= 0 || base == 1 {
		return a.orDefault(1, errors.New("no logarithm"))
	}
	switch base {
	case 10:
		return math.Log10(f), nil
	case 2:
		return math.Log2(f), nil
	}
	return math.Log(f) / math.Log(base), nil
}

func filterBitwise(op string) function {
	return func(a *args) (any, error) {
		other, ok := a.get(0, "second_value")
		if !ok {
			return nil, errors.New("an argument is missing")
		}
		i, _, whole, isNumber := number(a.on)
		j, _, also, numbers := number(other)
		if !isNumber || !numbers || !whole || !also {
			return nil, errors.New("expected two whole numbers")
		}
		switch op {
		case "&":
			return i & j, nil
		case "|":
			return i | j, nil
		}
		return i ^ j, nil
	}
}

func filterEncode(a *args) (any, error) {
	s := text(a.on)
	if len(s) > longestResult {
		return nil, errTooLong
	}
	return base64.StdEncoding.EncodeToString([]byte(s)), nil
}

func filterDecode(a *args) (any, error) {
	s := text(a.on)
	if len(s) > longestResult {
		return nil, errTooLong
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || !utf8.Valid(b) {
		return nil, errors.New("no text in base64")
	}
	return string(b), nil
}

// plainLetters are the letters of Europe without their marks.
var plainLetters = strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "ß", "ss", "à", "a", "á", "a", "â", "a", "ã", "a", "å", "a", "æ", "ae", "ç", "c",
	"è", "e", "é", "e", "ê", "e", "ë", "e", "ì", "i", "í", "i", "î", "i", "ï", "i", "ñ", "n", "ò", "o", "ó", "o", "ô", "o", "õ", "o", "ø", "o",
	"ù", "u", "ú", "u", "û", "u", "ý", "y", "ÿ", "y", "č", "c", "ć", "c", "š", "s", "ś", "s", "ž", "z", "ź", "z", "ż", "z", "ł", "l", "ą", "a",
	"ę", "e", "ń", "n", "ř", "r", "ě", "e", "ů", "u", "ő", "o", "ű", "u", "œ", "oe", "'", "", "’", "")

// filterSlugify makes a word of a text: small letters, digits, and a separator for all else.
func filterSlugify(a *args) (any, error) {
	s, between := text(a.on), a.text(0, "separator", "_")
	if int64(len(s))*int64(len(between)+1) > longestResult {
		return nil, errTooLong
	}
	words := strings.FieldsFunc(plainLetters.Replace(strings.ToLower(s)), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, between), nil
}
