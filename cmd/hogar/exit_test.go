package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunExitsForGoodOverAWrongConfiguration: 78 tells systemd not to try again.
func TestRunExitsForGoodOverAWrongConfiguration(t *testing.T) {
	wrong := filepath.Join(t.TempDir(), "hogar.yaml")
	if err := os.WriteFile(wrong, []byte("gateway: Casa\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{wrong, filepath.Join(t.TempDir(), "none.yaml")} {
		cmd := hogar(t.TempDir(), "run", "--config", path)
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != exitConfig {
			t.Errorf("%s: exit code %d, want %d", path, code, exitConfig)
		}
	}
	unit, err := os.ReadFile("../../systemd/hogar.service")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(unit), "\nRestartPreventExitStatus=78\n") {
		t.Error("the unit does not know the exit code")
	}
}
