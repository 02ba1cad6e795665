package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hogar/drivers"
	"hogar/drivers/scan"
	"hogar/gateway/api"
	"hogar/gateway/home"
)

// TestScan looks at the simulated board of the house with one of each driver: every
// device of it is found.
func TestScan(t *testing.T) {
	t.Parallel()
	code, out, errs := called(t, "scan", "--simulate", "--config", "../../configs/sensors.yaml")
	if code != exitDone || errs != "" {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	plan, _ := check("../../configs/sensors.yaml")
	for name, parts := range plan.Parts() {
		if parts[0].Kernel != "dev/serial0" && !strings.Contains(out, name) {
			t.Errorf("%s is not found", name)
		}
	}
	if strings.Contains(out, "to paste") || !strings.Contains(out, "free: GPIO0 ") {
		t.Errorf("the scan says\n%s", out)
	}
}

// TestScanEntries pastes what a scan of a machine prints, and checks it.
func TestScanEntries(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{
		"sys/class/hwmon/hwmon0/name":                    "cpu_thermal\n",
		"sys/class/hwmon/hwmon0/temp1_input":             "48200\n",
		"sys/bus/w1/devices/28-0316a27902ff/temperature": "21312\n",
		"sys/class/pwm/pwmchip2/npwm":                    "4\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := called(t, "scan", "--root", root)
	_, devices, _ := strings.Cut(out, "devices:\n")
	if code != exitDone || strings.Count(devices, "\n") != 3 || !strings.Contains(errs, "raspi-config") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if problems := problemsOf(t, "devices:\n"+devices); len(problems) > 0 {
		t.Errorf("what is to be pasted has %+v\n%s", problems, devices)
	}
	code, out, _ = called(t, "scan", "--root", root, "--json")
	for line := range strings.Lines(out) {
		var f scan.Finding
		if err := json.Unmarshal([]byte(line), &f); err != nil || f.Class == "" || f.Place == "" {
			t.Errorf("%s: %v", line, err)
		}
	}
	if code != exitDone || strings.Count(out, "\n") != 3 {
		t.Errorf("exit code %d, --json says\n%s", code, out)
	}
}

// TestScanProbes: devices of the configuration are named by it and not asked, what is to be written is in the help.
func TestScanProbes(t *testing.T) {
	t.Parallel()
	code, out, errs := called(t, "scan", "--simulate", "--probe", "--config", "../../configs/sensors.yaml")
	if code != exitDone || errs != "" || !strings.Contains(out, "(the configuration)") || strings.Contains(out, "by its address") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	_, help, _ := called(t, "scan", "--help")
	for _, q := range scan.Asked() {
		if !strings.Contains(help, q.Writes+", for "+q.Chips) {
			t.Errorf("the help does not say that %s is written", q.Writes)
		}
	}
}

// TestProbeKnowsTheGateway: a gateway that runs here must have its chips in the configuration, or be a simulated one, or have ended.
func TestProbeKnowsTheGateway(t *testing.T) {
	t.Parallel()
	listen := func(simulated bool) string {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(api.Status{Gateway: "casa", Simulated: simulated})
		})
		mux.HandleFunc("GET /api/devices", func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode([]home.DeviceState{{Name: "hall.light", Driver: "bh1750"}, {Name: "hall.lamp", Driver: "relay"}, {Name: "shed.inputs", Driver: "ads1015"}})
		})
		s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
		go func() { _ = s.Serve(l) }()
		t.Cleanup(func() { _ = s.Close() })
		return path
	}
	left := filepath.Join(t.TempDir(), "left")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: left, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	light := map[string][]drivers.Part{"hall.light": {{Chip: "bh1750", Bus: "I2C1", Address: 0x5c}}}
	both := map[string][]drivers.Part{"hall.light": light["hall.light"], "shed.inputs": {{Chip: "ads1015", Bus: "I2C1", Address: 0x48}}}
	for name, one := range map[string]struct {
		path  string
		known map[string][]drivers.Part
		says  string
	}{
		"another configuration": {listen(false), nil, "hall.light is in no configuration"},
		"half of it":            {listen(false), light, "shed.inputs is in no configuration"},
		"its configuration":     {listen(false), both, ""},
		"a simulated gateway":   {listen(true), nil, ""},
		"one that has ended":    {left, nil, ""},
		"none":                  {filepath.Join(t.TempDir(), "no"), nil, ""},
	} {
		err := knownTo(t.Context(), one.path, one.known)
		if (err == nil) != (one.says == "") || err != nil && !strings.Contains(err.Error(), one.says) {
			t.Errorf("%s: %v, want %q", name, err, one.says)
		}
	}
}

func TestScanFaults(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"scan", "--config", "no/such.yaml"}, exitFailed, "no/such.yaml"},
		{[]string{"scan", "--root", "no/such"}, exitFailed, "no/such"},
		{[]string{"scan", "--simulate", "--root", t.TempDir(), "--config", "../../configs/pi.yaml"}, exitUsage, "choose one"},
		{[]string{"scan", "--root", t.TempDir()}, exitFailed, "no I2C bus"},
		{[]string{"scan", "I2C1"}, exitUsage, "expected: hogar scan"},
	} {
		if code, out, errs := called(t, one.args...); code != one.code || !strings.Contains(errs, one.says) {
			t.Errorf("hogar %s: exit code %d, want %d\n%s%s", strings.Join(one.args, " "), code, one.code, out, errs)
		}
	}
}

// TestScanWithoutItsConfiguration: a scan that needs no configuration goes on without one that cannot be used, and
// one that writes to chips does not.
func TestScanWithoutItsConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hogar.yaml"), []byte("gateway: Casa\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for probe, want := range map[string]int{"--probe=false": exitDone, "--probe": exitFailed} {
		cmd := hogar(dir, "scan", "--root", dir, probe)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput()
		got := cmd.ProcessState.ExitCode()
		if went := strings.Contains(string(out), "going on without the configuration"); went != (want == exitDone) || want == exitFailed && got != want {
			t.Errorf("%s: exit code %d\n%s", probe, got, out)
		}
	}
}

// TestFlagsComplete asks the shell's question for the flags that take one of a few words.
func TestFlagsComplete(t *testing.T) {
	t.Parallel()
	for _, c := range [][]string{{"watch", "--kind", "outcome"}, {"run", "--log", "warn"}} {
		code, out, errs := called(t, "__complete", c[0], c[1], "")
		if code != exitDone || !strings.Contains(out, c[2]+"\n") {
			t.Errorf("%v: exit code %d\n%s%s", c, code, out, errs)
		}
	}
}
