package kernel

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

func TestContract(t *testing.T) {
	wrong := []string{"", "name: cpu_thermal", "channels: temp1", "name: a, at: 1-0044, channels: temp1", "name: a/../b, channels: temp1",
		"name: a, channels: temp1_input", "name: a, channels: in_temp_raw", "name: a, channels: pwm1", "at: 1-00*, channels: temp1",
		"name: a, channels: temp1, property: A"}
	for _, options := range []string{
		"name: cpu_thermal, channels: temp1",
		"at: 1-0044, channels: humidity1, property: damp",
		"name: tsl2563, channels: in_illuminance0",
		"name: bme280, channels: in_pressure",
	} {
		t.Run(options, func(t *testing.T) {
			drivertest.Run(t, drivertest.Case{Driver: New, Options: options, Wrong: wrong,
				Resolution: map[string]float64{"temperature": 0.001, "damp": 0.001, "illuminance": 0.001, "pressure": 0.001}})
		})
	}
}

func TestReadsBackTheWorld(t *testing.T) {
	drivertest.Sweep(t, New, "name: cpu_thermal, channels: temp1", map[string]drivertest.Range{"temperature": {Least: -20, Most: 90, Within: 0.001}})
	drivertest.Sweep(t, New, "name: sps30, channels: in_massconcentration_pm2p5", map[string]drivertest.Range{"pm25": {Least: 0, Most: 900, Within: 0.001}})
	drivertest.Sweep(t, New, "name: mlx90614, channels: in_temp_object", map[string]drivertest.Range{"object_temperature": {Least: -40, Most: 90, Within: 0.001, Quantity: "temperature"}})
	drivertest.Sweep(t, New, "name: scd4x, channels: in_concentration_co2", map[string]drivertest.Range{"co2": {Least: 400, Most: 5000, Within: 0.01}})
	drivertest.Sweep(t, New, "name: bme280, channels: in_pressure", map[string]drivertest.Range{"pressure": {Least: 300, Most: 1100, Within: 0.005}})
}

// board is a board with nothing but files.
type board struct {
	drivers.Board
	files fstest.MapFS
}

func (b board) Files() drivers.Files                  { return b }
func (b board) Glob(pattern string) ([]string, error) { return fs.Glob(b.files, pattern) }
func (b board) ReadFile(name string) ([]byte, error)  { return b.files.ReadFile(name) }
func (b board) WriteFile(string, []byte) error        { return errors.New("written") }

func kernelWith(pairs ...string) board {
	b := board{files: fstest.MapFS{}}
	for i := 0; i < len(pairs); i += 2 {
		b.files[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1] + "\n")}
	}
	return b
}

