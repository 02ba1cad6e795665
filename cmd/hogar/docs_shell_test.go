package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"hogar/bridge/localbroker"
)

// here are the programs whose lines in the documents are run by TestDocumentsTyped.
var here = []string{"hogar", "build/hogar", "amqp-publish", "amqp-consume", "rabbitmqctl", "rabbitmqadmin", "curl", "export", "mkdir"}

// elsewhere are the lines, by themselves or by their program, that it does not run, and why. What is
// in neither table is a fault.
var elsewhere = map[string]string{
	"hogar scan":       "it asks the buses of this very machine; TestScan gives it a folder instead",
	"make":             "CI calls these targets itself",
	"apt":              "TestUnderSystemd in systemd does the same in a virtual machine",
	"systemctl":        "TestUnderSystemd in systemd does the same in a virtual machine",
	"journalctl":       "TestUnderSystemd in systemd does the same in a virtual machine",
	"tar":              "TestPackageInDebian in systemd types the block of the archive; a backup is read by nobody",
	"cd":               "belongs to the archive",
	"cp":               "belongs to the archive",
	"systemd-sysusers": "belongs to the archive",
	"chgrp":            "belongs to the archive",
	"rabbitmq-plugins": "the tests of TLS start their RabbitMQ with the plugin",
	"raspi-config":     "only Raspberry Pi OS has it",
	"scp":              "there is no second machine",
	"nano":             "a person types there",
}

// lasting are commands that run until somebody ends them.
var lasting = regexp.MustCompile(`^(?:hogar (?:run|watch)|amqp-consume)\b`)

// desk is what stands before somebody who types the blocks of the documents: a folder with
// configs/ and a configuration of his own, hogar, RabbitMQ, Mosquitto, and the stock tools.
type desk struct {
	t       *testing.T
	folder  string
	rabbit  *localbroker.RabbitMQ
	replace *strings.Replacer
	typed   map[string]bool
	count   int
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	for _, program := range []string{"amqp-publish", "amqp-consume", "curl", "rabbitmqadmin", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			need(t, fmt.Errorf("%w: %w (apt-get install amqp-tools curl python3 rabbitmq-server)", localbroker.ErrNotInstalled, err))
		}
	}
	folder, err := os.MkdirTemp(rabbit.dir, "d") // short: the path of a socket is at most 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	management := free.Addr().(*net.TCPAddr).Port
	free.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	d := &desk{t: t, folder: folder, typed: make(map[string]bool)}
	d.rabbit, err = localbroker.StartRabbitMQ(ctx, localbroker.Options{Dir: filepath.Join(folder, "rabbitmq"), Management: management,
		Plugins: []string{"rabbitmq_federation", "rabbitmq_shovel"}})
	need(t, err)
	t.Cleanup(d.rabbit.Kill)
	mosquitto, err := localbroker.StartMosquitto(ctx, localbroker.Options{Dir: filepath.Join(folder, "mosquitto")})
	need(t, err)
	t.Cleanup(mosquitto.Kill)
	d.lamp(mosquitto)
	// A user of his own, as docs/amqp.md makes one on a later page.
	for _, args := range [][]string{{"add_user", "panel", "PASSWORD"}, {"set_permissions", "panel", ".*", ".*", ".*"}} {
		if _, err := d.rabbit.Ctl(ctx, args...); err != nil {
			t.Fatal(err)
		}
	}
	d.replace = strings.NewReplacer("broker-1", d.rabbit.Addr(), "localhost:1883", mosquitto.Addr(), "/etc/", folder+"/etc/",
		"--listen 10s --record", "--listen 1s --record --broker mqtt://"+mosquitto.Addr(), "--listen 10s", "--listen 1s", "build/hogar", "hogar")
	d.furnish()
	d.programs(management)
	return d
}

// lamp leaves something at the MQTT broker for who listens there.
func (d *desk) lamp(mosquitto *localbroker.Mosquitto) {
	client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + mosquitto.Addr()).SetClientID("lamp"))
	done := func(token paho.Token) {
		if !token.WaitTimeout(patience) || token.Error() != nil {
			d.t.Fatalf("mosquitto: %v", token.Error())
		}
	}
	done(client.Connect())
	done(client.Publish("garden/soil", 1, true, `{"moisture":41.5}`))
	client.Disconnect(100)
}

