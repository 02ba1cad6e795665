package gateway

import (
	"errors"
	"net/http"

	"hogar/gateway/api"
	"hogar/gateway/journal"
	"hogar/gateway/secret"
	"hogar/gateway/web"
)

// page is the page and its door, or nil when there is to be none.
func (g *gateway) page(routes http.Handler) *web.Server {
	c := g.o.Plan.Config.Web
	if g.o.Web != "" {
		c.Listen = g.o.Web
	}
	if c.Listen == "" {
		return nil
	}
	return web.New(web.Options{
		Gateway: g.o.Plan.Config.Gateway, Listen: c.Listen, Host: c.Host, Path: c.Path, Proxies: c.Proxies,
		Users: c.Users, Tokens: c.Tokens, Cert: c.Cert, Key: c.Key, Secrets: secret.Read,
		API: func(w http.ResponseWriter, r *http.Request, source string) {
			routes.ServeHTTP(w, r.WithContext(api.WithSource(r.Context(), source)))
		},
		Metrics: g.serveMetrics, Refuse: api.Refuse, Ready: g.ready, Opened: g.o.WebOpened, Log: g.o.Log,
	})
}

// ready says why the house does not run as it should.
func (g *gateway) ready() error {
	if state, _ := g.journal.Health(); state != journal.OK {
		return errors.New("the journal takes nothing: " + string(state))
	}
	return nil
}
