package scan_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/ads1115"
	"hogar/drivers/aht20"
	"hogar/drivers/bh1750"
	"hogar/drivers/bme280"
	"hogar/drivers/board"
	"hogar/drivers/drivertest"
	"hogar/drivers/ina219"
	"hogar/drivers/ina226"
	"hogar/drivers/lm75"
	"hogar/drivers/mcp9808"
	"hogar/drivers/pca9685"
	"hogar/drivers/scan"
	"hogar/drivers/scd4x"
	"hogar/drivers/sht3x"
	"hogar/drivers/sht4x"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/drivers/ssd1306"
	"hogar/drivers/tmp102"
)

// chips are what hogar has drivers of, with what a scan makes of each at power-up.
func chips() []struct {
	driver  drivers.Driver
	options string
	want    scan.Finding
} {
	type row = struct {
		driver  drivers.Driver
		options string
		want    scan.Finding
	}
	return []row{
		{bme280.New, "address: 0x77", scan.Finding{Chip: "bme280", By: "register 0xd0 is 0x60", Entry: "{driver: bme280, address: 0x77}"}},
		{bme280.NewBMP, "", scan.Finding{Chip: "bmp280", By: "register 0xd0 is 0x58", Entry: "{driver: bmp280, address: 0x76}"}},
		{lm75.New, "address: 0x4f", scan.Finding{Chip: "lm75", By: "its limits are those at power-up", Entry: "{driver: lm75, address: 0x4f}"}},
		{sht3x.New, "bus: I2C4", scan.Finding{Chip: "sht3x", By: "it answers to F3 2D", Entry: "{driver: sht3x, bus: I2C4, address: 0x44}"}},
		{sht4x.New, "address: 0x45", scan.Finding{Chip: "sht4x", By: "it answers to 89", Entry: "{driver: sht4x, address: 0x45}"}},
		{aht20.New, "", scan.Finding{Chip: "aht20", By: "its checksum is right", Entry: "{driver: aht20}"}},
		{scd4x.New, "", scan.Finding{Chip: "scd4x", By: "it answers to E4 B8", Entry: "{driver: scd4x}"}},
		{bh1750.New, "", scan.Finding{Chip: "bh1750", Entry: "{driver: bh1750, address: 0x23}"}},
		{tmp102.New, "", scan.Finding{Chip: "tmp102", By: "its limits and its 12 bits", Entry: "{driver: tmp102, address: 0x48}"}},
		{mcp9808.New, "", scan.Finding{Chip: "mcp9808", By: "register 0x06 is 0x54", Entry: "{driver: mcp9808, address: 0x18}"}},
		// It has converted nothing yet, and nobody knows it by that.
		{ads1115.New, "a0: one", scan.Finding{Chip: "ads1115 or tmp102 or lm75 or ina219 or pcf8591", Entry: "{driver: ads1115, address: 0x48, a0: voltage0}"}},
		{ina219.New, "", scan.Finding{Chip: "ina219", By: "its configuration is that at power-up", Entry: "{driver: ina219, address: 0x40}"}},
		{ina226.New, "", scan.Finding{Chip: "ina226", By: "registers 0xfe and 0xff are 0x5449 and 0x2260", Entry: "{driver: ina226, address: 0x40}"}},
		{pca9685.New, "address: 0x41, out0: one", scan.Finding{Chip: "pca9685", By: "its modes and its prescaler are possible ones",
			Entry: "{driver: pca9685, address: 0x41, out0: light0}"}},
		{ssd1306.New, "", scan.Finding{Chip: "ssd1306", Entry: "{driver: ssd1306, address: 0x3c}"}},
	}
}

// TestEachChip asks each chip of which there is a driver, the only one on its board, what
// it is, and writes an entry that its own driver accepts.
func TestEachChip(t *testing.T) {
	for _, one := range chips() {
		t.Run(one.want.Chip, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rig := drivertest.NewRig(t, one.driver, one.options)
				probe(t, rig.Board, nil)
				time.Sleep(time.Second) // it has its supply for a while
				got := onBus(t, probe(t, rig.Board, nil))
				if len(got) != 1 {
					t.Fatalf("found %+v", got)
				}
				got[0].Class, got[0].Place, got[0].Name, got[0].Note = "", "", "", ""
				if diff := cmp.Diff(one.want, got[0]); diff != "" {
					t.Errorf("want -, got +\n%s", diff)
				}
				entry := strings.Trim(one.want.Entry, "{}")
				_, options, _ := strings.Cut(entry, ", ")
				if _, faults := drivertest.Decode(one.driver, options); len(faults) > 0 {
					t.Errorf("its driver refuses %s: %v", entry, faults)
				}
			})
		})
	}
}

