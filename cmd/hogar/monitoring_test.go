package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMonitoringUsesOurMetrics: the dashboard and the alert rules ask for metrics
// that the gateway has and the reference explains.
func TestMonitoringUsesOurMetrics(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	files, err := filepath.Glob("../../gateway/metrics*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("the metrics are not where they were: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	for _, file := range []string{"grafana.json", "alerts.yml"} {
		text, err := os.ReadFile("../../configs/monitoring/" + file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`hogar_[a-z_]+`).FindAllString(string(text), -1)
		if len(names) < 8 {
			t.Errorf("%s uses %d metrics", file, len(names))
		}
		for _, name := range names {
			if !strings.Contains(source.String(), strings.TrimSuffix(name, "_bucket")) {
				t.Errorf("%s asks for %s, which there is not", file, name)
			}
		}
	}
	dashboard, err := os.ReadFile("../../configs/monitoring/grafana.json")
	if err != nil || !json.Valid(dashboard) {
		t.Errorf("the dashboard is no JSON: %v", err)
	}
}

// TestShellInTheDocsIsShell: a shell reads every block without running it. That the
// commands of hogar in it exist is shown by another test.
func TestShellInTheDocsIsShell(t *testing.T) {
	t.Parallel()
	count := 0
	for name, page := range pages(t) {
		for _, block := range blocks(page, "sh") {
			count++
			if strings.HasPrefix(block, "$ ") { // what was typed, and what came
				continue
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-n")
			cmd.Stdin = strings.NewReader(block)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s\n%s", name, err, out, block)
			}
		}
	}
	if count < 10 {
		t.Errorf("only %d blocks were found", count)
	}
}