// What real kernels show, and what is read of it.
func TestReads(t *testing.T) {
	const h, i = "sys/class/hwmon/hwmon", "sys/bus/iio/devices/iio:device"
	b := kernelWith(
		h+"0/name", "cpu_thermal", h+"0/temp1_input", "48312",
		h+"1/name", "rpi_volt", h+"1/in0_lcrit_alarm", "0",
		h+"2/name", "sht3x", h+"2/temp1_input", "21370", h+"2/humidity1_input", "45500",
		h+"3/name", "sht3x", h+"3/temp1_input", "4000",
		"sys/bus/i2c/devices/1-0045/hwmon/hwmon3/name", "sht3x", "sys/bus/i2c/devices/1-0045/hwmon/hwmon3/temp1_input", "4000",
		h+"4/name", "ina226", h+"4/in1_input", "12050", h+"4/curr1_input", "-1250", h+"4/power1_input", "15062500",
		h+"5/name", "pwmfan", h+"5/fan1_input", "2873",
		h+"6/name", "two", h+"6/temp1_input", "1000", h+"6/temp2_input", "2000", h+"6/temp3_input", "hot",
		i+"0/name", "bmp280", i+"0/in_pressure_input", "101.325390625", i+"0/in_temp_input", "23450",
		i+"1/name", "ads1015", i+"1/in_voltage0_raw", "1234", i+"1/in_voltage0_scale", "2.000000000",
		i+"2/name", "mcp3008", i+"2/in_voltage3_raw", "512", i+"2/in_voltage_scale", "3.2226562",
		i+"3/name", "scd4x", i+"3/in_concentration_co2_raw", "612", i+"3/in_concentration_co2_scale", "0.0001",
		i+"3/in_temp_raw", "27307", i+"3/in_temp_offset", "-16852", i+"3/in_temp_scale", "2.670288",
		h+"7/name", "emc1413", h+"7/temp2_input", "127875", h+"7/temp2_fault", "1",
		i+"5/name", "ads1115", i+"5/in_voltage0_raw", "12345", i+"5/in_voltage0_scale", "0.0078125",
		i+"6/name", "hx711", i+"6/in_voltage0_raw", "412345", i+"6/in_voltage0_scale", "0.000001193",
		// The files that the kernel's own drivers make: drivers/iio/chemical/sps30.c, sgp30.c, sgp40.c, bme680_core.c, temperature/mlx90614.c.
		i+"7/name", "sps30", i+"7/in_massconcentration_pm1_input", "9.5", i+"7/in_massconcentration_pm2p5_input", "12.345",
		i+"7/in_massconcentration_pm4_input", "18", i+"7/in_massconcentration_pm10_input", "20",
		i+"8/name", "mlx90614", i+"8/in_temp_object_raw", "15489", i+"8/in_temp_ambient_raw", "14780",
		i+"8/in_temp_object_offset", "-13657.5", i+"8/in_temp_object_scale", "20", i+"8/in_temp_ambient_offset", "-13657.5", i+"8/in_temp_ambient_scale", "20",
		i+"9/name", "sgp30", i+"9/in_concentration_voc_input", "0.0000125",
		i+"10/name", "sgp40", i+"10/in_concentration_voc_input", "101", i+"10/in_resistance_raw", "30123",
		"sys/bus/i2c/devices/1-0059/iio:device10/name", "sgp40", "sys/bus/i2c/devices/1-0059/iio:device10/in_concentration_voc_input", "101",
		i+"11/name", "bme680", i+"11/in_resistance_input", "14832",
		// What no house has: a converter at its end, a wire that is off, a driver whose chip is gone.
		h+"8/name", "odd", h+"8/temp1_input", "-274000", h+"8/humidity1_input", "118900", h+"8/humidity2_input", "-6000", h+"8/humidity3_input", "100800", h+"8/fan1_input", "-1",
		i+"12/name", "odd", i+"12/in_illuminance_input", "-1", i+"12/in_concentration_co2_input", "-0.0001", i+"12/in_pressure_input", "-3",
		i+"12/in_voltage0_raw", "1234", i+"12/in_voltage0_scale", "0.000000000", i+"12/in_distance_input", "-0.1",
		i+"4/name", "bh1750", i+"4/in_illuminance_raw", "519", i+"4/in_illuminance_scale", "0.833333333",
	)
	for _, one := range []struct {
		options string
		want    map[string]float64
		say     string
		absent  bool
	}{
		{options: "name: cpu_thermal, channels: temp1", want: map[string]float64{"temperature": 48.312}},
		{options: "at: 1-0045, channels: temp1", want: map[string]float64{"temperature": 4}},
		{options: "name: ina226, channels: in1", want: map[string]float64{"voltage": 12.05}},
		{options: "name: ina226, channels: curr1", want: map[string]float64{"current": -1.25}},
		{options: "name: ina226, channels: power1", want: map[string]float64{"power": 15.063}},
		{options: "name: pwmfan, channels: fan1, property: fan", want: map[string]float64{"fan": 2873}},
		{options: "name: bmp280, channels: in_pressure", want: map[string]float64{"pressure": 1013.254}},
		{options: "name: ads1015, channels: in_voltage0", want: map[string]float64{"voltage": 2.468}},
		{options: "name: mcp3008, channels: in_voltage3", want: map[string]float64{"voltage": 1.65}},
		{options: "name: scd4x, channels: in_concentration_co2", want: map[string]float64{"co2": 612}},
		{options: "name: scd4x, channels: in_temp", want: map[string]float64{"temperature": 27.918}},
		{options: "name: bh1750, channels: in_illuminance", want: map[string]float64{"illuminance": 432.5}},
		{options: "name: ads1115, channels: in_voltage0", want: map[string]float64{"voltage": 0.0964453}}, // hardware.md, E10: 0.096445 V
		{options: "name: hx711, channels: in_voltage0", want: map[string]float64{"voltage": 0.000491928}},
		{options: "name: sps30, channels: in_massconcentration_pm2p5", want: map[string]float64{"pm25": 12.345}},
		{options: "name: sps30, channels: in_massconcentration_pm10", want: map[string]float64{"pm10": 20}},
		{options: "name: mlx90614, channels: in_temp_object", want: map[string]float64{"object_temperature": 36.63}},
		{options: "name: mlx90614, channels: in_temp_ambient", want: map[string]float64{"ambient_temperature": 22.45}},
		{options: "name: sgp30, channels: in_concentration_voc", want: map[string]float64{"voc": 125}},
		{options: "name: sgp40, channels: in_concentration_voc", want: map[string]float64{"voc_index": 101}},
		{options: "at: 1-0059, channels: in_concentration_voc", say: "write name: sgp40"},
		{options: "name: sgp40, channels: in_resistance", say: "no scale"},
		{options: "name: bme680, channels: in_resistance", want: map[string]float64{"resistance": 14832}},
		{options: "name: emc1413, channels: temp2", say: "temp2_fault"}, // Documentation/hwmon/sysfs-interface.rst
		{options: "name: sht3x, channels: temp1", say: "there are 2 such chips"},
		{options: "name: nothing, channels: temp1", say: "cpu_thermal", absent: true},
		{options: "at: 1-0046, channels: temp1", say: "overlay", absent: true},
		{options: "name: odd, channels: temp1", say: "-274 °C, which it cannot"},
		{options: "name: odd, channels: humidity1", say: "118.9 %, which it cannot"},
		{options: "name: odd, channels: humidity2", say: "-6 %, which it cannot"},
		{options: "name: odd, channels: humidity3", want: map[string]float64{"humidity": 100}}, // in the dew
		{options: "name: odd, channels: fan1", say: "-1 rpm, which it cannot"},
		{options: "name: odd, channels: in_illuminance", say: "-1 lx, which it cannot"},
		{options: "name: odd, channels: in_concentration_co2", say: "-1 ppm, which it cannot"},
		{options: "name: odd, channels: in_pressure", say: "-30 hPa, which it cannot"},
		{options: "name: odd, channels: in_distance", say: "-0.1 m, which it cannot"},
		{options: "name: odd, channels: in_voltage0", say: "scale is 0"},
		{options: "name: cpu_thermal, channels: temp2", say: "no such channel", absent: true},
		{options: "name: two, channels: temp3", say: `"hot"`},
	} {
		spec, faults := drivertest.Decode(New, one.options)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		got, err := sense(t, spec, b)
		if diff := cmp.Diff(one.want, got); diff != "" || (err != nil) != (one.say != "") ||
			err != nil && !strings.Contains(err.Error(), one.say) || errors.Is(err, drivers.ErrAbsent) != one.absent {
			t.Errorf("%s: %v\n%s", one.options, err, diff)
		}
	}
}

