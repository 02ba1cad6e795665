package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"hogar/drivers/mqtt"
	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// MQTTMessage is one message as a line of a file has it.
type MQTTMessage struct {
	Topic   string `json:"topic"`
	Payload Text   `json:"payload"`
	Retain  bool   `json:"retain"`
}

// Text is a payload: JSON text stands for its characters, all other JSON for itself.
type Text []byte

// UnmarshalJSON reads either.
func (x *Text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		err := json.Unmarshal(b, &s)
		*x = Text(s)
		return err
	}
	*x = append(Text(nil), b...)
	return nil
}

// Explanation is what a gateway would make of MQTT messages.
type Explanation = mqtt.Explanation

// Explain says what a gateway with this plan would make of MQTT messages. A nil plan
// takes what every source that hogar knows tells below its usual topic.
func Explain(plan *Plan, messages []MQTTMessage) Explanation {
	if plan == nil {
		plan = usualSources("mqtt://localhost")
	}
	list := make([]dialect.Message, len(messages))
	for i, m := range messages {
		list[i] = dialect.Message{Topic: m.Topic, Payload: m.Payload, Retained: m.Retain, Late: m.Retain}
	}
	o := mqtt.Options{Gateway: plan.Config.Gateway, Topics: make(map[string]mqtt.Topic)}
	names := dialect.NamesOptions{Taken: make(map[string][]home.Property), Given: make(map[string]string)}
	for _, d := range plan.devices {
		names.Taken[d.Name] = d.properties()
	}
	for i, b := range plan.brokers {
		if i == 0 {
			o.Broker = b.Broker
		}
		o.Sources = append(o.Sources, b.sources...)
		maps.Copy(names.Given, b.names)
		maps.Copy(o.Topics, b.topics)
	}
	o.Names = dialect.NewNames(names)
	return mqtt.Explain(o, list)
}

// Listen calls see with each message of a broker until ctx ends: of the one at url,
// or else of the plan's first.
func Listen(ctx context.Context, plan *Plan, url string, see func(MQTTMessage)) error {
	if plan == nil || url != "" {
		plan = usualSources(url)
	}
	if len(plan.brokers) == 0 {
		return errors.New("the configuration names no broker below mqtt")
	}
	return mqtt.Listen(ctx, plan.brokers[0].Broker, func(m dialect.Message) {
		see(MQTTMessage{m.Topic, append(Text(nil), m.Payload...), m.Retained})
	})
}

// EvaluateTemplate evaluates a template as those of Home Assistant's discovery, with
// the variables of a JSON object.
func EvaluateTemplate(text string, variables []byte, now time.Time) (string, error) {
	t, err := template.Compile(text)
	if err != nil {
		return "", err
	}
	c := template.NewContext(now)
	if len(variables) > 0 {
		if err := c.SetAll(variables); err != nil {
			return "", fmt.Errorf("context: %w", err)
		}
	}
	return t.Render(c)
}
