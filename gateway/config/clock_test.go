package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// TestTimesInAList reads times of day as texts, however they are written.
func TestTimesInAList(t *testing.T) {
	for _, text := range []string{`[06:45, 07:15]`, `["06:45", '07:15']`, `[ 06:45 ,07:15 ]`, "\n      - 06:45\n      - 07:15"} {
		cfg, src, faults := load("x.yaml", strings.NewReader("gateway: casa\nrules:\n  r:\n    at: "+text+"\n"))
		for _, p := range src.Problems(faults) {
			t.Error(p)
		}
		var got []string
		for _, n := range cfg.Rules.Get("r").Get("at").Items {
			if n.Kind != home.NodeScalar {
				t.Errorf("%s: %s", text, n.Describe())
			}
			got = append(got, n.Text)
		}
		if diff := cmp.Diff([]string{"06:45", "07:15"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	// A map of numbers stays one.
	cfg, _, _ := load("x.yaml", strings.NewReader("gateway: casa\nrules:\n  r:\n    at: [{6: 45}]\n"))
	if n := cfg.Rules.Get("r").Get("at").Items[0]; n.Kind != home.NodeMap {
		t.Errorf("{6: 45} is %s", n.Describe())
	}
}

func TestRename(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "")
	t.Setenv("XDG_STATE_HOME", "/state")
	cfg, _, _ := load("x.yaml", strings.NewReader("gateway: casa\n"))
	cfg.Rename("villa")
	if cfg.Gateway != "villa" || cfg.Journal.Path != "/state/hogar/villa/journal" {
		t.Errorf("%s with the journal %s", cfg.Gateway, cfg.Journal.Path)
	}
	cfg, _, _ = load("x.yaml", strings.NewReader("gateway: casa\njournal: {path: /data}\n"))
	cfg.Rename("villa")
	if cfg.Journal.Path != "/data" {
		t.Errorf("the journal that was named is %s", cfg.Journal.Path)
	}
}
