package systemd_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/bridge/localbroker"
)

// fromInside is the address at which a machine reaches a port of the host.
func fromInside(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return "10.0.2.2:" + port
}

// arrivals consumes what the gateway publishes, from a queue that is there before it.
func arrivals(t *testing.T, broker *localbroker.RabbitMQ, keys ...string) <-chan amqp.Delivery {
	t.Helper()
	conn, err := amqp.Dial(broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.ExchangeDeclare("hogar", "topic", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare("arrivals", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if err := ch.QueueBind("arrivals", key, "hogar", false, nil); err != nil {
			t.Fatal(err)
		}
	}
	deliveries, err := ch.Consume("arrivals", "", true, true, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return deliveries
}

// next waits for a message with a key.
func next(t *testing.T, deliveries <-chan amqp.Delivery, key string) amqp.Delivery {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case d, ok := <-deliveries:
			if !ok {
				t.Fatal("the connection to RabbitMQ was lost")
			}
			if d.RoutingKey == key {
				return d
			}
		case <-late:
			t.Fatalf("no %s came", key)
		}
	}
}

func startRabbitMQ(t *testing.T) *localbroker.RabbitMQ {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	broker, err := localbroker.StartRabbitMQ(ctx, localbroker.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Kill() })
	return broker
}

// TestUnderSystemd lives a service's life in a fresh Debian whose first process is
// systemd: installed with apt, ten edited lines, readings in RabbitMQ, all that may
// happen to a service, an upgrade, and removed without a trace.
func TestUnderSystemd(t *testing.T) {
	folder := debian(t)
	broker := startRabbitMQ(t)
	deliveries := arrivals(t, broker, "casa.#")
	m := newMachine(t)
	m.boot()
	m.dusty()
	t.Logf("booted from %s: %s, first process %s", folder, m.run("uname -r"), m.run("cat /proc/1/comm"))
	g := guest{t, m, broker, deliveries}
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"install", g.install}, {"ten lines", g.tenLines}, {"devices", g.devices}, {"notify", g.notify}, {"state", g.state}, {"fields", g.fields}, {"reload", g.reload},
		{"kill", g.killed}, {"watchdog", g.hung}, {"memory", g.memory}, {"wrong configuration", g.wrong}, {"stop", g.stop}, {"upgrade", g.upgrade}, {"remove", g.remove},
	} {
		began := time.Now()
		step.do()
		t.Logf("%s: %.0f s", step.name, time.Since(began).Seconds())
	}
}

type guest struct {
	t          *testing.T
	m          *machine
	broker     *localbroker.RabbitMQ
	deliveries <-chan amqp.Delivery
}

const dustKey = "casa.reading.street.dust.pm25"

func (g guest) want(what, got, want string) {
	g.t.Helper()
	if got != want {
		g.t.Errorf("%s is %q, want %q", what, got, want)
	}
}

func (g guest) apt(arguments string) string {
	g.t.Helper()
	return g.m.run("DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends " + arguments)
}

func (g guest) install() {
	g.m.run("mkdir -p /root/parcel && tar -C /root/parcel -xf /dev/vdb")
	said := g.apt("install /root/parcel/old/*.deb")
	if !strings.Contains(said, "not started yet") {
		g.t.Errorf("apt says\n%s", said)
	}
	g.want("ActiveState", g.m.property("ActiveState"), "inactive")
	g.want("UnitFileState", g.m.property("UnitFileState"), "enabled")
	g.want("configuration", g.m.run("stat -c '%a %U %G' /etc/hogar/hogar.yaml"), "640 root hogar")
	for _, group := range []string{"gpio", "i2c", "dialout"} {
		if groups := " " + g.m.run("id -nG hogar") + " "; !strings.Contains(groups, " "+group+" ") {
			g.t.Errorf("hogar is in the groups %s, and not in %s", groups, group)
		}
	}
}

// tenLines writes the configuration, whose password only root may read.
func (g guest) tenLines() {
	u, err := url.Parse(g.broker.URL())
	if err != nil {
		g.t.Fatal(err)
	}
	password, _ := u.User.Password()
	g.m.write("/etc/hogar/amqp.password", password)
	g.m.run("chmod 600 /etc/hogar/amqp.password")
	g.m.write("/etc/hogar/hogar.yaml", fmt.Sprintf(`gateway: casa
location: {latitude: 40.42, longitude: -3.70, timezone: Europe/Madrid}
amqp:
  urls: [amqp://guest@%s]
  password_file: /etc/hogar/amqp.password
journal: {sync: 1s, max_size: 256MB}
devices:
  street.dust:
    {driver: pms5003, port: /dev/ttyS2, every: 2s}
rules:
  dusty: {when: street.dust.pm25 > 10, do: [{log: dust}]}`, fromInside(g.broker.Addr())))
	g.m.run("hogar check /etc/hogar/hogar.yaml")
	g.m.run("mkdir -p /etc/systemd/system/hogar.service.d")
	g.m.run("hogar systemd-dropin >/etc/systemd/system/hogar.service.d/50-hogar.conf && systemctl daemon-reload")
	g.t.Logf("systemd-analyze: %s", g.m.run("systemd-analyze security hogar.service | tail -1"))
	g.m.run("systemctl start hogar")
	d := next(g.t, g.deliveries, dustKey)
	if !strings.Contains(string(d.Body), `"value":12,`) || d.UserId != "guest" {
		g.t.Errorf("user %s sends %s", d.UserId, d.Body)
	}
}

