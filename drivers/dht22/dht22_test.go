package dht22

import (
	"errors"
	"maps"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

func TestContract(t *testing.T) {
	wrong := []string{"", "pin: 4", "pin: GPIO28", "pin: GPIO4, address: 0x38"}
	for name, one := range map[string]struct {
		driver     drivers.Driver
		resolution float64
	}{"dht22": {New, 0.1}, "dht11": {New11, 1}} {
		t.Run(name, func(t *testing.T) {
			drivertest.Run(t, drivertest.Case{Driver: one.driver, Options: "pin: GPIO17", Wrong: wrong,
				Resolution: map[string]float64{"temperature": one.resolution, "humidity": one.resolution}})
		})
	}
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, "pin: GPIO4", map[string]drivertest.Range{
		"temperature": {Least: -40, Most: 80, Within: 0.05}, "humidity": {Least: 0, Most: 100, Within: 0.05}})
	drivertest.Sweep(t, New11, "pin: GPIO4", map[string]drivertest.Range{
		"temperature": {Least: 0, Most: 50, Within: 0.5}, "humidity": {Least: 20, Most: 90, Within: 0.5}})
}

// kernel is what the kernel has: files, and how often reading one fails first.
type kernel struct {
	drivers.Board
	text  map[string]string
	fails map[string]int
	errno error
}

func (k *kernel) Files() drivers.Files { return k }

func (k *kernel) Glob(string) (names []string, _ error) {
	for n := range 3 {
		if name := strings.Replace(devices, "*", string(rune('0'+n)), 1) + "/name"; k.text[name] != "" {
			names = append(names, name)
		}
	}
	return names, nil
}

func (k *kernel) ReadFile(name string) ([]byte, error) {
	if k.fails[name]--; k.fails[name] >= 0 {
		return nil, k.errno
	}
	if text, ok := k.text[name]; ok {
		return []byte(text), nil
	}
	return nil, syscall.ENOENT
}

func (k *kernel) WriteFile(string, []byte) error { return errors.New("written") }

