package simboard

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/simboard/world"
)

func kernelBoard(t *testing.T) (*Board, *world.World) {
	t.Helper()
	w := world.New(world.Options{})
	b, err := New(w, time.Now, map[string][]drivers.Part{
		"hall.lamp":    {{Chip: "pwm", Pin: "GPIO18"}},
		"rack.fan":     {{Chip: "pwm", Pin: "GPIO13"}},
		"boiler.flow":  {{Chip: "ds18b20", Kernel: "w1/28-000000000001"}},
		"bath.climate": {{Chip: "dht22", Pin: "GPIO4"}},
		"rack.cpu":     {{Chip: "kernel", Kernel: "hwmon/cpu_thermal/temp1"}, {Chip: "kernel", Kernel: "hwmon/cpu_thermal/temp2"}},
		"loft.air":     {{Chip: "kernel", Kernel: "iio/bmp280/in_pressure"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, w
}

func TestKernelFiles(t *testing.T) {
	b, _ := kernelBoard(t)
	want := []string{"sys/class/hwmon/hwmon0/name", "sys/class/hwmon/hwmon0/temp1_input", "sys/class/hwmon/hwmon0/temp2_input"}
	names, err := b.Files().Glob("sys/class/hwmon/hwmon*/*")
	if diff := cmp.Diff(want, names); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	_ = b.Fault("boiler.flow", Absent)
	if names, _ := b.Files().Glob("sys/bus/w1/devices/*/temperature"); len(names) != 0 {
		t.Errorf("of an absent sensor there are %v", names)
	}
	for name, want := range map[string]error{"sys/bus/w1/devices/28-000000000001/temperature": fs.ErrNotExist, "sys/nothing": fs.ErrNotExist,
		"sys/bus/platform/devices/fe20c000.pwm/pwm/pwmchip0/export": fs.ErrPermission} {
		if _, err := b.Files().ReadFile(name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if err := b.Files().WriteFile("sys/class/hwmon/hwmon0/name", []byte("x")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("writing what can only be read: %v", err)
	}
}

// Two channels of one chip, and what the kernel refuses.
func TestPWMChannels(t *testing.T) {
	b, w := kernelBoard(t)
	write := func(name, text string, want error) {
		t.Helper()
		if err := b.Files().WriteFile(pwmPlace+"/"+name, []byte(text)); !errors.Is(err, want) {
			t.Errorf("%s = %s: %v, want %v", name, text, err, want)
		}
	}
	write("pwm0/period", "1000", fs.ErrNotExist)
	write("export", "0\n", nil)
	write("export", "0", syscall.EBUSY)
	write("export", "7", syscall.ENODEV)
	write("export", "1", nil)
	write("pwm0/duty_cycle", "1", syscall.EINVAL) // the period comes first
	write("pwm0/period", "1000", nil)
	write("pwm0/duty_cycle", "1001", syscall.EINVAL)
	write("pwm0/duty_cycle", "250", nil)
	write("pwm0/polarity", "upside down", syscall.EINVAL)
	dark := w.Illuminance("hall")
	write("pwm0/enable", "1", nil)
	write("pwm0/polarity", "inversed", syscall.EINVAL)
	if lit := w.Illuminance("hall") - dark; lit < 44 || lit > 46 {
		t.Errorf("a quarter of a lamp gives %v lx", lit)
	}
	write("pwm1/period", "40000", nil)
	_ = b.Fault("rack.fan", BusError)
	write("pwm1/duty_cycle", "0", syscall.EIO)
	write("pwm0/duty_cycle", "0", nil)
	_, err := New(w, time.Now, map[string][]drivers.Part{"a": {{Chip: "pwm", Pin: "GPIO18"}}, "b": {{Chip: "pwm", Pin: "GPIO12"}}})
	if err == nil {
		t.Error("two lamps at one channel")
	}
}

// The kernel asks a DHT22 again only after 2 s.
func TestDHTIsAskedAgainAfterTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, w := kernelBoard(t)
		read := func() string {
			text, err := b.Files().ReadFile("sys/bus/iio/devices/iio:device0/in_temp_input")
			if err != nil {
				t.Error(err)
			}
			return string(text)
		}
		var got []string
		for _, celsius := range []float64{20.04, 21, 22} {
			w.Hold("bath", "temperature", celsius)
			got = append(got, read())
			time.Sleep(1900 * time.Millisecond)
		}
		if diff := cmp.Diff([]string{"20000\n", "20000\n", "22000\n"}, got); diff != "" {
			t.Error(diff)
		}
	})
}
