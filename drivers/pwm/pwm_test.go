package pwm

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
	"hogar/gateway/home"
)

func TestContract(t *testing.T) {
	wrong := []string{"", "pin: 18", "pin: GPIO17", "pin: GPIO18, chip: pwmchip0", "chip: pwmchip", "chip: ../x", "pin: GPIO18, channel: 1",
		"pin: GPIO18, frequency: 0", "pin: GPIO18, on_start: 101", "pin: GPIO18, on_exit: maybe", "pin: GPIO18, property: Speed"}
	for _, options := range []string{
		"pin: GPIO18",
		"pin: GPIO13, frequency: 25000, active_low: true, property: speed, on_start: 30, on_exit: off",
		"chip: pwmchip2, channel: 3, on_start: keep",
	} {
		t.Run(options, func(t *testing.T) {
			drivertest.Run(t, drivertest.Case{Driver: New, Options: options, Wrong: wrong,
				Resolution: map[string]float64{"brightness": 0.1, "speed": 0.1}})
		})
	}
}

// chipOf returns what the kernel's files show.
func chipOf(t *testing.T, board drivers.Board, folder string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, name := range []string{"period", "duty_cycle", "polarity", "enable"} {
		text, err := drivers.ReadText(board.Files(), folder+"/"+name)
		if err != nil {
			t.Error(err)
		}
		all[name] = text
	}
	return all
}

const four = "sys/bus/platform/devices/fe20c000.pwm/pwm/pwmchip0/pwm"

func TestWhatTheKernelIsTold(t *testing.T) {
	rig := drivertest.NewRig(t, New, "pin: GPIO13, frequency: 25000, active_low: true, on_start: 30, on_exit: off")
	dev, err := rig.Spec.Open(t.Context(), rig.Board)
	if err != nil {
		t.Fatal(err)
	}
	at := func(when, duty string) {
		t.Helper()
		want := map[string]string{"period": "40000", "duty_cycle": duty, "polarity": "inversed", "enable": "1"}
		if diff := cmp.Diff(want, chipOf(t, rig.Board, four+"1")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	at("open", "12000")
	readings, err := dev.(drivers.Actuator).Set(t.Context(), "brightness", home.NumberOf(33.333))
	if err != nil || readings[0].Value != home.NumberOf(33.3) {
		t.Errorf("set to a third: %v, %v", readings, err)
	}
	at("set", "13333")
	_ = dev.Close()
	at("closed", "0")
}

func TestStart(t *testing.T) {
	rig := drivertest.NewRig(t, New, "pin: GPIO18, on_start: keep, frequency: 100")
	percent := func(dev drivers.Device) float64 {
		readings, err := dev.(drivers.Sensor).Sense(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return readings[0].Value.Number()
	}
	first := rig.Open(t)
	if got := percent(first); got != 0 {
		t.Errorf("a new channel that is to be kept is at %v %%", got)
	}
	if _, err := first.(drivers.Actuator).Set(t.Context(), "brightness", home.NumberOf(70)); err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]float64{"pin: GPIO18, on_start: keep": 70, "pin: GPIO18, on_start: on": 100} {
		spec, _ := drivertest.Decode(New, options)
		for range 2 { // the second time it is set already
			dev, err := spec.Open(t.Context(), rig.Board)
			if err != nil {
				t.Fatal(err)
			}
			if got := percent(dev); got != want {
				t.Errorf("%s: %v %%", options, got)
			}
		}
		if _, err := first.(drivers.Actuator).Set(t.Context(), "brightness", home.NumberOf(70)); err != nil {
			t.Fatal(err)
		}
	}
	if got := percent(rig.Open(t)); got != 70 {
		t.Errorf("opened again it is at %v %%", got)
	}
}

func TestStuckIsSeen(t *testing.T) {
	rig := drivertest.NewRig(t, New, "pin: GPIO18")
	dev := rig.Open(t).(drivers.Actuator)
	if err := rig.Board.Fault(drivertest.Device, simboard.Stuck); err != nil {
		t.Fatal(err)
	}
	readings, err := dev.Set(t.Context(), "brightness", home.NumberOf(50))
	if err == nil || len(readings) != 1 || readings[0].Value != home.NumberOf(0) {
		t.Errorf("%v, %v", readings, err)
	}
}

// A lamp that is dimmed lights its room less.
func TestDimsTheRoom(t *testing.T) {
	spec, _ := drivertest.Decode(New, "pin: GPIO18")
	rig := drivertest.NewRig(t, New, "pin: GPIO18")
	board, err := simboard.New(rig.World, time.Now, map[string][]drivers.Part{"cellar.lamp": spec.Parts})
	if err != nil {
		t.Fatal(err)
	}
	dev, err := spec.Open(t.Context(), board)
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	light := func(percent float64) float64 {
		if _, err := dev.(drivers.Actuator).Set(t.Context(), "brightness", home.NumberOf(percent)); err != nil {
			t.Fatal(err)
		}
		return rig.World.Illuminance("cellar")
	}
	dark, half, full := light(0), light(50), light(100)
	if half-dark < 1 || (full-dark)/(half-dark) < 1.9 || (full-dark)/(half-dark) > 2.1 {
		t.Errorf("dark %v, half %v, full %v lx", dark, half, full)
	}
}

func TestNoOverlay(t *testing.T) {
	empty := drivertest.NewRig(t, New, "chip: pwmchip5").Board
	spec, _ := drivertest.Decode(New, "pin: GPIO18")
	if _, err := spec.Open(t.Context(), empty); !errors.Is(err, drivers.ErrAbsent) {
		t.Errorf("without PWM: %v", err)
	}
	other, _ := drivertest.Decode(New, "chip: pwmchip6")
	if _, err := other.Open(t.Context(), empty); !errors.Is(err, drivers.ErrAbsent) {
		t.Errorf("without the chip: %v", err)
	}
}

// Another program that turns the polarity round turns what is on round: what is read is what the lamp does. Setting
// it puts that right.
func TestAnotherProgramsPolarity(t *testing.T) {
	rig := drivertest.NewRig(t, New, "pin: GPIO18, on_start: 20")
	dev := rig.Open(t)
	for _, one := range [][2]string{{"enable", "0"}, {"polarity", "inversed"}, {"enable", "1"}} {
		if err := rig.Board.Files().WriteFile(four+"0/"+one[0], []byte(one[1])); err != nil {
			t.Fatal(err)
		}
	}
	if readings, err := dev.(drivers.Sensor).Sense(t.Context()); err != nil || readings[0].Value != home.NumberOf(80) {
		t.Errorf("turned round: %v, %v", readings, err)
	}
	if readings, err := dev.(drivers.Actuator).Set(t.Context(), "brightness", home.NumberOf(20)); err != nil || readings[0].Value != home.NumberOf(20) {
		t.Errorf("set again: %v, %v", readings, err)
	}
	if is := chipOf(t, rig.Board, four+"0"); is["polarity"] != "normal" || is["enable"] != "1" {
		t.Errorf("%v", is)
	}
}