func (d *desk) write(name, text string, mode os.FileMode) {
	d.t.Helper()
	path := filepath.Join(d.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		d.t.Fatal(err)
	}
}

// furnish writes the files that the documents suppose: the examples, without the page, whose port
// is a fixed one, a house of one's own, and edited rules.
func (d *desk) furnish() {
	files, err := filepath.Glob("../../configs/*.yaml")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			d.t.Fatal(err)
		}
		house := regexp.MustCompile(`(?m)^web:.*$`).ReplaceAllString(d.replace.Replace(string(text)), "")
		d.write("configs/"+filepath.Base(file), house, 0o600)
		if filepath.Base(file) == "pi.yaml" {
			house += "groups: {downstairs: [hall.lamp, porch.lamp]}\n"
			d.write("etc/hogar/hogar.yaml", strings.Replace(house, "journal: {", "journal: {path: "+d.folder+"/journal, ", 1), 0o600)
		}
	}
	d.write("edited.yaml", "rules: {porch_light: {when: hall.door.open, do: [{set: {porch.lamp.state: on}}]}}\n", 0o600)
	d.write(".config/hogar/panel.password", "PASSWORD\n", 0o600)
	if err := os.MkdirAll(filepath.Join(d.folder, "build"), 0o700); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Symlink("journal-sim", filepath.Join(d.folder, "journal")); err != nil { // the house could as well be a real one
		d.t.Fatal(err)
	}
}

// programs puts before the machine's own programs those that know where the brokers are.
func (d *desk) programs(management int) {
	ctl, env := d.rabbit.CtlCommand()
	quoted := make([]string, len(env))
	for i, one := range env {
		quoted[i] = "'" + one + "'"
	}
	atBroker := "#!/bin/sh\ncase \" $* \" in *' -u '*) exec /usr/bin/%s \"$@\";; *) exec /usr/bin/%s -u \"$AMQP_URL\" \"$@\";; esac\n"
	for name, text := range map[string]string{
		"hogar":         "#!/bin/sh\nexec '" + os.Args[0] + "' \"$@\"\n",
		"sudo":          "#!/bin/sh\nexec \"$@\"\n",
		"amqp-publish":  fmt.Sprintf(atBroker, "amqp-publish", "amqp-publish"),
		"amqp-consume":  fmt.Sprintf(atBroker, "amqp-consume", "amqp-consume"),
		"rabbitmqadmin": fmt.Sprintf("#!/bin/sh\nexec /usr/bin/rabbitmqadmin -H 127.0.0.1 -P %d \"$@\"\n", management),
		// A user is added as if there were none, with the password PASSWORD: rabbitmqctl 4 reads it where it has no third word, --quiet included.
		"rabbitmqctl": "#!/bin/sh\nquiet=--quiet; [ $# -gt 2 ] || quiet=\n" +
			"real() { env -i " + strings.Join(quoted, " ") + " " + ctl + " $quiet \"$@\"; }\n" +
			"echo PASSWORD | real \"$@\" || { [ \"$1\" = add_user ] && real delete_user \"$2\" && echo PASSWORD | real \"$@\"; }\n",
	} {
		d.write("bin/"+name, text, 0o700)
	}
}

// prelude are the words of the script that is made of a page.
const prelude = `set -eu
house= listeners= pids=
trap 'kill $house $pids 2>/dev/null || :; wait 2>/dev/null' EXIT
# hears FILE PATTERN SECONDS: waits until that is there.
hears() {
  n=0
  until grep -q "$2" "$1" 2>/dev/null; do
    n=$((n + 1)); [ $n -lt $(($3 * 10)) ] || return 1
    sleep 0.1
  done
}
# lives NUMBER PID: a house has started, in the place of the one before. It lives quickly, so that nobody waits.
lives() { house=$2; hears "err.$1" 'gateway started' 120 || { cat "err.$1"; exit 1; }; hogar simulate speed 20; }
listens() { listeners="$listeners $1"; pids="$pids $2"; }
leaves() { [ -z "$house" ] || { kill $house; wait $house || :; house=; }; }
# over: the end of a block. Who listens has heard something; what was typed before he did so is typed again.
over() {
  for one in $listeners; do
    tries=0
    until hears "out.$one" . 5; do
      tries=$((tries + 1)); [ $tries -lt 8 ] || { echo "who listens hears nothing"; exit 1; }
      typed
    done
  done
  for one in $pids; do kill $one; wait $one 2>/dev/null || :; done
  listeners= pids=
}
`