// TestNobodyIsDisturbed scans between the measurements of a device that is open.
func TestNobodyIsDisturbed(t *testing.T) {
	for _, one := range chips() {
		t.Run(one.want.Chip, func(t *testing.T) {
			chip, _, _ := strings.Cut(one.want.Chip, " ")
			synctest.Test(t, func(t *testing.T) {
				rig := drivertest.NewRig(t, one.driver, one.options)
				dev := rig.Open(t).(drivers.Sensor)
				var before []drivers.Reading
				for n := range 3 {
					readings, err := dev.Sense(t.Context())
					if err != nil {
						t.Fatalf("measurement %d: %v", n+1, err)
					}
					if n > 0 && len(readings) != len(before) {
						t.Errorf("%d readings after a scan, %d before", len(readings), len(before))
					}
					before = readings
					if got := onBus(t, probe(t, rig.Board, nil)); len(got) != 1 || !strings.Contains(got[0].Chip, chip) {
						t.Errorf("while it is used it is found as %+v", got)
					}
					time.Sleep(rig.Spec.Every)
				}
			})
		})
	}
}

// TestConfigured leaves out what a device of the configuration uses.
func TestConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, bme280.New, "")
		report := look(t, rig.Board, map[string][]drivers.Part{"kitchen.climate": rig.Spec.Parts})
		if got := onBus(t, report); len(got) != 1 || got[0].Holder != "kitchen.climate" || got[0].Entry != "" || got[0].Name != "" {
			t.Errorf("found %+v", got)
		}
	})
}

// TestBrokenBus goes on with the next bus, and says what is wrong with this one.
func TestBrokenBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBoard(t, map[string][]drivers.Part{
			"a": {{Chip: "bh1750", Bus: "I2C1", Address: 0x23}},
			"b": {{Chip: "bh1750", Bus: "I2C10", Address: 0x23}},
		})
		if err := b.Fault("a", simboard.Hang); err != nil {
			t.Fatal(err)
		}
		report := look(t, b, nil)
		if len(report.Problems) != 1 || !strings.Contains(report.Problems[0], "I2C1 hangs") {
			t.Errorf("problems: %q", report.Problems)
		}
		if got := onBus(t, report); len(got) != 1 || got[0].Place != "0x23 on I2C10" {
			t.Errorf("found %+v", got)
		}
	})
}