func (k *kernel) sense(t *testing.T, options string) (float64, error) {
	spec, _ := drivertest.Decode(New, options)
	dev, err := spec.Open(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	readings, err := dev.(drivers.Sensor).Sense(t.Context())
	if err != nil {
		return 0, err
	}
	return readings[0].Value.Number(), nil
}

func device(n, name, gpios, milli string) map[string]string {
	folder := "sys/bus/iio/devices/iio:device" + n
	all := map[string]string{folder + "/name": name, folder + "/in_temp_input": milli, folder + "/in_humidityrelative_input": "40100\n"}
	if gpios != "" {
		all[folder+"/of_node/gpios"] = "\x00\x00\x00\x0b\x00\x00\x00" + gpios + "\x00\x00\x00\x00"
	}
	return all
}

func join(all ...map[string]string) map[string]string {
	sum := make(map[string]string)
	for _, one := range all {
		maps.Copy(sum, one)
	}
	return sum
}

func TestFindsTheSensorAtItsPin(t *testing.T) {
	for name, one := range map[string]struct {
		text map[string]string
		want float64 // 0: absent
	}{
		"two at pins":         {join(device("0", "dht11@0\n", "\x04", "-1500\n"), device("1", "dht11@11\n", "\x11", "22200\n")), 22.2},
		"the only one":        {join(device("0", "bme280\n", "", "1000\n"), device("1", "dht11@0\n", "", "22200\n")), 22.2},
		"two that do not say": {join(device("0", "dht11@0\n", "", "1000\n"), device("1", "dht11@0\n", "", "22200\n")), 0},
		"at another pin":      {device("0", "dht11@0\n", "\x04", "1000\n"), 0},
		"none":                {nil, 0},
	} {
		k := &kernel{text: one.text, fails: map[string]int{}}
		got, err := k.sense(t, "pin: GPIO17")
		if got != one.want || (one.want == 0) != errors.Is(err, drivers.ErrAbsent) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// A chip that hangs, whose name cannot be read, is in the way of no other.
func TestAnotherChipHangs(t *testing.T) {
	for _, one := range []struct {
		name  string
		hangs string
		works bool
	}{{"another", "0", true}, {"its own", "1", false}} {
		k := &kernel{text: join(device("0", "bme280\n", "", "1000\n"), device("1", "dht11@11\n", "\x11", "22200\n")), errno: syscall.ETIMEDOUT,
			fails: map[string]int{"sys/bus/iio/devices/iio:device" + one.hangs + "/name": 100}}
		got, err := k.sense(t, "pin: GPIO17")
		if works := err == nil && got == 22.2; works != one.works || err != nil && !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("%s hangs: %v, %v", one.name, got, err)
		}
	}
}

func TestAsksAgain(t *testing.T) {
	for _, one := range []struct {
		fails int
		errno error
		took  time.Duration
		works bool
	}{
		{0, syscall.EIO, 0, true},
		{2, syscall.EIO, 4 * time.Second, true},
		{1, syscall.ETIMEDOUT, 2 * time.Second, true},
		{3, syscall.EIO, 4 * time.Second, false},
		{1, syscall.EACCES, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := &kernel{text: device("0", "dht11@0\n", "\x11", "22200\n"), errno: one.errno,
				fails: map[string]int{"sys/bus/iio/devices/iio:device0/in_temp_input": one.fails}}
			begin := time.Now()
			_, err := k.sense(t, "pin: GPIO17")
			if (err == nil) != one.works || time.Since(begin) != one.took {
				t.Errorf("%+v: %v after %v", one, err, time.Since(begin))
			}
		})
	}
}

// What sensors send that is not what there is: ESPHome's dht.cpp retries two frames and has clones; the first is tinygo's example.
func TestFrames(t *testing.T) {
	for _, one := range []struct {
		name, celsius, percent string // as the kernel shows them, in thousandths
		want                   float64
		damp                   float64
		says                   string
	}{
		{"02 8c 01 5f ee (tinygo, dht)", "35100", "65200", 35.1, 65.2, ""},
		{"35 00 18 04 51, a DHT11's (Linux, dht11.c)", "24400", "53000", 24.4, 53, ""},
		{"in the dew", "21000", "100100", 21, 100, ""},
		{"too much for dew", "21000", "102100", 0, 0, "cannot"},
		{"00 0a 00 01 0b", "100", "1000", 0, 0, "no measurement"},
		{"00 00 00 00 00, a wire at ground", "0", "0", 0, 0, "no measurement"},
		{"0 °C and 1 %", "0", "1000", 0, 0, "no measurement"},
		{"0 °C and 2 %", "0", "2000", 0, 0, "no measurement"},
		{"0 °C that is", "0", "40000", 0, 40, ""},
		{"a clone's ff f6 for -1.0", "-3275800", "65200", -1, 65.2, ""},
		{"a clone's fe 70 for -40.0", "-3236800", "65200", -40, 65.2, ""},
		{"below what it can", "-41000", "65200", 0, 0, "cannot"},
	} {
		synctest.Test(t, func(t *testing.T) {
			all := device("0", "dht11@0\n", "\x11", one.celsius+"\n")
			all["sys/bus/iio/devices/iio:device0/in_humidityrelative_input"] = one.percent + "\n"
			spec, _ := drivertest.Decode(New, "pin: GPIO17")
			dev, err := spec.Open(t.Context(), &kernel{text: all, fails: map[string]int{}})
			if err != nil {
				t.Fatal(err)
			}
			readings, err := dev.(drivers.Sensor).Sense(t.Context())
			switch {
			case one.says != "" && (err == nil || !strings.Contains(err.Error(), one.says)):
				t.Errorf("%s: %v, %v, want an error that says %q", one.name, readings, err, one.says)
			case one.says == "" && (err != nil || readings[0].Value.Number() != one.want || readings[1].Value.Number() != one.damp):
				t.Errorf("%s: %v, %v", one.name, readings, err)
			}
		})
	}
}

// The kernel gives up the frame of a DHT11 below zero, whose sign it does not know.
func TestADHT11InTheFrost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for celsius, want := range map[float64]string{-0.4: "", -1: "below 0 °C the kernel cannot read this sensor"} {
			rig := drivertest.NewRig(t, New11, "pin: GPIO4")
			rig.World.Hold("kitchen", "temperature", celsius)
			_, err := rig.Open(t).(drivers.Sensor).Sense(t.Context())
			if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("at %v °C: %v, want %q", celsius, err, want)
			}
		}
	})
}

func FuzzPinOf(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x0b\x00\x00\x00\x11\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, cells []byte) {
		if pin := PinOf(cells); pin != "" && len(cells) != 12 {
			t.Errorf("% x is %s", cells, pin)
		}
	})
}
