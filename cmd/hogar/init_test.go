package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hogar/drivers/scan"
)

// What init writes is a configuration without faults, whatever was found.
func TestInitIsRight(t *testing.T) {
	for name, s := range map[string]surroundings{
		"nothing": {gateway: "casa"},
		"all": {gateway: "casa", zone: "America/Argentina/Cordoba", amqp: []string{"localhost", "broker-1"}, mqtt: []string{"localhost"},
			board: []scan.Finding{{Class: scan.I2C, Place: "0x76 on I2C1", Chip: "bme280", By: "chip id 0x60", Name: "room.climate", Entry: "{driver: bme280, address: 0x76}"},
				{Class: scan.I2C, Place: "0x50 on I2C1", Note: "unknown"}}},
	} {
		file := filepath.Join(t.TempDir(), "hogar.yaml")
		if err := os.WriteFile(file, []byte(s.yaml()), 0o600); err != nil {
			t.Fatal(err)
		}
		plan, problems := check(file)
		if plan == nil || len(problems) > 0 {
			t.Errorf("%s: %v\n%s", name, problems, s.yaml())
		}
		uncommented := strings.NewReplacer("\n# rules:", "\nrules:", "\n#   ", "\n  ", "\n  # hall.", "\n  hall.", "# devices:", "devices:", "# location:", "location:").Replace(s.yaml())
		if err := os.WriteFile(file, []byte(uncommented), 0o600); err != nil {
			t.Fatal(err)
		}
		if plan, problems := check(file); plan == nil {
			t.Errorf("%s, its examples: %v\n%s", name, problems, uncommented)
		}
	}
}

// init writes a file that check likes, and leaves alone what is there.
func TestInit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hogar.yaml")
	if code, out, errs := called(t, "init", file, "--gateway", "casa", "--root", t.TempDir()); code != exitDone || !strings.Contains(out, "is written") {
		t.Fatal(code, out, errs)
	}
	if code, _, errs := called(t, "check", file); code != exitDone {
		t.Error(errs)
	}
	if code, _, errs := called(t, "init", file); code != exitFailed || !strings.Contains(errs, "is there already") {
		t.Error(code, errs)
	}
	if code, out, _ := called(t, "init", "-", "--gateway", "villa", "--root", t.TempDir()); code != exitDone || !strings.Contains(out, "gateway: villa\n") {
		t.Error(code, out)
	}
	if code, _, errs := called(t, "init", "-", "--gateway", "Mi Casa"); code != exitUsage || !strings.Contains(errs, "--gateway") {
		t.Error(code, errs)
	}
}
