package config

import (
	"fmt"
	"strings"
	"testing"
)

// web.proxies takes addresses and networks, of IPv4 and IPv6; the whole world is no proxy.
func TestProxies(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1":                       "[127.0.0.1/32]",
		"[127.0.0.1, '::1', 10.1.2.3/24]": "[127.0.0.1/32 ::1/128 10.1.2.0/24]",
		"'::ffff:10.1.2.3'":               "[10.1.2.3/32]",
		"fd00::/8":                        "[fd00::/8]",
		"localhost":                       "proxies has 'localhost', expected the address of a reverse proxy",
		"0.0.0.0/0":                       "proxies has '0.0.0.0/0'",
		"10.0.0.1:80":                     "proxies has '10.0.0.1:80'",
		"[127.0.0.1, {a: b}]":             "proxies has a map",
		"'fe80::1%eth0'":                  "proxies has 'fe80::1%eth0'",
	} {
		cfg, problems := told(t, "gateway: casa\nweb: {proxies: "+text+"}\n")
		got := problems
		if problems == "" {
			got = fmt.Sprint(cfg.Web.Proxies)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// A page that asks for passwords behind a proxy that is not named counts all as one sender.
func TestProxyThatIsNotNamed(t *testing.T) {
	for text, warned := range map[string]bool{
		"{users_file: users, host: house.example}":                         true,
		"{tokens_file: tokens, path: /hogar}":                              true,
		"{users_file: users, host: house.example, proxies: 127.0.0.1}":     false,
		"{users_file: users}":                                              false,
		"{host: house.example}":                                            false, // the proxy asks
		"{listen: ':8480', users_file: users, host: house.example}":        false, // it stands in the network
		"{listen: '[::1]:8480', users_file: users, path: /hogar}":          true,
		"{listen: 'localhost:8480', users_file: users, host: a, path: ''}": true,
	} {
		_, problems := told(t, "gateway: casa\nweb: "+text+"\n")
		if got := strings.Contains(problems, "warning: web.listen: behind a reverse proxy"); got != warned {
			t.Errorf("%s: %s", text, problems)
		}
	}
}
