package template

import (
	"fmt"
	"regexp"
	"strings"
)

// longestPattern bounds a regular expression.
const longestPattern = 256

// pattern compiles the regular expression of a filter, which is Go's and so needs time that grows
// with the text only: what Python has beyond it, as looking around, is an error.
func (a *args) pattern(ignoreCase int, before string) (*regexp.Regexp, string, error) {
	s, find := text(a.on), a.text(0, "find", "")
	if len(find) > longestPattern || len(s) > longestResult {
		return nil, "", errTooLong
	}
	if fold, _ := a.get(ignoreCase, "ignorecase"); truth(fold) {
		before = "(?i)" + before
	}
	if before != "" {
		find = before + "(?:" + find + ")"
	}
	re, err := regexp.Compile(find)
	if err != nil {
		return nil, "", fmt.Errorf("the expression %s is not supported", shorten(a.text(0, "find", "")))
	}
	return re, s, nil
}

func filterRegexSearch(a *args) (any, error) {
	re, s, err := a.pattern(1, "")
	return err == nil && re.MatchString(s), err
}

func filterRegexMatch(a *args) (any, error) {
	re, s, err := a.pattern(1, "^")
	return err == nil && re.MatchString(s), err
}

// backward are Python's \1 and \g<name> in what replaces a match.
var backward = regexp.MustCompile(`\\(\d+|g<\w+>)`)

func filterRegexReplace(a *args) (any, error) {
	re, s, err := a.pattern(2, "")
	if err != nil {
		return nil, err
	}
	by := backward.ReplaceAllStringFunc(strings.ReplaceAll(a.text(1, "replace", ""), "$", "$$"), func(s string) string {
		return "${" + strings.Trim(s, `\g<>`) + "}"
	})
	matches, groups := int64(len(re.FindAllStringIndex(s, -1))), int64(strings.Count(by, "${"))
	if int64(len(s))+matches*int64(len(by))+groups*int64(len(s)) > longestResult { // each group is at most its match
		return nil, errTooLong
	}
	return re.ReplaceAllString(s, by), nil
}

func filterRegexAll(a *args) (any, error) {
	re, s, err := a.pattern(1, "")
	if err != nil {
		return nil, err
	}
	return found(re, s), nil
}

// found is Python's findall: the matches, or their groups where there are any.
func found(re *regexp.Regexp, s string) []any {
	out := []any{}
	for _, m := range re.FindAllStringSubmatch(s, 1000) {
		switch len(m) {
		case 1, 2:
			out = append(out, m[len(m)-1])
		default:
			var groups []any
			for _, group := range m[1:] {
				groups = append(groups, group)
			}
			out = append(out, groups)
		}
	}
	return out
}

func filterRegexIndex(a *args) (any, error) {
	re, s, err := a.pattern(2, "")
	if err != nil {
		return nil, err
	}
	i, err := a.int(1, "index", 0)
	if err != nil {
		return nil, err
	}
	all := found(re, s)
	at, ok := place(i, len(all))
	if !ok {
		return nil, fmt.Errorf("no match %d in %s", i, shorten(s))
	}
	return all[at], nil
}
