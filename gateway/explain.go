package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
	"unicode/utf8"

	"hogar/drivers/mqtt"
	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// MQTTMessage is one message as a line of a file has it.
type MQTTMessage struct {
	Topic   string
	Payload []byte
	Retain  bool
}

// messageLine is its JSON form. The payload is a JSON text, which stands for its
// characters, or all other JSON, which stands for itself; what is no text is in base64.
type messageLine struct {
	Topic   string          `json:"topic"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Base64  []byte          `json:"payload_base64,omitempty"`
	Retain  bool            `json:"retain"`
}

// UnmarshalJSON reads a line.
func (m *MQTTMessage) UnmarshalJSON(b []byte) error {
	var line messageLine
	if err := json.Unmarshal(b, &line); err != nil {
		return err
	}
	*m = MQTTMessage{line.Topic, line.Payload, line.Retain}
	switch {
	case line.Base64 != nil:
		m.Payload = line.Base64
	case len(line.Payload) > 0 && line.Payload[0] == '"':
		var text string
		err := json.Unmarshal(line.Payload, &text)
		m.Payload = []byte(text)
		return err
	}
	return nil
}

// MarshalJSON writes a line that reads back as the same message.
func (m MQTTMessage) MarshalJSON() ([]byte, error) {
	line := messageLine{Topic: m.Topic, Retain: m.Retain}
	if utf8.Valid(m.Payload) {
		text, err := json.Marshal(string(m.Payload))
		if err != nil {
			return nil, err
		}
		line.Payload = text
	} else {
		line.Base64 = m.Payload
	}
	return json.Marshal(line)
}

// Explanation is what a gateway would make of MQTT messages.
type Explanation = mqtt.Explanation

// Explain says what a gateway with this plan would make of MQTT messages. A nil plan
// takes what every source that hogar knows tells below its usual topic.
func Explain(plan *Plan, messages []MQTTMessage) Explanation {
	if plan == nil {
		plan, _ = usualSources("mqtt://localhost") // which is an address
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
		var err error
		if plan, err = usualSources(url); err != nil {
			return err
		}
	}
	if len(plan.brokers) == 0 {
		return errors.New("the configuration names no broker below mqtt")
	}
	return mqtt.Listen(ctx, plan.brokers[0].Broker, func(m dialect.Message) {
		see(MQTTMessage{m.Topic, m.Payload, m.Retained})
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
