package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPasswordOfTheCommandLine: it need not stand in the address, where other users of the
// machine see it.
func TestPasswordOfTheCommandLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("s3cr@t\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AMQP_PASSWORD_FILE", file)
	for given, want := range map[string]string{
		"":                      "",
		"amqp://broker-1":       "amqp://broker-1",
		"amqp://panel@broker-1": "amqp://panel:s3cr%40t@broker-1",
		"amqp://panel:other@b":  "amqp://panel:other@b",
		"amqp://panel@b:port":   "amqp://panel@b:port", // told by who dials
	} {
		if got, err := dialable(given); err != nil || got != want {
			t.Errorf("%q is dialled as %q, %v; want %q", given, got, err, want)
		}
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, errs := called(t, "devices", "--amqp", "amqp://panel@127.0.0.1:1", "--gateway", "casa")
	if code != exitFailed || !strings.Contains(errs, "AMQP_PASSWORD_FILE") || strings.Contains(errs, "s3cr") {
		t.Errorf("a file that all may read: exit code %d, %s", code, errs)
	}
}
