package template

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

func textFilter(f func(string) string) function {
	return func(a *args) (any, error) { return f(text(a.on)), nil }
}

func title(s string) string {
	inside := false
	return strings.Map(func(r rune) rune {
		first := !inside
		inside = unicode.IsLetter(r)
		if first {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToTitle(r)) + strings.ToLower(s[n:])
}

func filterTruncate(a *args) (any, error) {
	most, err := a.int(0, "length", 255)
	if err != nil {
		return nil, err
	}
	leeway, err := a.int(3, "leeway", 5)
	if err != nil {
		return nil, err
	}
	letters, end := []rune(text(a.on)), a.text(2, "end", "...")
	if int64(len(letters)) <= most+leeway {
		return string(letters), nil
	}
	keep := most - int64(utf8.RuneCountInString(end))
	if keep < 0 {
		return nil, errors.New("length is less than that of end")
	}
	cut := string(letters[:min(keep, int64(len(letters)))])
	if words, _ := a.get(1, "killwords"); !truth(words) {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return cut + end, nil
}

func filterReplace(a *args) (any, error) {
	return replaced(text(a.on), a.text(0, "old", ""), a.text(1, "new", ""))
}

func methodReplace(a *args) (any, error) {
	s, err := a.self()
	if err != nil {
		return nil, err
	}
	return replaced(s, a.text(0, "old", ""), a.text(1, "new", ""))
}

func replaced(s, old, new string) (any, error) {
	if len(s)+strings.Count(s, old)*max(0, len(new)-len(old)) > longestResult+longestInput || len(new) > len(old) &&
		int64(len(s))+int64(strings.Count(s, old))*int64(len(new)-len(old)) > longestResult {
		return nil, errTooLong
	}
	return strings.ReplaceAll(s, old, new), nil
}