// TestEnds ends with its context.
func TestEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := scan.Look(ctx, newBoard(t, nil), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// TestPins tells held and free pins, those of expanders as well.
func TestPins(t *testing.T) {
	b := newBoard(t, map[string][]drivers.Part{"hall.lamp": {{Chip: "relay", Pin: "mcp23017/3"}}})
	for _, pin := range []string{"GPIO17", "mcp23017/3"} {
		if _, err := b.Line(drivers.LineOptions{Pin: pin, Consumer: "by " + pin, Output: true}); err != nil {
			t.Fatal(err)
		}
	}
	held := make(map[string]string)
	free := 0
	for _, f := range look(t, b, nil).Findings {
		if f.Class == scan.GPIO && f.Holder != "" {
			held[f.Place] = f.Value + " " + f.Holder
		} else if f.Class == scan.GPIO {
			free++
		}
	}
	if diff := cmp.Diff(map[string]string{"GPIO17": "output by GPIO17", "mcp23017/3": "output by mcp23017/3"}, held); diff != "" || free != 27 {
		t.Errorf("%d free\n%s", free, diff)
	}
}

// TestKernelFiles looks at a folder with the files of a kernel, as a Raspberry Pi has them.
func TestKernelFiles(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"sys/bus/w1/devices/28-0316a27902ff/temperature":          "21312\n",
		"sys/bus/w1/devices/00-400000000000/w1_slave":             "00\n",
		"sys/class/hwmon/hwmon0/name":                             "cpu_thermal\n",
		"sys/class/hwmon/hwmon0/temp1_input":                      "48200\n",
		"sys/class/hwmon/hwmon0/temp1_crit":                       "110000\n",
		"sys/class/hwmon/hwmon1/name":                             "rpi_volt\n",
		"sys/class/hwmon/hwmon1/in0_lcrit_alarm":                  "0\n",
		"sys/class/hwmon/hwmon2/name":                             "sht3x\n",
		"sys/class/hwmon/hwmon2/temp1_input":                      "20000\n",
		"sys/class/hwmon/hwmon2/humidity1_input":                  "53000\n",
		"sys/class/hwmon/hwmon3/name":                             "sht3x\n",
		"sys/class/hwmon/hwmon3/temp1_input":                      "no number\n",
		"sys/bus/i2c/devices/1-0044/hwmon/hwmon2/name":            "sht3x\n",
		"sys/bus/i2c/devices/1-0045/hwmon/hwmon3/name":            "sht3x\n",
		"sys/bus/iio/devices/iio:device0/name":                    "dht11@4\n",
		"sys/bus/iio/devices/iio:device0/of_node/gpios":           "\x00\x00\x00\x07\x00\x00\x00\x04\x00\x00\x00\x00",
		"sys/bus/iio/devices/iio:device1/name":                    "tsl2563\n",
		"sys/bus/iio/devices/iio:device1/in_illuminance0_input":   "120\n",
		"sys/bus/platform/devices/fe20c000.pwm/pwm/pwmchip0/npwm": "2\n",
		"sys/class/pwm/pwmchip0/npwm":                             "2\n",
		"sys/class/pwm/pwmchip7/npwm":                             "16\n",
	} {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := board.New(board.Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	report := look(t, b, map[string][]drivers.Part{"rack.cpu": {{Chip: "kernel", Kernel: "hwmon/cpu_thermal/temp1"}}})
	var got []string
	for _, f := range report.Findings {
		got = append(got, strings.Join([]string{f.Class, f.Place, f.Value, f.Holder, f.Name, f.Entry}, "|"))
	}
	want := []string{
		"w1|28-0316a27902ff|21.312 °C||room.probe|{driver: ds18b20, id: 28-0316a27902ff}",
		"hwmon|cpu_thermal|temp1 48.2 °C|rack.cpu||",
		"hwmon|rpi_volt||||",
		"hwmon|sht3x at 1-0044|humidity1 53 %, temp1 20 °C||room.sht3x|{driver: kernel, at: 1-0044, channels: [humidity1, temp1]}",
		"hwmon|sht3x at 1-0045||||",
		"iio|GPIO4|||room.climate|{driver: dht22, pin: GPIO4}",
		"iio|tsl2563|in_illuminance0 120 lx||room.tsl2563|{driver: kernel, name: tsl2563, channels: [in_illuminance0]}",
		"pwm|pwmchip0|2 channels||room.light|{driver: pwm, pin: GPIO18}",
		"pwm|pwmchip7|16 channels||room.light2|{driver: pwm, chip: pwmchip7, channel: 0}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if len(report.Problems) != 1 || !strings.Contains(report.Problems[0], "raspi-config") {
		t.Errorf("problems: %q", report.Problems)
	}
}

func newBoard(t *testing.T, parts map[string][]drivers.Part) *simboard.Board {
	t.Helper()
	b, err := simboard.New(world.New(world.Options{}), time.Now, parts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func look(t *testing.T, b scan.Board, known map[string][]drivers.Part) scan.Report {
	t.Helper()
	report, err := scan.Look(t.Context(), b, known)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func probe(t *testing.T, b scan.Board, known map[string][]drivers.Part) scan.Report {
	t.Helper()
	report, err := scan.Probe(t.Context(), b, known)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// onBus are the findings on I2C. Nothing else may be wrong.
func onBus(t *testing.T, report scan.Report) (found []scan.Finding) {
	t.Helper()
	for _, f := range report.Findings {
		if f.Class == scan.I2C {
			found = append(found, f)
		}
	}
	return found
}
