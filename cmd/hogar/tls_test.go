package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/bridge/localbroker"
)

// secure is a RabbitMQ and a Mosquitto with TLS, and a certificate for the gateway.
type secure struct {
	authority *localbroker.Authority
	rabbit    *localbroker.RabbitMQ
	tls, mqtt *localbroker.TLS
	cert, key string
}

func newSecure(t *testing.T) secure {
	t.Helper()
	dir := t.TempDir()
	var s secure
	var err error
	if s.authority, err = localbroker.NewAuthority(dir); err != nil {
		t.Fatal(err)
	}
	cert, key, err := s.authority.Issue("broker", "hogar", "localhost") // and not for 127.0.0.1
	if err != nil {
		t.Fatal(err)
	}
	if s.cert, s.key, err = s.authority.Issue("casa", "first"); err != nil {
		t.Fatal(err)
	}
	s.tls = &localbroker.TLS{CA: s.authority.File, Cert: cert, Key: key}
	s.mqtt = new(*s.tls)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	s.rabbit, err = localbroker.StartRabbitMQ(ctx, localbroker.Options{Dir: filepath.Join(dir, "rabbitmq"), TLS: s.tls})
	need(t, err)
	t.Cleanup(s.rabbit.Kill)
	mosquitto, err := localbroker.StartMosquitto(ctx, localbroker.Options{Dir: filepath.Join(dir, "mosquitto"), TLS: s.mqtt})
	need(t, err)
	t.Cleanup(mosquitto.Kill)
	for _, args := range [][]string{{"add_user", "casa", "never used"}, {"clear_password", "casa"}, {"set_permissions", "casa", ".*", ".*", ".*"}} {
		if _, err := s.rabbit.Ctl(ctx, args...); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// clients lists the certificates with which clients are connected to RabbitMQ.
func (s secure) clients(t *testing.T) string {
	t.Helper()
	out, err := s.rabbit.Ctl(t.Context(), "list_connections", "user", "auth_mechanism", "peer_cert_subject", "ssl_protocol")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestMutualTLS: readings go from a Mosquitto to a RabbitMQ that both ask for a
// certificate; the address whose name the broker cannot prove is passed over; and
// a renewed certificate is used without a restart.
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	s := newSecure(t)
	g := newGate(t, fmt.Sprintf(`gateway: casa
journal: {path: journal, sync: 20ms}
amqp:
  urls: ["amqps://127.0.0.1:%d", "amqps://localhost:%d"]
  ca_file: %s
  cert_file: %s
  key_file: %s
mqtt: [{url: "mqtts://localhost:%d", ca_file: %[3]s, cert_file: %[4]s, key_file: %[5]s}]
devices:
  lab.count: {driver: mqtt, topic: lab/count, property: count}
`, s.tls.Port, s.tls.Port, s.authority.File, s.cert, s.key, s.mqtt.Port), "--with-mqtt")
	g.run()
	until(t, "RabbitMQ lets the certificate in", func() bool { return strings.Contains(s.clients(t), "O=first") })
	if list := s.clients(t); !strings.Contains(list, "casa\tEXTERNAL") || strings.Contains(list, "tlsv1.1") {
		t.Errorf("the clients are\n%s", list)
	}
	if !strings.Contains(g.log.String(), "the certificate is for another name") {
		t.Errorf("nothing is said of the broker that could not prove its name:\n%s", g.log)
	}
	s.tell(t, "7")
	until(t, "the reading of the MQTT device", func() bool { return g.value("lab.count").String() == "7" })

	if _, _, err := s.authority.Issue("casa", "renewed"); err != nil {
		t.Fatal(err)
	}
	if err := g.Client.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the renewed certificate is used", func() bool {
		list := s.clients(t)
		return strings.Contains(list, "O=renewed") && !strings.Contains(list, "O=first")
	})
}

// tell publishes a number at the Mosquitto, with a certificate.
func (s secure) tell(t *testing.T, value string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(s.cert, s.key)
	if err != nil {
		t.Fatal(err)
	}
	client := paho.NewClient(paho.NewClientOptions().AddBroker(fmt.Sprintf("ssl://localhost:%d", s.mqtt.Port)).
		SetTLSConfig(&tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}))
	defer client.Disconnect(100)
	for _, step := range []func() paho.Token{client.Connect, func() paho.Token { return client.Publish("lab/count", 1, true, value) }} {
		if token := step(); !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatal(token.Error())
		}
	}
}

// TestOldTLSIsRefused: a server that knows no TLS 1.2 is not talked to.
func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority, err := localbroker.NewAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := authority.Issue("broker", "hogar", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake() // it fails on the other side
			_ = conn.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	config := filepath.Join(dir, "hogar.yaml")
	text := fmt.Sprintf("gateway: casa\namqp: {urls: [\"amqps://127.0.0.1:%d\"], ca_file: ca.pem}\n", port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := called(t, "doctor", "--config", config)
	if code != exitFailed || !strings.Contains(out+errs, "protocol version") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}
