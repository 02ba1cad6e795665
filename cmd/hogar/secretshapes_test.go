package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hogar/gateway"
)

// pieces are the parts of a secret of any shape. Not one of them may be shown.
var pieces = [3]string{"kw4rtz", "vex1ng", "jumbl3"}

// shapes are addresses that people write, with a secret in them that has signs of its own. Some
// can be read, and nobody answers; others cannot.
func shapes() map[string]string {
	a, b, c := pieces[0], pieces[1], pieces[2]
	found := map[string]string{
		"plain":            "amqp://u:" + a + "@127.0.0.1:1",
		"encoded":          "amqp://u:" + url.QueryEscape(a+"%/?#@: ü"+b) + "@127.0.0.1:1/v",
		"port no number":   "amqp://u:" + a + ":" + b + "@127.0.0.1:" + "nope",
		"port too large":   "amqp://u:" + a + "@127.0.0.1:99999",
		"no scheme":        "u:" + a + "%" + b + "@127.0.0.1:1",
		"slashes alone":    "//u:" + a + "/" + b + "@127.0.0.1:1",
		"another scheme":   "ftp://u:" + a + "@127.0.0.1:1",
		"two hosts":        "amqp://u:" + a + "@" + b + "@127.0.0.1:1",
		"no user":          "amqp://:" + a + "@127.0.0.1:1",
		"no host":          "amqp://u:" + a + "/" + b + "@",
		"no password sign": "amqp://u:" + a,
		"digits before":    "amqp://u:12345/" + a + "@127.0.0.1:1",
		"in the path":      "amqp://127.0.0.1:1/" + "v?password=" + a,
		"two lines":        "amqp://u:" + a + "\n" + b + "@127.0.0.1:1",
	}
	for _, sign := range []string{"%", "/", "?", "#", "@", ":", " ", "ü", "%zz", "%2", "[", "]", "\"", "'", "\\", "&", "{", "}", ",", "://", ": "} {
		found["sign "+sign] = "amqp://u:" + a + sign + b + sign + c + "@127.0.0.1:1"
		found["mqtt sign "+sign] = "mqtt://u:" + a + sign + b + sign + c + "@127.0.0.1:1"
	}
	return found
}

// shows returns the piece that a text shows.
func shows(text string) string {
	for _, p := range pieces {
		if i := strings.Index(text, p); i >= 0 {
			return fmt.Sprintf("…%s…", text[max(0, i-80):min(len(text), i+60)])
		}
	}
	return ""
}

// said runs a command, for a moment, and returns all that it says.
func said(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	var o, e lines
	execute(ctx, args, strings.NewReader(""), &o, &e)
	return o.String() + e.String()
}

// TestNoSecretOfAnyShapeInTheConfiguration puts each shape into each key that there is, and
// into keys that do not exist, as text, list and map, and reads what check says.
func TestNoSecretOfAnyShapeInTheConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "hogar.yaml")
	keys, checked := 0, 0
	for _, s := range gateway.Sections() {
		words := []string{"password", "token", "passwd", "secret_of_mine"}
		for _, k := range s.Keys {
			words = append(words, k.Key)
		}
		for _, key := range words {
			keys++
			for shape, text := range shapes() {
				if strings.HasPrefix(shape, "mqtt ") != (s.Name == "mqtt[]") && strings.HasPrefix(shape, "mqtt ") {
					continue
				}
				quoted, err := json.Marshal(text)
				need(t, err)
				values := []string{string(quoted), "[" + string(quoted) + "]", "{" + key + ": " + string(quoted) + "}"}
				if !slices.Contains([]string{"", "amqp", "mqtt[]", "web"}, s.Name) { // there are many, and they decode alike
					if values = values[:1]; crc32.ChecksumIEEE([]byte(shape+s.Name+key))%8 > 0 {
						continue
					}
				}
				for _, value := range values {
					yaml := planted(s.Name, key, value)
					need(t, os.WriteFile(path, []byte(yaml), 0o600))
					for _, args := range [][]string{{"check", path}, {"check", "--json", path}} {
						out := said(t, args...)
						if found := shows(out); found != "" {
							t.Errorf("%s.%s, %s, of %s: %s", s.Name, key, shape, yaml, found)
						}
						checked += len(out)
					}
					if c := configuration(path); shows(fmt.Sprint(c)) != "" {
						t.Errorf("the page shows %s.%s, %s: %s", s.Name, key, shape, shows(fmt.Sprint(c)))
					}
				}
			}
			if t.Failed() {
				return
			}
		}
	}
	if keys < 100 || checked < 1_000_000 {
		t.Errorf("only %d keys and %d bytes were looked at", keys, checked)
	}
}

