package bridge

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// definitions is RabbitMQ's file of definitions, as far as it is needed.
type definitions struct {
	Users            []map[string]any `json:"users"`
	Vhosts           []map[string]any `json:"vhosts"`
	Permissions      []map[string]any `json:"permissions"`
	TopicPermissions []map[string]any `json:"topic_permissions"`
	Exchanges        []map[string]any `json:"exchanges"`
	Queues           []map[string]any `json:"queues"`
	Bindings         []map[string]any `json:"bindings"`
}

// rights are the regular expressions of one user.
type rights struct {
	configure, write, read string
	topics                 []topicRights
}

type topicRights struct{ exchange, write, read string }

// rights are what a gateway needs where an operator owns the topology (declare:
// false). The queue now is its own in every mode. RabbitMQ does not anchor them.
func (o *Options) rights() rights {
	quote := regexp.QuoteMeta
	own := `hogar\.` + quote(o.Gateway) + `\.`
	kinds := make([]string, len(publishedKinds))
	for i, k := range publishedKinds {
		kinds[i] = k.String()
	}
	written := []string{quote(o.Exchange)}
	for _, exchange := range o.Publishes {
		written = append(written, quote(exchange))
	}
	return rights{
		configure: "^" + own + "now$",
		write:     "^(" + strings.Join(written, "|") + `|amq\.default|` + own + "now)$",
		read:      `^(hogar\.now|` + own + "(commands|expired|dead|messages|now))$",
		topics: []topicRights{
			{o.Exchange, "^" + quote(o.Gateway) + `\.(` + strings.Join(kinds, "|") + `)(\..*)?$`, "^$"},
			{nowExchange, "^$", "^" + quote(o.Gateway) + `\..*`},
		},
	}
}

// Topology returns what an operator sets up for a gateway that declares nothing
// itself: a file of definitions for rabbitmqctl import_definitions, with the
// gateway's user (without a password), its rights, exchanges, queues and bindings;
// and the lines to type, of which those with rights are in the file, too, for
// RabbitMQ before 4.2, which cannot import topic permissions everywhere. The user
// and the virtual host are those of the first URL; guest is none: then the user is
// called as the gateway.
func Topology(o Options) (file []byte, lines []string, err error) {
	o = o.withDefaults()
	if err := home.CheckWord(o.Gateway); err != nil {
		return nil, nil, fmt.Errorf("the gateway's name: %w", err)
	}
	t, err := parseTarget(o.URLs[0])
	if err != nil {
		return nil, nil, err
	}
	user, vhost, r := t.user, t.vhost(), o.rights()
	if user == "" || user == "guest" {
		user = o.Gateway
	}
	d := definitions{
		Users:       []map[string]any{{"name": user, "password_hash": "", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ""}},
		Vhosts:      []map[string]any{{"name": vhost}},
		Permissions: []map[string]any{{"user": user, "vhost": vhost, "configure": r.configure, "write": r.write, "read": r.read}},
	}
	lines = []string{
		"rabbitmqctl import_definitions FILE",
		"rabbitmqctl change_password " + shell(user) + " PASSWORD",
		fmt.Sprintf("rabbitmqctl set_permissions -p %s %s %s %s %s", shell(vhost), shell(user), shell(r.configure), shell(r.write), shell(r.read)),
	}
	for _, p := range r.topics {
		d.TopicPermissions = append(d.TopicPermissions, map[string]any{"user": user, "vhost": vhost, "exchange": p.exchange, "write": p.write, "read": p.read})
		lines = append(lines, fmt.Sprintf("rabbitmqctl set_topic_permissions -p %s %s %s %s %s", shell(vhost), shell(user), shell(p.exchange), shell(p.write), shell(p.read)))
	}
	// Three connections, one more where rules listen, one for a moment, and the dead ones of a lost network.
	lines = append(lines, fmt.Sprintf(`rabbitmqctl set_user_limits %s '{"max-connections":12,"max-channels":48}'`, shell(user)))
	if o.QueueType == "quorum" { // an argument would mean something else to RabbitMQ 3, and this file may go to either
		lines = append(lines, o.keepLine(t)+" # RabbitMQ 4; 3 refuses it, and needs none")
	}
	d.add(vhost, o.publishTopology(), o.consumeTopology(), o.listenTopology())
	file, err = json.MarshalIndent(d, "", "  ")
	return file, lines, err
}

func (d *definitions) add(vhost string, all ...topology) {
	known := make(map[string]bool)
	for _, t := range all {
		for _, x := range t.exchanges {
			if known[x.name] || strings.HasPrefix(x.name, "amq.") {
				continue
			}
			known[x.name] = true
			d.Exchanges = append(d.Exchanges, map[string]any{"name": x.name, "vhost": vhost, "type": "topic", "durable": true,
				"auto_delete": false, "internal": false, "arguments": amqp.Table{}})
		}
		for _, q := range t.queues {
			d.Queues = append(d.Queues, map[string]any{"name": q.name, "vhost": vhost, "durable": true, "auto_delete": false,
				"arguments": q.args})
			for _, to := range q.bindings() {
				d.Bindings = append(d.Bindings, map[string]any{"source": to.Exchange, "vhost": vhost, "destination": q.name,
					"destination_type": "queue", "routing_key": to.Key, "arguments": amqp.Table{}})
			}
		}
	}
}

// shell quotes a word for a shell where it needs to be.
func shell(s string) string {
	plain := strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-")
	if plain == "" && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