// script is what a page has somebody type, as one script.
func (d *desk) script(name, page string) string {
	var b strings.Builder
	b.WriteString(prelude)
	start := func(line, then string) {
		d.count++
		fmt.Fprintf(&b, "%s=%s %s >out.%d 2>err.%d <&3 &\n%s %d $!\n", actAsHogar, quote(leashed), line, d.count, d.count, then, d.count)
	}
	start("hogar run --simulate", "lives")
	for _, block := range blocks(page, "sh") {
		var typed []string // behind the one who listens
		for line := range strings.Lines(d.replace.Replace(block)) {
			line = strings.TrimSpace(line)
			if !d.runs(name, line) {
				continue
			}
			fmt.Fprintf(&b, "echo %s\n", quote("$ "+line))
			bare, _, _ := strings.Cut(strings.TrimPrefix(line, "sudo "), " #")
			switch {
			case strings.HasPrefix(bare, "hogar run "):
				b.WriteString("leaves\n")
				start(bare, "lives")
			case lasting.MatchString(bare):
				start(bare, "listens")
				typed = []string{":"}
			case strings.HasPrefix(bare, "hogar doctor"): // the clock of this machine may be as it is
				fmt.Fprintf(&b, "%s >doctor || ! grep FAULT doctor | grep -v clock:\n", bare)
			default:
				b.WriteString(line + "\n")
				if typed != nil {
					typed = append(typed, line)
				}
			}
		}
		if typed != nil {
			fmt.Fprintf(&b, "typed() {\n%s\n}\nover\n", strings.Join(typed, "\n"))
		}
	}
	return b.String()
}

// runs tells whether a line is run here.
func (d *desk) runs(page, line string) bool {
	plain := strings.TrimPrefix(line, "sudo ")
	program, _, _ := strings.Cut(plain, " ")
	bare, _, _ := strings.Cut(plain, " #")
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
		return false
	case elsewhere[strings.TrimSpace(bare)] != "" || elsewhere[program] != "":
		d.t.Logf("%s: not run here: %s", page, line)
		return false
	case !slices.Contains(here, program):
		d.t.Errorf("%s: %s: the test has no word about %s: let it run (here), or say why not (elsewhere)", page, line, program)
		return false
	case program == "rabbitmqctl" && d.typed[line]: // two pages make the same users, which takes its time
		return false
	}
	d.typed[line] = true
	return true
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// TestDocumentsTyped types every block of the documents, in order: each page is one script, before
// a house that runs, a RabbitMQ and a Mosquitto. Every command must succeed, and who listens must hear something.
func TestDocumentsTyped(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ran := 0
	for _, name := range slices.Sorted(maps.Keys(pages(t))) {
		page := pages(t)[name]
		if len(blocks(page, "sh")) == 0 {
			continue
		}
		script := d.script(name, page)
		ran += strings.Count(script, "\necho '$ ")
		began := time.Now()
		if out, err := d.run(script); err != nil {
			t.Errorf("%s: %v\n%.5000s", name, err, out)
		}
		t.Logf("%s: %.1f s", name, time.Since(began).Seconds())
	}
	if ran < 60 {
		t.Errorf("only %d lines were run", ran)
	}
}

// run runs a script, and ends all that it has started.
func (d *desk) run(script string) (string, error) {
	ctx, cancel := context.WithTimeout(d.t.Context(), 5*patience)
	defer cancel()
	leash, hand, err := os.Pipe() // what runs on ends with the tests
	if err != nil {
		return "", err
	}
	defer leash.Close()
	defer hand.Close()
	cmd := exec.CommandContext(ctx, "sh", "-s")
	cmd.ExtraFiles = []*os.File{leash}
	cmd.Dir = d.folder
	cmd.Env = append(hogar(d.folder).Env, "PATH="+filepath.Join(d.folder, "bin")+":"+os.Getenv("PATH"),
		"AMQP_URL="+strings.TrimSuffix(d.rabbit.URL(), "/"), "AMQP_PASSWORD_FILE="+filepath.Join(d.folder, ".config/hogar/panel.password"), "HOGAR_CONFIG="+filepath.Join(d.folder, "etc/hogar/hogar.yaml"), "USER=ana")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
