package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// examples is the folder of the configurations that come with hogar.
const examples = "../../configs"

func TestExamplesLoad(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(examples + "/*.yaml")
	if err != nil || len(names) < 3 {
		t.Fatalf("%d examples: %v", len(names), err)
	}
	for _, name := range names {
		// hogar rule test reads tests of rules; a catalog belongs to a configuration.
		if strings.HasSuffix(name, "_test.yaml") || strings.HasSuffix(name, "_catalog.yaml") {
			continue
		}
		_, src, faults := Load(name)
		for _, p := range src.Problems(faults) {
			t.Error(p)
		}
	}
}

// TestDefaultsInExample takes the # away from every default in hogar.yaml: nothing
// may change by it, and every key of the house must stand there.
func TestDefaultsInExample(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "")
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", "/home/ana")
	text, err := os.ReadFile(examples + "/hogar.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`(?m)^(\s*)#([a-z_]+: )`).ReplaceAllString(string(text), "$1$2")
	want, _, faults := load("hogar.yaml", strings.NewReader(string(text)))
	got, src, more := load("hogar.yaml", strings.NewReader(all))
	for _, p := range append(src.Problems(faults), src.Problems(more)...) {
		t.Error(p)
	}
	for _, cfg := range []*Config{want, got} {
		for i := range cfg.Devices {
			cfg.Devices[i].Options = nil
		}
		cfg.Rules, cfg.Location = nil, Location{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a default is not what hogar.yaml says (-does +says):\n%s", diff)
	}
	for _, key := range []string{"urls", "exchange", "queue_type", "history", "declare", "path", "max_size", "sync", "keep", "when_full", "when_dead"} {
		if !strings.Contains(string(text), "\n  #"+key+": ") {
			t.Errorf("hogar.yaml does not show %s", key)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOGAR_CONFIG", "")
	if got, err := Find("my.yaml"); got != "my.yaml" || err != nil {
		t.Error(got, err)
	}
	if _, err := os.Stat("/etc/hogar/hogar.yaml"); err != nil {
		if _, err := Find(""); err == nil || !strings.Contains(err.Error(), "--config FILE") {
			t.Error(err)
		}
	}
	if err := os.WriteFile("hogar.yaml", []byte("gateway: casa\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(""); got != "hogar.yaml" || err != nil {
		t.Error(got, err)
	}
	t.Setenv("HOGAR_CONFIG", "/else/where.yaml")
	if got, err := Find(""); got != "/else/where.yaml" || err != nil {
		t.Error(got, err)
	}
}

func TestDial(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("p@ss/w\nmore\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := AMQP{URLs: []string{"amqp://casa@one", "amqp://casa:own@two", "amqp://three"}, PasswordFile: secret}
	got, err := a.Dial()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"amqp://casa:p%40ss%2Fw@one", "amqp://casa:own@two", "amqp://three"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Dial(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a secret that others can read: %v", err)
	}
	_, problems := told(t, "gateway: casa\namqp: {password_file: "+secret+"}\n")
	if !strings.Contains(problems, "x.yaml:2:23: amqp.password_file: secret") {
		t.Errorf("check says %q", problems)
	}
	credentials := t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "amqp.password"), []byte("systemd"), 0o440); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	if got, err := a.Dial(); err != nil || got[0] != "amqp://casa:systemd@one" {
		t.Error(got, err)
	}
}

// TestSecretsAreCovered looks for the password in everything that is shown.
func TestSecretsAreCovered(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"amqp: {urls: [\"amqp://a:geheim@b\"], x: 1}", "amqp:\n  urls: amqp://a:geheim@b:99999", "amqp: {urls: [amqp://a:geheim@b:x]}",
		"amqp: {password: geheim}", "amqp:\n  password: geheim nis\n", "mqtt: [{url: \"mqtt://a:geheim@b\"}]\nx: @1", "amqp: {urls: [http://a:geheim@b]}",
		"amqp://a:geheim@b: 1", "amqp: {exchange: [\"amqp://a:geheim@b\"]}", "amqp: {queue_type: \"amqp://a:geheim@b\"}", "amqp: {urls: \"amqp://a:geheim%zz@b\"}",
	} {
		_, src, faults := load("x.yaml", strings.NewReader("gateway: casa\n"+text))
		var b strings.Builder
		problems := src.Problems(faults)
		if err := Print(&b, problems); err != nil || len(problems) == 0 {
			t.Errorf("%q: %d problems, %v", text, len(problems), err)
		}
		if strings.Contains(b.String(), "geheim") {
			t.Errorf("%q is shown:\n%s", text, b.String())
		}
	}
	if got := Redact("amqp://a:geheim@b:5672/v"); got != "amqp://a:***@b:5672/v" {
		t.Error(got)
	}
	for url, want := range map[string]bool{"amqp://localhost": true, "amqp://127.0.0.2:1": true, "amqp://[::1]:5": true, "amqp://broker": false, "amqp://10.0.0.1": false} {
		if Loopback(url) != want {
			t.Errorf("%s is loopback: %v", url, !want)
		}
	}
}

// TestSuppressed says that a value that YAML has cut is not checked any further,
// and that a warning lets the house run.
func TestSuppressed(t *testing.T) {
	t.Parallel()
	cfg, src, faults := load("x.yaml", strings.NewReader("gateway: casa\nrules:\n  r: {when: a.b, if: !c.d}\n  s: {when: c.d}\n"))
	for _, path := range [][]string{{"rules", "r", "if"}, {"rules", "r", "if", "x"}, {"rules", "s", "when"}, {"rules", "s", "do"}} {
		faults.Add(home.Fault{Path: path, Message: "what a rule says"})
	}
	var got []string
	for _, p := range src.Problems(faults) {
		got = append(got, p.String())
	}
	want := []string{
		"x.yaml:3:22: rules.r: '!' begins a YAML tag (write: not c.d)",
		"x.yaml:4:3: rules.s.do: what a rule says",
		"x.yaml:4:13: rules.s.when: what a rule says",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if src.Complete() || len(cfg.Rules.Pairs) != 2 {
		t.Errorf("complete: %v, %d rules", src.Complete(), len(cfg.Rules.Pairs))
	}
}
