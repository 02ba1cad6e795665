package bridge

import (
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
)

// TestKnownOfBrokers goes by RabbitMQ's release notes and LavinMQ's documentation.
func TestKnownOfBrokers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		product, version, known string
		limits                  bool
	}{
		{"RabbitMQ", "3.8.9", "no streams", false},
		{"RabbitMQ", "3.10.8", "no way from it to 4.0 in place", false},
		{"RabbitMQ", "3.13.7", "feature flags", false},
		{"RabbitMQ", "4.0.5", "khepri_db off", true},
		{"RabbitMQ", "4.0.6", "khepri_db off", true},
		{"RabbitMQ", "4.0.7", "may vanish", true},
		{"RabbitMQ", "4.1.7", "may vanish", true},
		{"RabbitMQ", "4.1.8", "", true},
		{"RabbitMQ", "4.2.2", "may vanish", true},
		{"RabbitMQ", "4.2.3", "", true},
		{"RabbitMQ", "4.3.5", "", true},
		{"RabbitMQ", "4.2.0-beta.4", "may vanish", true},
		{"RabbitMQ", "10.0.0", "", true},
		{"LavinMQ", "2.9.0", "a virtual host of its own", false},
		{"Qpid", "9.2", "tried with RabbitMQ", false},
		{"", "", "it does not say what it is", false},
	} {
		l := link{Connection: &amqp.Connection{Properties: amqp.Table{"product": tc.product, "version": tc.version}}}
		s := l.server()
		if got := s.known("hogar.casa.now"); !strings.Contains(got, tc.known) || !strings.Contains(got, tc.version) || tc.known == "" && got != tc.product+" "+tc.version {
			t.Errorf("%s %s: %q", tc.product, tc.version, got)
		}
		if s.limits() != tc.limits {
			t.Errorf("%s %s limits: %t", tc.product, tc.version, s.limits())
		}
	}
}

// TestExamineNamesTheBroker, whichever runs here.
func TestExamineNamesTheBroker(t *testing.T) {
	t.Parallel()
	url := rabbit(t)
	version, _ := dialClient(t, url).conn.Properties["version"].(string)
	for _, f := range Examine(t.Context(), Options{URLs: []string{url}, Gateway: "casa", Declare: true}, false) {
		if f.What == "broker at "+broker.Addr() && f.OK && strings.HasPrefix(f.Detail, "RabbitMQ "+version) {
			return
		}
	}
	t.Error("the doctor does not name RabbitMQ ", version)
}
