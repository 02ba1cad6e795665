package config

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"hogar/gateway/secret"
)

// cover replaces the secrets in a line of the files, or in what is said of them: what looks
// like one, and what was found to be one.
func (s *Source) cover(text string) string {
	s.covers.Do(func() { s.plain = s.secrets() })
	for _, one := range s.plain {
		text = strings.ReplaceAll(text, one, secret.Covered)
	}
	return secret.Line(text)
}

// secretKey is a key whose value is a secret, and not the name of a file.
var secretKey = regexp.MustCompile(`(?i)(password|passwd|passphrase|secret|token)["']?$`)

// leastSecret is how long a piece of a secret is that is covered wherever it stands.
const leastSecret = 4

// secrets lists the secrets in the values of the files, as they may be repeated, the longest
// first: by the names of their keys, and the passwords of addresses.
func (s *Source) secrets() []string {
	var list []string
	add := func(text string) {
		quoted := strings.Trim(strconv.Quote(text), `"`)
		for _, form := range append(strings.FieldsFunc(text, splits), text, quoted, url.PathEscape(text), url.QueryEscape(text)) {
			if len(form) >= leastSecret && !slices.Contains(list, form) {
				list = append(list, form)
			}
		}
	}
	for path, at := range s.places {
		key := path[strings.LastIndex(path, "\x00")+1:]
		switch {
		case !at.scalar:
		case secretKey.MatchString(key):
			add(at.text)
		default:
			for _, one := range hidden(at.text) {
				add(one)
			}
		}
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	return list
}

// splits reports where a secret may be cut: by YAML, or where it is taken for the name of a file.
func splits(r rune) bool { return unicode.IsSpace(r) || r == '/' }

// hidden returns what may not be shown of a text that is, or was meant to be, an address.
func hidden(text string) []string {
	_, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		rest = text
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		user, password, ok := strings.Cut(rest[:at], ":")
		if !ok || password == user || !isURL && strings.ContainsAny(user, " \t\n{") { // guest:guest; a sentence, a template
			return nil
		}
		return []string{password}
	}
	shown := secret.Show(text)
	if !isURL || shown == text {
		return nil
	}
	_, query, _ := strings.Cut(rest, "?")
	if strings.HasSuffix(shown, secret.Covered) {
		return []string{rest, query}
	}
	return []string{query}
}
