package mqtt

import (
	"strings"
	"time"

	"hogar/drivers/mqtt/template"
	"hogar/gateway/home"
)

// presence is how a device on plain topics says whether it can be reached: usually its
// last will.
type presence struct {
	topic    string // empty: it does not say so
	yes, no  string
	template *template.Template // makes yes or no of the message; nil: it is one of them
}

// decodePresence reads the keys that Home Assistant has for it.
func decodePresence(d *home.Decoder) presence {
	p := presence{
		topic:    decodeTopicName(d, "availability_topic"),
		yes:      d.Text("payload_available", "online"),
		no:       d.Text("payload_not_available", "offline"),
		template: decodeTemplate(d, "availability_template"),
	}
	for _, key := range []string{"payload_available", "payload_not_available", "availability_template"} {
		if d.Get(key) != nil && d.Get("availability_topic") == nil {
			d.Fault(key, "give it an availability_topic", "%s is for a device that says whether it can be reached", key)
		}
	}
	if p.yes == p.no {
		d.Fault("payload_available", "", "payload_available and payload_not_available are both '%s'", p.yes)
	}
	return p
}

// read says whether the device can be reached; fault is why it is not known.
func (p presence) read(message []byte, now time.Time) (online bool, fault string) {
	text := strings.TrimSpace(string(message))
	if p.template != nil {
		var err error
		if text, err = p.template.Value(message, now); err != nil {
			return false, "availability_template: " + err.Error() + ", in " + excerpt(message)
		}
	}
	if text != p.yes && text != p.no {
		return false, "found " + excerpt([]byte(text)) + ", expected " + p.yes + " or " + p.no
	}
	return text == p.yes, ""
}
