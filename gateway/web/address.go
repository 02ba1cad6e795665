package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// network is whom an address stands for: an IPv4 address for itself, an IPv6 address for
// its /64, of which one machine may have all.
func network(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if addr.Is4() || !addr.IsValid() {
		return addr.String()
	}
	p, _ := addr.Prefix(64) // fits each IPv6 address
	return p.String()
}

// addressOf reads an address with or without a port, as proxies write them.
func addressOf(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr(), true
	}
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return addr, err == nil
}

// proxy reports whether the configuration names an address as that of a proxy.
func (s *Server) proxy(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(s.o.Proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// sender is the network that a request comes from. Only what proxies that are named say of
// it is believed: the last address in X-Forwarded-For that is none of theirs.
func (s *Server) sender(r *http.Request) string {
	from, ok := addressOf(r.RemoteAddr)
	if !ok {
		return r.RemoteAddr // of no network
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !s.proxy(from) {
			break
		}
		before, ok := addressOf(hop)
		if !ok {
			break
		}
		from = before
	}
	return network(from)
}

// secure reports whether the browser came with TLS, here or at a proxy: one that is named,
// or one on this machine, since that makes a cookie stricter at most.
func (s *Server) secure(r *http.Request) bool {
	from, _ := addressOf(r.RemoteAddr)
	believed := from.Unmap().IsLoopback() || s.proxy(from)
	return r.TLS != nil || believed && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