// hanging is a board on which one chip's name cannot be read.
type hanging struct{ board }

func (h hanging) Files() drivers.Files { return h }
func (h hanging) ReadFile(name string) ([]byte, error) {
	if strings.HasSuffix(name, "hwmon0/name") {
		return nil, syscall.ETIMEDOUT
	}
	return h.board.ReadFile(name)
}

// A chip that hangs is in the way of no other.
func TestAnotherHangs(t *testing.T) {
	const h = "sys/class/hwmon/hwmon"
	b := hanging{kernelWith(h+"0/name", "sht3x", h+"0/temp1_input", "1000", h+"1/name", "cpu_thermal", h+"1/temp1_input", "48312")}
	for options, want := range map[string]map[string]float64{"name: cpu_thermal, channels: temp1": {"temperature": 48.312}, "name: sht3x, channels: temp1": nil} {
		spec, _ := drivertest.Decode(New, options)
		got, err := sense(t, spec, b)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) || err != nil && !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("%s: %v\n%s", options, err, diff)
		}
	}
}

func sense(t *testing.T, spec drivers.Spec, b drivers.Board) (map[string]float64, error) {
	t.Helper()
	dev, err := spec.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	readings, err := dev.(drivers.Sensor).Sense(t.Context())
	if err != nil {
		return nil, err
	}
	values := make(map[string]float64)
	for _, r := range readings {
		values[r.Property] = r.Value.Number()
	}
	return values, nil
}

func FuzzChannel(f *testing.F) {
	for _, name := range []string{"temp1", "in0", "in_temp", "in_concentration_co2", "in_concentration_co22", "in_", "energy1"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		c, number, ok := channelOf(name)
		if ok && (strings.ContainsAny(name, "/.* ") || c.property == "" || !strings.HasSuffix(name, number)) {
			t.Errorf("%q is %+v %q", name, c, number)
		}
	})
}
