// Package secret shows addresses and texts without the secrets in them. It is the one
// place for that: nothing else in the program takes an address apart or prints an error
// of who did, because those repeat what they could not read.
package secret

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Covered is shown in the place of a secret.
const Covered = "***"

// Why an address cannot be read. None of them repeats a part of it: where an address cannot
// be read, nobody knows which part of it is the password.
var (
	errBlank    = errors.New("it has a blank or a control character")
	errScheme   = errors.New("it does not begin with a scheme like amqp:// or mqtt://")
	errAt       = errors.New("it has an @ behind the host; in a password @ is written %40, / is %2F, ? is %3F, # is %23, % is %25")
	errEscape   = errors.New("it has a % without two hexadecimal digits; in a password % is written %25")
	errPort     = errors.New("its port is not a number; in a password : is written %3A, / is %2F, ? is %3F, # is %23")
	errAnything = errors.New("it is not written like scheme://user:password@host:port; in a password, all but letters, digits and -._~ is written %XX")
)

// schemes are those that may be shown of an address that cannot be read.
var schemes = []string{"amqp://", "amqps://", "mqtt://", "mqtts://", "http://", "https://", "tcp://", "ssl://", "tls://", "ws://", "wss://"}

var badEscape = regexp.MustCompile(`%($|[^0-9a-fA-F]|[0-9a-fA-F]($|[^0-9a-fA-F]))`)

// Parse reads the address of a broker. It refuses what could be read in two ways, since a
// part of a password would pass for a host, a port or a path then. Its error never
// repeats a part of the address.
func Parse(raw string) (*url.URL, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	behind := strings.IndexAny(rest, "/?#")
	switch {
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\u00a0' }):
		return nil, errBlank
	case !ok || scheme == "":
		return nil, errScheme
	case behind >= 0 && strings.Contains(rest[behind:], "@"):
		return nil, errAt
	case badEscape.MatchString(raw):
		return nil, errEscape
	}
	u, err := url.Parse(raw)
	if err != nil {
		if host := rest[strings.LastIndex(rest, "@")+1:]; strings.Contains(host, ":") {
			return nil, errPort
		}
		return nil, errAnything
	}
	return u, nil
}

// Scheme returns the scheme of an address to be shown, with its slashes: covered when it is
// an unknown one, which may be a part of something else.
func Scheme(u *url.URL) string {
	if scheme := u.Scheme + "://"; slices.Contains(schemes, scheme) {
		return scheme
	}
	return Covered + "://"
}

// What may be shown of an address that can be read.
var (
	plainUser = regexp.MustCompile(`^[\w.~-]+$`)
	plainHost = regexp.MustCompile(`^(\[[0-9a-fA-F:.]+\]|[\w.-]*)(:\d+)?$`)
	plainPath = regexp.MustCompile(`^[\w.~%/-]*$`)
)

// Show shows an address without its password and its query; a text that is no address, or
// can be read in two ways, is covered whole.
func Show(raw string) string {
	u, err := Parse(raw)
	if err != nil {
		for _, known := range schemes {
			if strings.HasPrefix(raw, known) {
				return known + Covered
			}
		}
		return Covered
	}
	shown := Scheme(u)
	if u.User != nil {
		shown += part(plainUser, u.User.Username())
		if _, has := u.User.Password(); has {
			shown += ":" + Covered
		}
		shown += "@"
	}
	return shown + part(plainHost, u.Host) + part(plainPath, u.EscapedPath())
}

func part(plain *regexp.Regexp, text string) string {
	if text == "" || plain.MatchString(text) {
		return text
	}
	return Covered
}
