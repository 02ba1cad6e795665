package relay

import (
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
	"hogar/gateway/home"
)

func TestContract(t *testing.T) {
	for _, options := range []string{
		"pin: GPIO17, active_low: true, on_start: off, on_exit: keep",
		"pin: GPIO4, on_start: on, on_exit: off, property: power",
		"pin: GPIO0, on_start: keep",
	} {
		t.Run(options, func(t *testing.T) {
			drivertest.Run(t, drivertest.Case{
				Driver:  New,
				Options: options,
				Wrong: []string{"", "pin: 17", "pin: GPIO28", "pin: GPIO017", "pin: GPIO17, on_start: maybe",
					"pin: GPIO17, on_exit: toggle", "pin: GPIO17, property: State", "pin: GPIO17, active_low: 2"},
			})
		})
	}
}

// files are the kernel's.
type files map[string]string

func (f files) Glob(string) ([]string, error)  { return nil, nil }
func (f files) WriteFile(string, []byte) error { return fs.ErrPermission }
func (f files) ReadFile(name string) ([]byte, error) {
	if text, ok := f[name]; ok {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

// What becomes of a released pin: raspberrypi/linux, pinctrl-rp1.c has persist_gpio_outputs on, mainline's pinctrl-bcm2835.c off, and
// older ones know only inputs.
func TestDoubts(t *testing.T) {
	const model, old, rp1 = "sys/firmware/devicetree/base/model", "sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs", "sys/module/pinctrl_rp1/parameters/persist_gpio_outputs"
	four, five := "Raspberry Pi 4 Model B Rev 1.4\x00", "Raspberry Pi 5 Model B Rev 1.0\x00"
	for _, one := range []struct {
		options string
		files   files
		says    string
	}{
		{"pin: GPIO17", files{model: four, old: "Y\n"}, ""},
		{"pin: GPIO17", files{model: four, old: "N\n"}, "pinctrl_bcm2835.persist_gpio_outputs is N"},
		{"pin: GPIO17, on_exit: on", files{model: four, old: "N\n"}, "on_exit: on does not hold"},
		{"pin: GPIO17, on_exit: off", files{model: four, old: "N\n"}, ""},
		{"pin: GPIO17", files{model: four}, "has no parameter"},
		{"pin: GPIO17", files{model: five, rp1: "Y\n"}, ""},
		{"pin: GPIO17", files{model: five, rp1: "N\n"}, "pinctrl_rp1.persist_gpio_outputs=y"},
		{"pin: mcp23017/3", files{model: four, old: "N\n"}, ""},
		{"pin: GPIO17", files{model: "Some Board"}, ""},
		{"pin: GPIO17", files{}, ""},
	} {
		spec, faults := drivertest.Decode(New, one.options)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		doubts := strings.Join(spec.Doubts(one.files), "\n")
		if (doubts == "") != (one.says == "") || !strings.Contains(doubts, one.says) {
			t.Errorf("%s with %q: %q, want %q", one.options, one.files, doubts, one.says)
		}
	}
}

// The level at the pin before, when it is open, after it was set, and when closed.
func TestStartAndExit(t *testing.T) {
	for _, one := range []struct {
		options string
		before  bool // an output at this level
		open    bool
		set     bool // to what it is set
		level   bool
		closed  bool
	}{
		{options: "pin: GPIO17", before: true, open: false, set: true, level: true, closed: true},
		{options: "pin: GPIO17, active_low: true", before: false, open: true, set: true, level: false, closed: false},
		{options: "pin: GPIO17, on_start: on", before: false, open: true, set: false, level: false, closed: false},
		{options: "pin: GPIO17, on_start: on, active_low: true", before: true, open: false, set: false, level: true, closed: true},
		{options: "pin: GPIO17, on_start: keep", before: true, open: true, set: true, level: true, closed: true},
		{options: "pin: GPIO17, on_start: keep", before: false, open: false, set: true, level: true, closed: true},
		{options: "pin: GPIO17, on_exit: off", before: false, open: false, set: true, level: true, closed: false},
		{options: "pin: GPIO17, on_exit: off, active_low: true", before: false, open: true, set: true, level: false, closed: true},
		{options: "pin: GPIO17, on_exit: on", before: false, open: false, set: false, level: false, closed: true},
	} {
		t.Run(one.options, func(t *testing.T) {
			rig := drivertest.NewRig(t, New, one.options)
			earlier, err := rig.Board.Line(drivers.LineOptions{Pin: "GPIO17", Output: true, Initial: one.before})
			if err != nil {
				t.Fatal(err)
			}
			_ = earlier.Close()
			at := func(when string, want bool) {
				if got := rig.Board.Level("GPIO17"); got != want {
					t.Errorf("%s the pin is high: %v, want %v", when, got, want)
				}
			}
			dev, err := rig.Spec.Open(t.Context(), rig.Board)
			if err != nil {
				t.Fatal(err)
			}
			at("open", one.open)
			if _, err := dev.(drivers.Actuator).Set(t.Context(), "state", home.BooleanOf(one.set)); err != nil {
				t.Error(err)
			}
			at("set", one.level)
			if _, err := dev.(drivers.Sensor).Sense(t.Context()); err != nil {
				t.Error(err)
			}
			at("read", one.level)
			if err := dev.Close(); err != nil {
				t.Error(err)
			}
			at("closed", one.closed)
		})
	}
}

func TestOpenAgainGoesBackToTheLastState(t *testing.T) {
	rig := drivertest.NewRig(t, New, "pin: GPIO17, on_start: off, on_exit: off")
	for range 2 {
		dev, err := rig.Spec.Open(t.Context(), rig.Board)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dev.(drivers.Actuator).Set(t.Context(), "state", home.BooleanOf(true)); err != nil {
			t.Fatal(err)
		}
		_ = dev.Close()
	}
	_ = rig.Open(t)
	if !rig.Board.Level("GPIO17") {
		t.Error("it was on and is opened off")
	}
}

// What the pin shows is told, and not what was wished for.
func TestStuckIsSeen(t *testing.T) {
	rig := drivertest.NewRig(t, New, "pin: GPIO17")
	dev := rig.Open(t).(drivers.Actuator)
	if err := rig.Board.Fault(drivertest.Device, simboard.Stuck); err != nil {
		t.Fatal(err)
	}
	readings, err := dev.Set(t.Context(), "state", home.BooleanOf(true))
	if err == nil || len(readings) != 1 || readings[0].Value != home.BooleanOf(false) {
		t.Errorf("a stuck relay: %v, %v", readings, err)
	}
	_ = dev.Close()
	_ = rig.Board.Fault(drivertest.Device, simboard.NoFault)
	if _ = rig.Open(t); rig.Board.Level("GPIO17") {
		t.Error("what failed acts when the device is opened again")
	}
}

func TestBusyPinNamesItsHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "pin: GPIO17")
		_ = rig.Open(t)
		_, err := rig.Spec.Open(t.Context(), rig.Board)
		if err == nil || !strings.Contains(err.Error(), drivertest.Device) {
			t.Errorf("the pin is taken twice: %v", err)
		}
	})
}
