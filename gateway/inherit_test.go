package gateway

import "testing"

// TestInherit changes one key of a relay's entry. What the driver does not see
// leaves the relay as it was set; what it sees makes it begin anew.
func TestInherit(t *testing.T) {
	entry := func(options string) string {
		return "gateway: casa\ndevices:\n  hall.lamp: {driver: relay, pin: GPIO17" + options + "}\n"
	}
	for options, inherited := range map[string]bool{
		"":                                 true,
		", label: Lamp":                    true,
		", safety: {max_on: 2h}":           true,
		", safety: {max_on: 2h}, label: Ü": true,
		", active_low: true":               false,
		", active_low: true, label: x":     false,
		", on_exit: off":                   false,
	} {
		dir := t.TempDir()
		old, next := planIn(t, dir, entry("")), planIn(t, dir, entry(options))
		next.inherit(old)
		if got := &next.devices[0].spec.Parts[0] == &old.devices[0].spec.Parts[0]; got != inherited {
			t.Errorf("with%q: inherited %v, want %v", options, got, inherited)
		}
	}
}
