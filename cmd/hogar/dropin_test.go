package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const dropInHouse = `gateway: casa
amqp: {urls: [amqps://casa@192.168.1.20], password_file: amqp.password, ca_file: ca.pem}
mqtt: [{url: "mqtt://[fd00::7]", user: casa, password_file: mqtt.password}]
devices:
  hall.lamp:   {driver: relay, pin: GPIO17}
  hall.light:  {driver: bh1750, bus: I2C1}
  street.dust: {driver: pms5003, port: /dev/ttyUSB0}
`

func dropInOf(t *testing.T, house string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hogar.yaml"), []byte(house), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := called(t, "systemd-dropin", "--config", filepath.Join(dir, "hogar.yaml"))
	if code != exitDone {
		t.Fatal(errs)
	}
	lines := strings.Split(strings.ReplaceAll(out, dir, "DIR"), "\n")
	var kept []string
	for _, line := range lines {
		if !strings.HasPrefix(line, "SupplementaryGroups=") { // this machine's
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

func TestDropInAllowsWhatTheConfigurationUses(t *testing.T) {
	want := `# Written by hogar systemd-dropin for DIR/hogar.yaml.
# Write it again when the devices or the brokers there change.
[Service]
DeviceAllow=
DeviceAllow=char-gpiochip rw
DeviceAllow=char-i2c rw
DeviceAllow=char-ttyUSB rw
LoadCredential=amqp.password:DIR/amqp.password
LoadCredential=mqtt.password:/etc/hogar/mqtt.password
IPAddressDeny=any
IPAddressAllow=localhost 192.168.1.20 fd00::7
`
	if got := dropInOf(t, dropInHouse); got != want {
		t.Errorf("the drop-in is\n%s\nwant\n%s", got, want)
	}
	bare := dropInOf(t, "gateway: casa\namqp: {urls: [amqp://broker.example]}\n")
	if dht := dropInOf(t, "gateway: casa\ndevices: {bath.climate: {driver: dht22, pin: GPIO4}}\n"); !strings.Contains(dht, "PrivateDevices=yes\n") {
		t.Errorf("a sensor of the kernel's is given devices with\n%s", dht)
	}
	for _, line := range []string{"PrivateDevices=yes\n", "# Addresses are not limited: broker.example is a name"} {
		if !strings.Contains(bare, line) {
			t.Errorf("without devices, with a name: no %q in\n%s", line, bare)
		}
	}
	if pwm := dropInOf(t, "gateway: casa\ndevices: {sofa.light: {driver: pwm, pin: GPIO18}}\n"); !strings.Contains(pwm, "ProtectKernelTunables=no\n") {
		t.Errorf("pwm cannot be set with\n%s", pwm)
	}
	if open := dropInOf(t, "gateway: casa\nweb: {listen: \"0.0.0.0:8480\", users_file: users}\n"); strings.Contains(open, "IPAddressDeny") {
		t.Errorf("the page cannot be reached with\n%s", open)
	}
}

// TestDropInIsRated: the unit with its drop-in is at most 1.4.
func TestDropInIsRated(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze here; make dist-check installs it")
	}
	unit, err := os.ReadFile("../../systemd/hogar.service")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "hogar.service")
	if err := os.WriteFile(file, []byte(string(unit)+"\n"+dropInOf(t, dropInHouse)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=14", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	} else {
		t.Logf("%s", out[strings.LastIndex(strings.TrimSpace(string(out)), "\n")+1:])
	}
}