func (g guest) notify() {
	g.want("ActiveState", g.m.property("ActiveState"), "active")
	g.want("StatusText", g.m.property("StatusText"), "casa, 1 devices")
	if exposed := g.m.run("grep -c guest /proc/$(systemctl show --value -p MainPID hogar)/cmdline || true"); exposed != "0" {
		g.t.Error("the password stands in the arguments")
	}
}

func (g guest) state() {
	g.want("state", g.m.run("stat -c '%a %U' /var/lib/hogar"), "700 hogar")
	g.m.run("ls /var/lib/hogar/journal/*")
	g.want("owner of the process", g.m.run("stat -c %U /proc/$(systemctl show --value -p MainPID hogar)"), "hogar")
	g.m.run("hogar devices | grep -q street.dust")
}

func (g guest) reload() {
	pid := g.m.property("MainPID")
	g.m.run("sed -i 's/every: 2s/every: 1s/' /etc/hogar/hogar.yaml && systemctl reload hogar")
	g.m.await("journalctl --no-pager -u hogar", "gateway reloaded")
	g.m.run("cp /etc/hogar/hogar.yaml /root/right && echo 'wrong: yes' >>/etc/hogar/hogar.yaml")
	if said, ok := g.m.try("systemctl reload hogar"); ok {
		g.t.Errorf("a configuration with mistakes is taken: %s", said)
	}
	g.want("ActiveState", g.m.property("ActiveState"), "active")
	g.m.run("journalctl --no-pager -u hogar | grep -q \"unknown key 'wrong'\"")
	g.m.run("cp /root/right /etc/hogar/hogar.yaml")
	g.want("MainPID", g.m.property("MainPID"), pid)
	next(g.t, g.deliveries, dustKey)
}

func (g guest) killed() {
	restarts := g.m.number("NRestarts")
	g.m.run("systemctl kill --signal=KILL hogar")
	g.m.await("systemctl show --value -p NRestarts hogar", fmt.Sprint(restarts+1))
	g.m.await("systemctl is-active hogar", "active")
	next(g.t, g.deliveries, "casa.gateway.started")
	next(g.t, g.deliveries, dustKey)
}

// hung stops the process without ending it: the watchdog must see it.
func (g guest) hung() {
	restarts := g.m.number("NRestarts")
	g.m.run("systemctl kill --signal=STOP hogar")
	began := time.Now()
	g.m.await("systemctl show --value -p NRestarts hogar", fmt.Sprint(restarts+1))
	next(g.t, g.deliveries, "casa.gateway.started")
	next(g.t, g.deliveries, dustKey)
	g.t.Logf("a hung gateway was replaced after %.0f s", time.Since(began).Seconds())
	g.m.run("journalctl --no-pager -u hogar | grep -q 'Watchdog timeout'")
}

// wrong starts with mistakes in the configuration: it is told once, and not tried again and again.
func (g guest) wrong() {
	g.m.run("systemctl stop hogar && echo 'wrong: yes' >>/etc/hogar/hogar.yaml")
	if said, ok := g.m.try("systemctl start hogar"); ok {
		g.t.Errorf("it starts with a wrong configuration: %s", said)
	}
	g.m.await("systemctl is-failed hogar", "failed")
	g.want("NRestarts", g.m.property("NRestarts"), "0")
	g.m.run("journalctl --no-pager -u hogar | grep -q \"unknown key 'wrong'\"")
	g.m.run("journalctl --no-pager -u hogar -p err | grep -q '1 fault'")
	g.m.run("cp /root/right /etc/hogar/hogar.yaml && systemctl start hogar")
	next(g.t, g.deliveries, "casa.gateway.started")
}

func (g guest) stop() {
	began := time.Now()
	g.m.run("systemctl stop hogar")
	if took := time.Since(began); took > 20*time.Second {
		g.t.Errorf("it stopped after %s", took)
	}
	g.want("Result", g.m.property("Result"), "success")
	next(g.t, g.deliveries, "casa.gateway.stopping")
	g.m.run("systemctl start hogar")
	next(g.t, g.deliveries, "casa.gateway.started")
}

func (g guest) upgrade() {
	pid, before := g.m.property("MainPID"), g.m.run("ls /var/lib/hogar/journal")
	g.apt("install /root/parcel/new/*.deb")
	if version := g.m.run("hogar version"); !strings.Contains(version, " 1.1.0 ") {
		g.t.Errorf("the version is %s", version)
	}
	if g.m.property("MainPID") == pid {
		g.t.Error("the upgrade did not restart the service")
	}
	g.m.run("cmp /root/right /etc/hogar/hogar.yaml") // it is the user's
	for name := range strings.FieldsSeq(before) {
		if !strings.Contains(name, "checkpoint") && !strings.Contains(name, "cursor") {
			g.m.run("ls /var/lib/hogar/journal/" + name)
		}
	}
	for d := next(g.t, g.deliveries, dustKey); d.AppId != "hogar/1.1.0"; { // those before are the old program's
		d = next(g.t, g.deliveries, dustKey)
	}
}

func (g guest) remove() {
	g.apt("remove hogar")
	g.want("processes", g.m.run("ls -l /proc/[0-9]*/exe 2>/dev/null | grep -c bin/hogar || true"), "0")
	g.m.run("test -e /etc/hogar/hogar.yaml && test -d /var/lib/hogar/journal && test ! -e /usr/bin/hogar")
	g.apt("purge hogar")
	left := g.m.run("find / -xdev -name '*hogar*' ! -path '/proc/*' ! -path '/root/*' ! -path '/var/log/*' ! -path '/etc/hostname' ! -path '/run/*' ! -path '/var/cache/*' ! -path '/var/lib/apt/*'")
	g.want("what is left", left, "")
	g.want("failed units", g.m.run("systemctl list-units --failed --no-legend hogar.service"), "")
}
