package config

import (
	"net/url"
	"strings"

	"hogar/gateway/home"
)

// amqpTLS checks the keys that are for amqps:// only.
func (l *loader) amqpTLS(d *home.Decoder, a AMQP) {
	encrypted := false
	for _, raw := range a.URLs {
		encrypted = encrypted || strings.HasPrefix(raw, "amqps:")
	}
	for _, key := range []string{"ca_file", "cert_file", "key_file"} {
		if d.Get(key) != nil && !encrypted {
			d.Fault(key, "write amqps:// in urls", "%s is for amqps://", key)
		}
	}
	if (a.CertFile == "") != (a.KeyFile == "") {
		d.Fault("cert_file", "both or neither", "cert_file and key_file belong together")
	}
	if a.KeyFile != "" {
		l.secret(d, "key_file", a.KeyFile)
	}
}

// encrypt puts the files for TLS into an address with amqps, where the address does not name its own. They are
// read at each connection, so that renewed ones are used without a restart. A
// certificate is the login where the address brings no password.
func (a AMQP) encrypt(u *url.URL) {
	if u.Scheme != "amqps" {
		return
	}
	query := u.Query()
	set := func(key, value string) {
		if value != "" && !query.Has(key) {
			query.Set(key, value)
		}
	}
	set("cacertfile", a.CAFile)
	set("certfile", a.CertFile)
	set("keyfile", a.KeyFile)
	if _, password := u.User.Password(); a.CertFile != "" && !password {
		set("auth_mechanism", "external")
	}
	u.RawQuery = query.Encode()
}
