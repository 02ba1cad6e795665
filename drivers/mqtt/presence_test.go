package mqtt

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzPresence decodes an availability_template with its payloads, and reads a message with it.
func FuzzPresence(f *testing.F) {
	f.Add("{{ value_json.state }}", "online", "offline", []byte(`{"state":"online"}`))
	f.Add("", "online", "offline", []byte("offline\n"))
	f.Add("{{ 'yes' if value | int(0) > 3 else 'no' }}", "yes", "no", []byte("4"))
	f.Add("{{ value_json.a[", "1", "0", []byte("{"))
	f.Add("ö{{ ö }}", "", "", []byte(""))
	f.Fuzz(func(t *testing.T, template, yes, no string, message []byte) {
		if !utf8.ValidString(template) || !utf8.ValidString(yes) || !utf8.ValidString(no) {
			return // no YAML
		}
		d := options("availability_topic", "t", "payload_available", yes, "payload_not_available", no)
		if template != "" {
			d = options("availability_topic", "t", "payload_available", yes, "payload_not_available", no, "availability_template", template)
		}
		p := decodePresence(d)
		for _, fault := range d.Faults.List {
			if fault.Message == "" || fault.Offset < 0 || fault.Offset > len(template) {
				t.Errorf("%q: %q at %d", template, fault.Message, fault.Offset)
			}
		}
		if len(d.Faults.List) > 0 {
			return // no such device
		}
		online, fault := p.read(message, time.Now())
		again, _ := presence{yes: p.no, no: p.yes, template: p.template}.read(message, time.Now())
		if fault == "" && online == again || fault != "" && (online || again) {
			t.Errorf("%q of %q: %v, %q; with the payloads exchanged %v", template, message, online, fault, again)
		}
		if _, err := json.Marshal(fault); err != nil || !utf8.ValidString(fault) {
			t.Errorf("%q of %q is told as %q", template, message, fault)
		}
	})
}
