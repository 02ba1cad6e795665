package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
)

// House knows the devices and what they said last. Safe for concurrent use.
type House interface {
	// Devices returns those whose name, or a property's, fits a pattern as a RabbitMQ topic would.
	Devices(pattern string) []home.DeviceState
	// Measure returns when the house has new readings of the device, or why it has not.
	Measure(ctx context.Context, device string) error
	// May reports whether a source (amqp:<user>) has a right: get or measure. property may be "".
	May(source, verb, device, property string) bool
}

// The types of questions, and of their answer.
const (
	typeGet     = "hogar.get.v1"
	typeMeasure = "hogar.measure.v1"
	typeDevices = "hogar.devices.v1"
)

// measureTimeout is how long a device may take to measure.
const measureTimeout = 10 * time.Second

func asks(d *amqp.Delivery) bool {
	return d.Type == typeGet || d.Type == typeMeasure || d.Type == typeTrace
}

// refusal is why a question has no other answer.
type refusal struct {
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

func (r refusal) err() error {
	if r.Error == "" {
		return nil
	}
	return errors.New(strings.TrimSuffix(r.Error+"; "+r.Hint, "; "))
}

// devicesBody is the body of an answer.
type devicesBody struct {
	Time    time.Time          `json:"time"` // house time of the answer
	Devices []home.DeviceState `json:"devices"`
	Clock   string             `json:"clock,omitempty"` // untrusted: what time is said to be need not be right
	refusal
}

// asked returns what a question is about, or why it is none.
func (b *Bridge) asked(d *amqp.Delivery, from origin) (name string, bad *trouble) {
	name, own := strings.CutPrefix(d.RoutingKey, from.prefix)
	switch {
	case !own || d.Exchange != from.exchange:
		bad = troubled("", "key %q is not this gateway's", plain(d.RoutingKey, maxKey))
	case len(bytes.TrimSpace(d.Body)) > 0 || bodyLeftOut(d.Headers) > 0:
		bad = troubled("name it, or a pattern like kitchen.#, in the key", "a question has no body")
	case b.opts.House == nil:
		bad = troubled("", "this gateway answers no questions")
	}
	return name, bad
}

// inquire answers a question: what the key names, which may be a pattern, as the
// house knows it, or after it has measured. It waits, and leaves no record.
func (b *Bridge) inquire(ctx context.Context, d *amqp.Delivery, from origin) devicesBody {
	name, bad := b.asked(d, from)
	source := sourceOf(d)
	if bad == nil && d.Type == typeMeasure {
		bad = b.measure(ctx, source, name)
	}
	if bad != nil {
		answer := b.noDevices()
		answer.refusal = refusal{bad.problem, bad.hint}
		return answer
	}
	return b.find(source, name)
}

// noDevices is an answer with the time, and with what that is worth.
func (b *Bridge) noDevices() devicesBody {
	answer := devicesBody{Time: b.opts.Clock.Now().UTC(), Devices: []home.DeviceState{}}
	if !b.opts.Clock.Trusted() {
		answer.Clock = home.ClockUntrusted
	}
	return answer
}

// find answers with what fits the name and the sender may see.
func (b *Bridge) find(source, name string) devicesBody {
	may := func(device, property string) bool { return b.opts.House.May(source, "get", device, property) }
	answer := b.noDevices()
	found := b.opts.House.Devices(name)
	if seen := home.Visible(found, may); len(seen) > 0 {
		answer.Devices = seen
		return answer
	}
	if len(found) > 0 {
		answer.Error, answer.Hint = fmt.Sprintf("%s may not get %s", source, plain(name, maxName)), accessHint(source)
		return answer
	}
	answer.Error, answer.Hint = "no device or property is called "+plain(name, maxName), "`hogar devices` lists them"
	if near := home.Nearest(name, home.NamesOf(home.Visible(b.opts.House.Devices("#"), may))); near != "" {
		answer.Hint = "did you mean " + near + "?"
	}
	return answer
}

// measure has a device measured, if the sender may ask for it.
func (b *Bridge) measure(ctx context.Context, source, name string) *trouble {
	device, property := name, ""
	if b.opts.Names != nil {
		if of, its, known := b.opts.Names.Resolve(name); known {
			device, property = of, its
		}
	}
	if !b.opts.House.May(source, "measure", device, property) {
		return troubled(accessHint(source), "%s may not measure %s", source, plain(name, maxName))
	}
	ctx, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	if err := b.opts.House.Measure(ctx, device); err != nil {
		return troubled("", "measure %s: %v", plain(name, maxName), err)
	}
	return nil
}

// accessHint is what to do about a right that is missing.
func accessHint(source string) string {
	hint := "access: in the configuration says who may do what"
	if source == anonymous {
		return "send it with user_id, which RabbitMQ checks; " + hint
	}
	return hint
}

// ask answers a question and acknowledges it; what nobody waits for any more is left.
func (in *intake) ask(ctx context.Context, a *arrival) {
	d, from := a.delivery, a.from
	if d.ReplyTo != "" {
		kind, answer := typeDevices, any(nil)
		if d.Type == typeTrace {
			kind, answer = typeRules, in.b.trace(ctx, d, from)
		} else {
			answer = in.b.inquire(ctx, d, from)
		}
		if body, err := json.Marshal(answer); err != nil {
			in.b.drop("answer", err.Error())
		} else {
			in.b.respond(d, kind, body)
		}
	}
	in.finished <- finished{arrival: a}
}
