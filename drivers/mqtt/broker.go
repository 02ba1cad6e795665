package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"hogar/gateway/home"
	"hogar/gateway/secret"
)

// Broker is where an MQTT broker is and how to log in.
type Broker struct {
	address      string // host:port
	host         string
	tls          bool
	user         string
	password     string // from the URL
	passwordFile string
	caFile       string
	certFile     string // who we are; with keyFile
	keyFile      string
	clientID     string
	wide         bool // the limits of discovered devices are for commands alone
}

// Host returns where the broker is, without the port.
func (b Broker) Host() string { return b.host }

// Credential returns the name of the systemd credential that holds the password,
// or "" when it is a file or there is none.
func (b Broker) Credential() string {
	if strings.ContainsRune(b.passwordFile, filepath.Separator) {
		return ""
	}
	return b.passwordFile
}

// String shows the broker without its secrets.
func (b Broker) String() string {
	if b.tls {
		return "mqtts://" + b.address
	}
	return "mqtt://" + b.address
}

// Loopback reports whether the broker is on this machine.
func (b Broker) Loopback() bool {
	ip := net.ParseIP(b.host)
	return b.host == "localhost" || ip != nil && ip.IsLoopback()
}

// DecodeBroker reads an entry of mqtt: url (required; mqtt:// or mqtts://), user,
// password_file (a path; a bare name is a systemd credential), ca_file (whom to
// trust instead of the system's authorities), cert_file and key_file (who we are,
// for a broker that asks for a certificate), client_id (default
// hogar-<gateway>), limits (whether the limits that discovered devices announce hold for
// readings, too, or for commands alone). The caller reads its own keys from the same decoder and then
// refuses the rest.
func DecodeBroker(d *home.Decoder) Broker {
	d.Require("url")
	b := Broker{
		user:         d.Text("user", ""),
		passwordFile: d.Text("password_file", ""),
		caFile:       d.File("ca_file", ""),
		certFile:     d.File("cert_file", ""),
		keyFile:      d.File("key_file", ""),
		clientID:     d.Text("client_id", ""),
		wide:         decodeLimits(d),
	}
	if strings.ContainsRune(b.passwordFile, filepath.Separator) { // else it names a credential
		b.passwordFile = d.File("password_file", "")
	}
	if text := d.Text("url", ""); text != "" {
		b.decodeURL(d, text)
	}
	if b.password != "" && b.passwordFile != "" {
		d.Fault("password_file", "take it out of the url", "there is a password in url and in password_file")
	}
	if b.user == "" && b.passwordFile != "" {
		d.Fault("password_file", "add user", "password_file without user")
	}
	b.checkSecrets(d)
	for _, key := range []string{"ca_file", "cert_file", "key_file"} {
		if d.Get(key) != nil && !b.tls {
			d.Fault(key, "mqtts://", "%s is for mqtts://", key)
		}
	}
	if (b.certFile == "") != (b.keyFile == "") {
		d.Fault("cert_file", "both or neither", "cert_file and key_file belong together")
	}
	return b
}

// checkSecrets warns of files that cannot be used as they are now. They are read at each
// connection, and may come later.
func (b Broker) checkSecrets(d *home.Decoder) {
	for _, one := range []struct{ key, file string }{{"password_file", b.passwordFile}, {"key_file", b.keyFile}} {
		if !strings.ContainsRune(one.file, filepath.Separator) {
			continue
		}
		if t := secret.Check(one.file); t != nil {
			d.Faults.Add(home.Fault{Path: d.Get(one.key).Path, Warning: true, Message: t.What, Hint: t.Cure})
		}
	}
}

// decodeLimits reads for what the limits of a property are: readings and commands, or commands
// alone.
func decodeLimits(d *home.Decoder) (wide bool) {
	return d.Word("limits", "readings", "readings", "commands") == "commands"
}

// decodeURL never repeats the URL in a fault: there may be a password in it.
func (b *Broker) decodeURL(d *home.Decoder, text string) {
	const example = "mqtt://localhost:1883"
	u, err := secret.Parse(text)
	switch {
	case !strings.Contains(text, "://"), err == nil && u.Hostname() == "":
		d.Fault("url", example, "url is no address of a broker")
		return
	case err != nil:
		d.Fault("url", example, "url is no address of a broker: %v", err)
		return
	}
	port := "1883"
	switch u.Scheme {
	case "mqtt":
	case "mqtts":
		b.tls, port = true, "8883"
	default:
		d.Fault("url", example, "url begins with '%s', expected mqtt:// or mqtts://", secret.Scheme(u))
		return
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		d.Fault("url", example, "url has more than host and port")
	}
	b.host = u.Hostname()
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > math.MaxUint16 {
			d.Fault("url", example, "url has the port %s, expected 1 to 65535", p)
		}
		port = p
	}
	b.address = net.JoinHostPort(b.host, port)
	if name := u.User.Username(); name != "" {
		if b.user != "" && b.user != name {
			d.Fault("user", "", "user is '%s', and url has another", b.user)
		}
		b.user = name
	}
	b.password, _ = u.User.Password()
	if b.password != "" && !b.Loopback() {
		d.Faults.Add(home.Fault{Path: d.Get("url").Path, Warning: true,
			Message: "there is a password in url", Hint: "password_file keeps it out of the configuration"})
	}
}

// readPassword returns the password, read anew for each connection, so that it
// can be changed while the gateway runs.
func (b Broker) readPassword() (string, error) {
	if b.passwordFile == "" {
		return b.password, nil
	}
	text, err := secret.Read(b.passwordPath())
	if err != nil {
		return "", fmt.Errorf("password_file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (b Broker) passwordPath() string {
	if b.passwordFile == "" || strings.ContainsRune(b.passwordFile, filepath.Separator) {
		return b.passwordFile
	}
	return filepath.Join(os.Getenv("CREDENTIALS_DIRECTORY"), b.passwordFile)
}

// Files are those that are read anew for each connection; "" in the place of one that is not named.
func (b Broker) Files() []string { return []string{b.passwordPath(), b.caFile, b.certFile, b.keyFile} }

// dial opens a connection that is closed when ctx ends.
func (b Broker) dial(ctx context.Context) (*conn, error) {
	within, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	raw, err := b.open(within)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = raw.Close() }) // nothing is lost: unacknowledged messages come again
	return newConn(raw), nil
}

func (b Broker) open(ctx context.Context) (net.Conn, error) {
	dialer := &net.Dialer{}
	if !b.tls {
		return dialer.DialContext(ctx, "tcp", b.address)
	}
	config, err := b.tlsConfig()
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", b.address)
}

// tlsConfig reads the files anew for each connection, so that renewed ones are
// used without a restart.
func (b Broker) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{ServerName: b.host, MinVersion: tls.VersionTLS12}
	if b.caFile != "" {
		pem, err := os.ReadFile(b.caFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: %w", errors.New(b.caFile+" has no certificate in PEM"))
		}
	}
	if b.certFile != "" {
		if _, err := secret.Read(b.keyFile); err != nil {
			return nil, fmt.Errorf("key_file: %w", err)
		}
		pair, err := tls.LoadX509KeyPair(b.certFile, b.keyFile)
		if err != nil {
			return nil, fmt.Errorf("cert_file and key_file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
