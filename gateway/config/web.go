package config

import (
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"hogar/gateway/home"
)

// Web is the page and the API on the network.
type Web struct {
	Listen  string         // host:port; empty: neither of them
	Host    string         // the name by which it is reached, beside this machine's own; empty: none
	Path    string         // the sub-path at which a reverse proxy has it, like /hogar; empty: the root
	Proxies []netip.Prefix // what reverse proxies at these say of who asks is believed
	Users   string         // file of names and bcrypt hashes, as htpasswd -B writes it; empty: none
	Tokens  string         // file of names and tokens; empty: none
	Cert    string         // file of the certificate, with those between it and the authority; empty: no TLS
	Key     string         // file of its key
}

// UsualWeb is where the page is when web: does not say it.
const UsualWeb = "127.0.0.1:8480"

// web reads web:, which is absent where there is to be no page.
func (l *loader) web(d *home.Decoder) Web {
	if d == nil {
		return Web{}
	}
	w := Web{
		Listen:  d.Text("listen", UsualWeb),
		Host:    strings.ToLower(d.Text("host", "")),
		Path:    d.Text("path", ""),
		Proxies: proxies(d),
		Users:   d.File("users_file", ""),
		Tokens:  d.File("tokens_file", ""),
		Cert:    d.File("cert_file", ""),
		Key:     d.File("key_file", ""),
	}
	d.Done()
	w.Path = strings.TrimSuffix(w.Path, "/")
	if w.Path != "" && (!strings.HasPrefix(w.Path, "/") || path.Clean(w.Path) != w.Path || strings.ContainsAny(w.Path, "?#%;\" ")) {
		d.Fault("path", "write it like /hogar", "path is '%s'", w.Path)
	}
	if strings.ContainsAny(w.Host, ":/ ") {
		d.Fault("host", "without scheme and port, like house.example.org", "host is '%s', expected a name", w.Host)
	}
	for _, one := range []struct{ key, file string }{{"users_file", w.Users}, {"tokens_file", w.Tokens}, {"key_file", w.Key}} {
		if one.file != "" {
			l.secret(d, one.key, one.file)
		}
	}
	if (w.Cert == "") != (w.Key == "") {
		d.Fault("cert_file", "both or neither", "cert_file and key_file belong together")
	}
	l.webAddress(d, w)
	return w
}

// proxies reads the addresses of reverse proxies: 127.0.0.1, or 10.0.0.0/24.
func proxies(d *home.Decoder) (all []netip.Prefix) {
	for _, s := range d.Texts("proxies") {
		p, err := netip.ParsePrefix(s)
		if addr, wrong := netip.ParseAddr(s); wrong == nil && addr.Zone() == "" {
			p, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
		}
		if err != nil || p.Bits() == 0 {
			d.Fault("proxies", "write it like 127.0.0.1 or 10.0.0.0/24", "proxies has '%s', expected the address of a reverse proxy, or of its network", s)
			continue
		}
		all = append(all, p.Masked())
	}
	return all
}

// webAddress checks where it listens, and that nobody gets in there without a password.
func (l *loader) webAddress(d *home.Decoder, w Web) {
	host, port, err := net.SplitHostPort(w.Listen)
	n, wrong := strconv.Atoi(port)
	if err != nil || wrong != nil || n < 0 || n > 65535 {
		d.Fault("listen", "write it like 127.0.0.1:8480, or :8480 for all addresses", "listen is '%s', expected an address and a port", w.Listen)
		return
	}
	if LoopbackHost(host) {
		if (w.Host != "" || w.Path != "") && len(w.Proxies) == 0 && (w.Users != "" || w.Tokens != "") {
			l.faults.Add(home.Fault{Path: below(d.Node.Path, "listen"), Warning: true,
				Message: "behind a reverse proxy all count as one sender, and one who guesses passwords locks out all",
				Hint:    "name the proxy's address: proxies: 127.0.0.1"})
		}
		return
	}
	if w.Users == "" && w.Tokens == "" {
		d.Fault("listen", "name a users_file or a tokens_file, or listen on 127.0.0.1", "listen is '%s', where others can reach it, and nobody is asked for a password", w.Listen)
	} else if w.Cert == "" {
		l.faults.Add(home.Fault{Path: below(d.Node.Path, "listen"), Warning: true,
			Message: "passwords go over the network in the clear",
			Hint:    "name a cert_file and a key_file, or listen on 127.0.0.1 behind a reverse proxy with TLS"})
	}
}

// LoopbackHost reports whether a host without port is this machine, seen from itself.
func LoopbackHost(host string) bool {
	if ip := net.ParseIP(strings.Trim(host, "[]")); ip != nil {
		return ip.IsLoopback()
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