// planted is a configuration with a value at a key of a section.
func planted(section, key, value string) string {
	entry := fmt.Sprintf("%q: %s", key, value)
	driver, isDriver := strings.CutPrefix(section, "driver ")
	switch {
	case section == "":
		return entry + "\n"
	case isDriver:
		return "gateway: casa\ndevices:\n  hall.x: {driver: " + driver + ", " + entry + "}\n"
	case section == "devices.*":
		return "gateway: casa\ndevices:\n  hall.x:\n    driver: relay\n    pin: GPIO4\n    " + entry + "\n"
	case section == "mqtt[]" && key == "url":
		return "gateway: casa\nmqtt:\n  - " + entry + "\n"
	case section == "mqtt[]":
		return "gateway: casa\nmqtt:\n  - url: mqtt://localhost\n    " + entry + "\n"
	case section == "rules.*":
		return "gateway: casa\nrules:\n  a: {" + entry + "}\n"
	}
	return "gateway: casa\n" + section + ":\n  " + entry + "\n"
}

// TestNoSecretOfAnyShapeOnTheCommandLine gives each shape to each flag and variable that takes an
// address, of each command that there is, and to commands that take none.
func TestNoSecretOfAnyShapeOnTheCommandLine(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // for what commands write
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("DEMO_SECONDS", "1")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("NOTIFY_SOCKET", "")
	house := filepath.Join(dir, "house.yaml")
	need(t, os.WriteFile(house, []byte("gateway: casa\njournal: {path: journal}\ndevices:\n  hall.lamp: {driver: relay, pin: GPIO17}\n"), 0o600))
	need(t, os.WriteFile("rules.yaml", []byte("rules: {}\n"), 0o600))
	flags, commands, bytes := 0, 0, 0
	look := func(what string, args ...string) {
		t.Helper()
		out := said(t, args...)
		bytes += len(out)
		if found := shows(out); found != "" {
			t.Errorf("%s: hogar %q: %s", what, args, found)
		}
	}
	for _, cmd := range leaves(newRoot()) {
		path := strings.Fields(cmd.CommandPath())[1:]
		commands++
		takes := addressFlags(cmd)
		flags += len(takes)
		for shape, text := range shapes() {
			slow := slices.Contains([]string{"run", "demo"}, path[0])
			if crc32.ChecksumIEEE([]byte(shape+cmd.CommandPath()))%6 > 0 { // each command has some of them, and no two the same
				continue
			}
			for _, flag := range takes {
				t.Setenv("AMQP_URL", "")
				look(shape+" as --"+flag, slices.Concat(path, usual(cmd, house, flag), []string{"--" + flag + "=" + text})...)
			}
			t.Setenv("AMQP_URL", text)
			look(shape+" as AMQP_URL", slices.Concat(path, usual(cmd, house, ""))...)
			t.Setenv("AMQP_URL", "")
			if strings.Contains(text, "://") && !strings.Contains(text, "\n") && !slow && path[0] != "password" { // in the wrong place
				look(shape+" as an argument", append(slices.Clone(path), text)...)
				look(shape+" as a wrong flag", append(slices.Clone(path), "--ampq="+text)...)
			}
		}
		if t.Failed() {
			return
		}
	}
	if flags < 12 || commands < 30 || bytes < 10_000 {
		t.Errorf("only %d flags of %d commands and %d bytes were looked at", flags, commands, bytes)
	}
}

// leaves lists the commands that do something.
func leaves(cmd *cobra.Command) (list []*cobra.Command) {
	if !cmd.HasSubCommands() {
		return []*cobra.Command{cmd}
	}
	if cmd.Runnable() && cmd.HasParent() {
		list = append(list, cmd)
	}
	for _, sub := range cmd.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" {
			list = append(list, leaves(sub)...)
		}
	}
	return list
}

// addressFlags lists the flags that take the address of a broker.
func addressFlags(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if strings.Contains(f.Usage, "URL") || strings.Contains(f.Usage, "RabbitMQ") && f.Value.Type() == "string" {
			names = append(names, f.Name)
		}
	})
	return names
}

// usual are the arguments with which a command comes as far as to its address.
func usual(cmd *cobra.Command, house, but string) (args []string) {
	for name, value := range map[string]string{"config": house, "gateway": "casa", "rules": "rules.yaml", "listen": "50ms", "since": "1h", "simulate": "true", "web": "127.0.0.1:0"} {
		if cmd.Flags().Lookup(name) != nil && name != but && (name != "gateway" || cmd.Flags().Lookup("amqp") != nil) {
			args = append(args, "--"+name+"="+value)
		}
	}
	for _, word := range strings.Fields(cmd.Use)[1:] {
		switch {
		case word == "VALUE":
			args = append(args, "on")
		case strings.ToUpper(word) == word && !strings.HasPrefix(word, "[") && !strings.HasPrefix(word, "-"):
			args = append(args, "hall.lamp")
		}
	}
	return args
}
