package bridge

import (
	"bytes"
	"context"
	"encoding/json"
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
}

// Measurer is a House that can have a device measured at once.
type Measurer interface {
	// Measure returns when the house has new readings of the device, or why it has not.
	Measure(ctx context.Context, device string) error
}

// The types of questions, and of their answer.
const (
	typeGet     = "hogar.get.v1"
	typeMeasure = "hogar.measure.v1"
	typeDevices = "hogar.devices.v1"
)

// measureTimeout is how long a device may take to measure.
const measureTimeout = 10 * time.Second

func asks(d *amqp.Delivery) bool { return d.Type == typeGet || d.Type == typeMeasure }

// devicesBody is the body of an answer.
type devicesBody struct {
	Devices []home.DeviceState `json:"devices"`
	Error   string             `json:"error,omitempty"`
	Hint    string             `json:"hint,omitempty"`
}

// inquire answers a question: what the key names, which may be a pattern, as the
// house knows it, or after it has measured. It waits, and leaves no record.
func (b *Bridge) inquire(ctx context.Context, d *amqp.Delivery, from origin) devicesBody {
	refuse := func(hint, format string, args ...any) devicesBody {
		return devicesBody{Devices: []home.DeviceState{}, Error: fmt.Sprintf(format, args...), Hint: hint}
	}
	name, own := strings.CutPrefix(d.RoutingKey, from.prefix)
	switch {
	case !own || d.Exchange != from.exchange:
		return refuse("", "key %q is not this gateway's", plain(d.RoutingKey, maxKey))
	case len(bytes.TrimSpace(d.Body)) > 0:
		return refuse("name the device, or a pattern like kitchen.#, in the key", "a question has no body")
	case b.opts.House == nil:
		return refuse("", "this gateway answers no questions")
	}
	if d.Type == typeMeasure {
		m, able := b.opts.House.(Measurer)
		if !able {
			return refuse("ask with type "+typeGet, "this gateway does not measure on demand")
		}
		ctx, cancel := context.WithTimeout(ctx, measureTimeout)
		defer cancel()
		if err := m.Measure(ctx, name); err != nil {
			return refuse("", "measure %s: %v", plain(name, maxName), err)
		}
	}
	found := b.opts.House.Devices(name)
	if len(found) == 0 {
		return refuse("`hogar devices` lists them", "no device or property is called %s", plain(name, maxName))
	}
	return devicesBody{Devices: found}
}

// ask answers a question and acknowledges it; what nobody waits for any more is left.
func (in *intake) ask(ctx context.Context, d *amqp.Delivery, from origin) {
	if d.ReplyTo != "" {
		body, err := json.Marshal(in.b.inquire(ctx, d, from))
		if err != nil {
			in.b.drop("answer", err.Error())
		} else {
			in.b.respond(d, typeDevices, body)
		}
	}
	in.finished <- finished{delivery: d}
}
