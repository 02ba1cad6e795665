package bridge

import (
	"fmt"
	"regexp"
	"strings"

	"hogar/gateway/home"
)

// Users returns, as lines to type at the broker, the users of a house with the least
// rights that do: the gateway, NAME-panel who reads and commands it, and
// NAME-reader who only reads. The gateway's user and the virtual host are those of
// the first URL; guest is none: then the user is called as the gateway.
func Users(o Options) ([]string, error) {
	o = o.withDefaults()
	if err := home.CheckWord(o.Gateway); err != nil {
		return nil, fmt.Errorf("the gateway's name: %w", err)
	}
	t, err := parseTarget(o.URLs[0])
	if err != nil {
		return nil, err
	}
	user, r := t.user, o.rights()
	if user == "" || user == "guest" {
		user = o.Gateway
	}
	if o.Declare {
		r = o.declaringRights()
	}
	lines := append([]string{"# the gateway " + o.Gateway}, userLines(t.vhost(), user, r)...)
	// Three connections, one for a moment, and the dead ones of a lost network.
	lines = append(lines, fmt.Sprintf(`rabbitmqctl set_user_limits %s '{"max-connections":12,"max-channels":48}'`, shell(user)))
	for _, who := range []struct {
		name, what string
		commands   bool
	}{{user + "-panel", "reads all of the house into queues of its own, and commands it", true}, {user + "-reader", "only reads", false}} {
		lines = append(lines, "", "# "+who.what)
		lines = append(lines, userLines(t.vhost(), who.name, o.guestRights(who.name, who.commands))...)
	}
	return lines, nil
}

func userLines(vhost, user string, r rights) []string {
	lines := []string{
		"rabbitmqctl add_user " + shell(user),
		fmt.Sprintf("rabbitmqctl set_permissions -p %s %s %s %s %s", shell(vhost), shell(user), shell(r.configure), shell(r.write), shell(r.read)),
	}
	for _, p := range r.topics {
		lines = append(lines, fmt.Sprintf("rabbitmqctl set_topic_permissions -p %s %s %s %s %s", shell(vhost), shell(user), shell(p.exchange), shell(p.write), shell(p.read)))
	}
	return lines
}

// declaringRights are what a gateway needs that makes its own exchanges and queues.
func (o *Options) declaringRights() rights {
	r := o.rights()
	exchange, own := regexp.QuoteMeta(o.Exchange), `hogar\.`+regexp.QuoteMeta(o.Gateway)+`\..*`
	both := exchange + `|hogar\.now|hogar\.history|` + own
	r.configure = "^(" + both + ")$"
	r.write = strings.TrimSuffix(r.write, ")$") + `|hogar\.history|` + own + ")$"
	r.read = "^(" + exchange + `|hogar\.now|` + own + ")$"
	// A binding is a right to read its key.
	r.topics[0].read = "^" + regexp.QuoteMeta(o.Gateway) + `\..*`
	return r
}

// guestRights are those of another program, whose queues begin with its name.
func (o *Options) guestRights(user string, commands bool) rights {
	exchange, gateway, own := regexp.QuoteMeta(o.Exchange), regexp.QuoteMeta(o.Gateway), regexp.QuoteMeta(user)+`\..*`
	r := rights{configure: "^" + own, write: "^" + own, read: "^(" + exchange + "|" + own + ")$",
		topics: []topicRights{{o.Exchange, "^$", "^" + gateway + `\.`}, {nowExchange, "^$", "^$"}}}
	if commands {
		r.write = "^(" + exchange + `|hogar\.now|` + own + ")$"
		r.topics[0].write, r.topics[1].write = "^"+gateway+`\.command\.`, "^"+gateway+`\.`
	}
	return r
}
