package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// TestBackup restores, on another machine, what docs/operating.md has people back up: all but the records.
// Names of discovered devices, disabled rules and variables are there again, and no message_id comes
// a second time.
func TestBackup(t *testing.T) {
	t.Parallel()
	m := mosquitto(t)
	z := newZ2M(t, m)
	z.devices("Lamp", "Probe")
	yaml := "gateway: moved\nmqtt: [{url: \"" + m.URL() + "\", zigbee2mqtt: zigbee2mqtt}]\nvars:\n  guests: off\n  target: 21.5\n" +
		"rules:\n  dark: {when: vars.guests, do: [{log: guests}]}\n  bright: {when: vars.guests, do: [{log: guests}]}\n"
	first, second := t.TempDir(), t.TempDir()
	h := runHouse(t, planOf(t, yaml), nil, func(o *Options) { o.Journal = first })
	until(t, "the lamp is discovered", func() bool { return h.device("lamp").ID != "" && h.device("probe").ID != "" })
	if o := h.set(home.Vars, "target", home.NumberOf(23)); o.Result != home.Applied {
		t.Fatal(o)
	}
	if _, err := h.Server.Rules.SwitchRule(t.Context(), "dark", false, "a test"); err != nil {
		t.Fatal(err)
	}
	id := h.House.Status().Journal.ID
	h.stop()

	files, err := os.ReadDir(first)
	if err != nil {
		t.Fatal(err)
	}
	copied := 0
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".seg") || f.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(first, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(second, f.Name()), data, 0o600); err != nil {
			t.Fatal(err)
		}
		copied++
	}
	if copied == 0 {
		t.Fatal("there is nothing but records")
	}
	z.devices("Renamed", "Probe") // the name that it was given first stays
	h = runHouse(t, planOf(t, yaml), nil, func(o *Options) { o.Journal = second })
	defer h.stop()
	until(t, "it is connected", func() bool { return h.House.Status().MQTT[0].Connected })
	if d := h.device("lamp"); d.ID != "0x01" {
		t.Errorf("the lamp: %+v", d)
	}
	if diff := cmp.Diff(map[string]string{"vars.guests": "off", "vars.target": "23"}, h.variables()); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	list, err := h.Server.Rules.Rules(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	for _, r := range list {
		if r.Enabled == (r.Name == "dark") {
			t.Errorf("%s: enabled %v", r.Name, r.Enabled)
		}
	}
	if again := h.House.Status().Journal.ID; again == id || again == "" {
		t.Errorf("the journal goes on under its id %q, and message_ids would come twice", again)
	}
}
