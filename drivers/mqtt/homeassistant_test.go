package mqtt

import (
	"slices"
	"strings"
	"testing"

	"hogar/drivers/mqtt/dialect"
	"hogar/drivers/mqtt/homeassistant"
)

// explained is what becomes of messages, each "topic payload", of Home Assistant's discovery.
func explained(messages ...string) Explanation {
	var list []dialect.Message
	for _, m := range messages {
		topic, payload, _ := strings.Cut(m, " ")
		list = append(list, dialect.Message{Topic: topic, Payload: []byte(payload)})
	}
	return Explain(Options{Gateway: "casa", Names: dialect.NewNames(dialect.NamesOptions{}), Sources: []Source{
		{Name: "homeassistant", Base: "homeassistant", Dialect: homeassistant.New(homeassistant.Options{})}}}, list)
}

// A device is called by its own name, else by its identifier, whichever of its entities comes first;
// EMS-ESP has the name in one of its announcements only.
func TestNamesInAnyOrder(t *testing.T) {
	entity := func(key, device string) string {
		return "homeassistant/sensor/" + key + `/config {"name":"` + key + `","uniq_id":"` + key + `","stat_t":"s/` + key + `","dev":` + device + `}`
	}
	for _, test := range []struct {
		name    string
		devices []string // of an entity each
		want    string   // name=label
		id      map[string]string
	}{
		{"one has the name", []string{`{"ids":["0x12"]}`, `{"ids":["0x12"],"name":"EMS-ESP Boiler"}`, `{"ids":["0x12"]}`}, "ems_esp_boiler=EMS-ESP Boiler", nil},
		{"none has it", []string{`{"ids":["ems-esp-boiler"]}`, `{"ids":["ems-esp-boiler"]}`, `{"ids":"ems-esp-boiler"}`}, "ems_esp_boiler=ems-esp-boiler", nil},
		{"one identifier in common, and each another", []string{`{"ids":["gw","a"],"name":"Left"}`, `{"ids":["gw","b"],"name":"Right"}`, `{"ids":["gw","a"],"name":"Left"}`}, "left=Left a right=Right b", map[string]string{"a": " a", "b": " b"}},
		{"the same identifier at other addresses", []string{`{"ids":["esp"],"cns":[["mac","AA"]],"name":"Left"}`, `{"ids":["esp"],"cns":[["mac","BB"]],"name":"Right"}`, `{"cns":[["mac","bb"]],"name":"Right"}`}, "left=Left aa right=Right bb", map[string]string{"mac aa": " aa", "mac bb": " bb"}},
		{"more is known of it later", []string{`{"ids":["a"]}`, `{"ids":["a","b"],"name":"One"}`, `{"ids":["b"]}`}, "one=One", nil},
	} {
		for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			if test.name == "more is known of it later" && order[2] == 1 {
				continue // nothing says before that a and b are one
			}
			var messages []string
			for _, i := range order {
				messages = append(messages, entity(string(rune('p'+i)), test.devices[i]))
			}
			x := explained(messages...)
			var got []string
			for _, d := range x.Devices {
				got = append(got, d.Device+"="+d.Catalog.Label+test.id[d.Catalog.ID])
			}
			slices.Sort(got)
			if s := strings.Join(got, " "); s != test.want || len(x.Ignored) > 0 {
				t.Errorf("%s, in the order %v: %s, want %s %+v", test.name, order, s, test.want, x.Ignored)
			}
		}
	}
}

// A topic that no message can have, as of a firmware that makes it of a name with a plus, is named.
func TestExplainNamesImpossibleTopics(t *testing.T) {
	x := explained(`homeassistant/sensor/NJOURF+1/config {"name":"x","stat_t":"s"}`, `homeassistant/sensor/y/config {"name":"y","stat_t":"s"}`)
	if len(x.Devices) != 1 || len(x.Ignored) != 1 || x.Ignored[0].Why != "no message can have this topic: it has the wildcards + or #" {
		t.Errorf("%+v", x)
	}
}
