package gateway

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers/simboard"
	"hogar/gateway/home"
)

const dyingChips = `
gateway: casa
devices:
  attic.air:       {driver: lm75, every: 10s}
  kitchen.climate: {driver: bme280, every: 10s}
  bedroom.air:     {driver: scd4x, every: 10s, forced_calibration: true}
  attic.heater:    {driver: relay, pin: GPIO17}
  bedroom.fan:     {driver: relay, pin: GPIO22}
rules:
  frost:
    when: attic.air.temperature < 3
    do: [{set: {attic.heater.state: on}}]
  fresh:
    when: bedroom.air.co2 < 350
    do: [{set: {bedroom.fan.state: on}}]
`

// TestDyingChips: what a chip answers that is dying, has no power or has restarted is no value: no rule acts on
// it, the device is offline with the reason, and back when the chip is.
func TestDyingChips(t *testing.T) {
	for _, one := range []struct {
		device string
		fault  simboard.Fault
		says   string
	}{
		{"attic.air", simboard.Zeros, "reads as zeros"},
		{"attic.air", simboard.Stuck, "reads as ones"},
		{"kitchen.climate", simboard.Skipped, "has not measured"},
		{"kitchen.climate", simboard.Zeros, "bme280 at 0x76 on I2C1"},
		{"bedroom.air", simboard.NoCO2, "no CO2"},
		{"bedroom.air", simboard.Zeros, "wrong checksum"},
	} {
		t.Run(one.device+" "+string(one.fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := runHouse(t, planOf(t, dyingChips), nil, nil)
				defer h.stop()
				time.Sleep(time.Minute)
				online(h, one.device)
				if err := h.board.Fault(one.device, one.fault); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Minute)
				if d := h.device(one.device); d.Status != home.Offline || !strings.Contains(d.Reason, one.says) {
					t.Errorf("it is %s: %q, want %q", d.Status, d.Reason, one.says)
				}
				for _, r := range h.device(one.device).Readings {
					if r.Value.Known() {
						t.Errorf("%s is %v", r.Name, r.Value)
					}
				}
				if h.board.Level("GPIO17") || h.board.Level("GPIO22") {
					t.Error("a rule has acted on what is no value")
				}
				_ = h.board.Fault(one.device, simboard.NoFault)
				time.Sleep(75 * time.Second)
				online(h, one.device)
			})
		})
	}
}

// online checks that a device measures.
func online(h *testHouse, name string) {
	h.t.Helper()
	d := h.device(name)
	if d.Status != home.Online || !d.Readings[0].Value.Known() {
		h.t.Errorf("%s is %s: %s, and shows %v", name, d.Status, d.Reason, d.Readings)
	}
}

// TestCalibrateByCommand: a forced calibration goes through the door like any command: within its limits,
// once, and without a state that it leaves.
func TestCalibrateByCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := runHouse(t, planOf(t, dyingChips), nil, nil)
		defer h.stop()
		if o := h.set("bedroom.air", "calibrate", home.NumberOf(42)); o.Result != home.Rejected {
			t.Errorf("42 ppm: %+v", o)
		}
		time.Sleep(time.Minute)
		if o := h.set("bedroom.air", "calibrate", home.NumberOf(420)); o.Result != home.Failed || !strings.Contains(o.Error, "three minutes") {
			t.Errorf("after a minute: %+v", o)
		}
		time.Sleep(5 * time.Minute)
		if o := h.set("bedroom.air", "calibrate", home.NumberOf(800)); o.Result != home.Applied {
			t.Errorf("after five minutes: %+v", o)
		}
		time.Sleep(20 * time.Second)
		for _, r := range h.device("bedroom.air").Readings {
			if r.Name == "bedroom.air.calibrate" && r.Value.Known() {
				t.Errorf("it shows %v", r.Value)
			}
			if r.Name == "bedroom.air.co2" && (r.Value.Number() < 780 || r.Value.Number() > 820) {
				t.Errorf("calibrated to 800 ppm it measures %v", r.Value)
			}
		}
	})
}
