package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/drivers/board/vm"
	"hogar/gateway/home"
)

// pi is a virtual machine with a real kernel in which hogar, cross-compiled, runs a house
// and talks to the RabbitMQ of these tests.
type pi struct {
	*testing.T
	*vm.VM
	*program
	trace string // file with what QEMU traces
	begin int    // of it, when hogar was started
}

// bootPi builds hogar for the rig and boots it with a configuration, in which PORT stands
// for RabbitMQ's. It is skipped where HOGAR_VM is not set, which make vm-test does.
func bootPi(t *testing.T, rig vm.Rig, gateway, yaml string, o vm.Options) *pi {
	t.Helper()
	o.Kernels = os.Getenv("HOGAR_VM")
	if err := rig.Usable(o.Kernels); err != nil && (o.Kernels == "" || os.Getenv("CI") == "") {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, port, err := net.SplitHostPort(broker(t).Addr())
	if err != nil {
		t.Fatal(err)
	}
	binary, config, trace := filepath.Join(dir, "hogar"), filepath.Join(dir, "hogar.yaml"), filepath.Join(dir, "trace")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+rig.GOARCH, "GOARM=6", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	yaml = "gateway: " + gateway + "\namqp: {urls: [\"amqp://guest:guest@10.0.2.2:" + port + "\"]}\n" + yaml
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &pi{T: t, program: newProgram(t, gateway), trace: trace}
	o.Rig, o.Dir, o.Files = rig, dir, map[string]string{"/bin/hogar": binary, "/etc/hogar/hogar.yaml": config}
	o.QEMU = append(o.QEMU, "-D", trace)
	if p.VM, err = vm.Start(context.WithoutCancel(t.Context()), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			devices, _ := p.tries("hogar devices")
			t.Logf("the log:\n%s\n%s\nthe console:\n%s", p.log(), devices, p.Said())
		}
		p.Stop()
	})
	p.shell(fmt.Sprintf("date -s @%d", time.Now().Unix()))
	return p
}

// start runs hogar in the machine.
func (p *pi) start() {
	p.begin = len(p.traced())
	p.shell("hogar run >/tmp/log 2>&1 & echo $! >/tmp/pid")
}

// end ends it as systemd does, and waits for its end.
func (p *pi) end() {
	p.shell("kill $(cat /tmp/pid); while kill -0 $(cat /tmp/pid) 2>/dev/null; do sleep 1; done")
}

// shell runs a line there; its failure is the test's.
func (p *pi) shell(line string) string {
	p.Helper()
	out, err := p.tries(line)
	if err != nil {
		p.Fatalf("%v\n%s", err, p.log())
	}
	return out
}

func (p *pi) tries(line string) (string, error) {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute) // the log is also asked for at the end
	defer cancel()
	return p.Shell(ctx, line)
}

// log is what hogar has logged.
func (p *pi) log() string {
	out, _ := p.tries("cat /tmp/log")
	return out
}

// order moves the machine's hardware.
func (p *pi) order(format string, args ...any) {
	p.Helper()
	if err := p.Order(fmt.Sprintf(format, args...)); err != nil {
		p.Fatal(err)
	}
}

// reads waits for a reading in RabbitMQ.
func (p *pi) reads(name string, want home.Value) {
	p.Helper()
	p.wait(fmt.Sprintf("%s %v", name, want), func(d amqp.Delivery) bool {
		return d.RoutingKey == p.gateway+".reading."+name && aboutOf(p.T, d).Value == want
	})
}

// set commands a device over RabbitMQ.
func (p *pi) set(name, value string) {
	p.Helper()
	o := p.send("hogar", p.gateway+".command."+name, amqp.Publishing{Body: []byte(value), CorrelationId: name + value})
	if o.Result != home.Applied {
		p.Errorf("set %s to %s: %+v", name, value, o)
	}
}

// traced is what QEMU has traced.
func (p *pi) traced() string {
	text, err := os.ReadFile(p.trace)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.Fatal(err)
	}
	return string(text)
}

// levels is what QEMU has seen of a PL061's line since the start, one level after another.
func (p *pi) levels(line int) (levels string) {
	for entry := range strings.Lines(p.traced()[p.begin:]) {
		if _, what, ok := strings.Cut(entry, fmt.Sprintf("setting output %d to ", line)); ok {
			levels += what[:1]
		}
	}
	return levels
}

// TestRealKernelPins runs a house on the pins of an arm64 machine: initial values without
// a glitch, edges, debouncing, commands from RabbitMQ, a line that is held.
func TestRealKernelPins(t *testing.T) {
	p := bootPi(t, vm.Virt(true), "vmpins", `
journal: {path: /tmp/journal}
devices:
  hall.lamp:   {driver: relay, pin: 9030000.pl061/1, on_start: on, on_exit: off}
  hall.heater: {driver: relay, pin: 9030000.pl061/2, active_low: true}
  hall.door:   {driver: contact, pin: 9030000.pl061/3, property: open, debounce: 10ms}
rules:
  warm_when_open:
    when: hall.door.open
    do: [{set: {hall.heater.state: on}}]
`, vm.Options{QEMU: []string{"-trace", "pl061_set_output"}})
	p.start()
	p.reads("hall.lamp.state", home.BooleanOf(true))
	p.reads("hall.heater.state", home.BooleanOf(false))
	p.reads("hall.door.open", home.BooleanOf(false))
	// On from the first moment, and off, which is high for the heater: no other level before.
	if lamp, heater := p.levels(1), p.levels(2); lamp != "1" || heater != "1" {
		t.Errorf("at the start the lamp's line showed %q and the heater's %q, want 1 and 1", lamp, heater)
	}

	p.order(`{"execute":"system_powerdown"}`) // the door's line rises for 100 ms
	p.reads("hall.door.open", home.BooleanOf(true))
	p.reads("hall.door.open", home.BooleanOf(false))
	p.reads("hall.heater.state", home.BooleanOf(true)) // by the rule
	p.set("hall.lamp.state", "off")
	p.reads("hall.lamp.state", home.BooleanOf(false))
	p.set("hall.lamp.state", "on")
	if lamp, heater := p.levels(1), p.levels(2); lamp != "101" || heater != "10" {
		t.Errorf("then the lamp's line showed %q and the heater's %q, want 101 and 10", lamp, heater)
	}

	// Debounced longer than the pulse, the door stays shut; the relays are left alone.
	p.shell("sed -i 's/debounce: 10ms/debounce: 500ms/' /etc/hogar/hogar.yaml && hogar reload")
	p.reads("hall.door.open", home.BooleanOf(false)) // its state when it is opened
	p.order(`{"execute":"system_powerdown"}`)
	p.shell("sleep 2")
	if out := p.shell("hogar get hall.door.open"); strings.TrimSpace(out) != "off" {
		t.Errorf("a pulse shorter than the debouncing is told: %s", out)
	}
	if lamp := p.levels(1); lamp != "101" {
		t.Errorf("over a reload the lamp's line showed %q, want 101", lamp)
	}

	// Another program wants a line that is held: it is told by whom, and the line is not touched.
	p.shell(`printf 'gateway: other\njournal: {path: /tmp/other}\ndevices: {a.lamp: {driver: relay, pin: 9030000.pl061/1}}\n' >/tmp/other.yaml
		hogar run --config /tmp/other.yaml --socket /tmp/other.sock >/tmp/other.log 2>&1 & echo $! >/tmp/other.pid`)
	p.shell("until hogar devices --socket /tmp/other.sock | grep 'held by hall.lamp'; do sleep 1; done; kill $(cat /tmp/other.pid)")
	if out := p.shell("hogar scan 2>&1"); !strings.Contains(out, "9030000.pl061/1  output; used by hall.lamp") {
		t.Errorf("hogar scan says\n%s", out)
	}
	p.end()
	if lamp, heater := p.levels(1), p.levels(2); lamp != "1010" || heater != "10" {
		t.Errorf("at the end the lamp's line showed %q and the heater's %q, want 1010 by on_exit and 10", lamp, heater)
	}
	if log := p.log(); strings.Contains(log, "panic") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log:\n%s", log)
	}
}

// TestRealKernelBus runs a house on the I2C buses of a 32-bit machine: temperatures that are
// changed from outside, by hogar's own driver and by the kernel's, behind a multiplexer, an
// expander's line, an absent chip, contacts that bounce.
func TestRealKernelBus(t *testing.T) {
	p := bootPi(t, vm.AST2600(true), "vmbus", `
journal: {path: /tmp/journal}
devices:
  hall.floor:   {driver: lm75, bus: I2C8, address: 0x48, bits: 12, every: 1s}
  hall.wall:    {driver: kernel, at: 8-0049, channels: temp1, every: 1s}
  attic.far:    {driver: lm75, bus: I2C99, address: 0x48, every: 1s}
  attic.gone:   {driver: lm75, bus: I2C8, address: 0x4a, every: 1s}
  garden.valve: {driver: relay, pin: 8-0020/3}
  hall.door:    {driver: contact, pin: 1e780000.gpio/112, property: open, pull: up, debounce: 20ms}
  hall.window:  {driver: contact, pin: 1e780000.gpio/114, property: open, debounce: 30ms}
  hall.hatch:   {driver: contact, pin: 1e780000.gpio/115, property: open, debounce: 40ms}
`, vm.Options{
		Modules: []string{"lm75", "gpio-pca953x", "i2c-mux-pca954x"},
		QEMU: []string{"-device", "tmp105,id=t1,address=0x49,bus=aspeed.i2c.bus.8", "-device", "max7310,address=0x20,bus=aspeed.i2c.bus.8",
			"-device", "pca9548,id=mux,address=0x70,bus=aspeed.i2c.bus.9", "-device", "tmp105,id=t2,address=0x48,bus=i2c.0"},
	})
	temperature := func(id string, milli int) {
		p.order(`{"execute":"qom-set","arguments":{"path":"/machine/peripheral/%s","property":"temperature","value":%d}}`, id, milli)
	}
	contact := func(pin int, open bool) { // from line 112 on; A3 is the network card's MDIO
		p.order(`{"execute":"qom-set","arguments":{"path":"/machine/soc/gpio","property":"gpioO%d","value":%v}}`, pin, open)
	}
	for id, milli := range map[string]int{"t0": 21500, "t1": 22500, "t2": -5500} {
		temperature(id, milli)
	}
	p.shell("cd /sys/bus/i2c/devices; echo tmp105 0x49 >i2c-8/new_device; echo max7310 0x20 >i2c-8/new_device; echo pca9548 0x70 >i2c-9/new_device")
	// The channel of the multiplexer is the bus that the kernel has given it.
	p.shell("n=$(basename $(readlink -f /sys/bus/i2c/devices/9-0070/channel-0)); sed -i s/I2C99/I2C${n#i2c-}/ /etc/hogar/hogar.yaml")
	p.start()
	p.reads("hall.floor.temperature", home.NumberOf(21.5))
	p.reads("hall.wall.temperature", home.NumberOf(22.5))
	p.reads("attic.far.temperature", home.NumberOf(-5.5))
	p.reads("garden.valve.state", home.BooleanOf(false)) // its model forgets an initial value: see TestRealKernelPins
	p.reads("hall.door.open", home.BooleanOf(false))
	temperature("t0", -12500)
	temperature("t1", 99000)
	p.reads("hall.floor.temperature", home.NumberOf(-12.5))
	p.reads("hall.wall.temperature", home.NumberOf(99))
	gone := p.wait("attic.gone is offline", func(d amqp.Delivery) bool { return d.RoutingKey == "vmbus.status.attic.gone" })
	if !strings.Contains(string(gone.Body), "no chip answers") || !strings.Contains(string(gone.Body), "0x4a") {
		t.Errorf("the absent chip: %s", gone.Body)
	}

	contact(0, true)
	p.reads("hall.door.open", home.BooleanOf(true))
	contact(0, false)
	p.reads("hall.door.open", home.BooleanOf(false))

	// The chip can debounce by three times, and QEMU's model of it does not. A fourth is refused, so that hogar does it:
	// of the bounces of a contact one edge is told. The model wants each edge served before the next.
	p.shell("echo '  hall.bell: {driver: contact, pin: 1e780000.gpio/113, property: open, debounce: 3s}' >>/etc/hogar/hogar.yaml && hogar reload")
	p.reads("hall.bell.open", home.BooleanOf(false))
	for n, open := range []bool{true, false, true, false, true} {
		contact(1, open)
		p.shell(fmt.Sprintf(`until awk '$NF == "hall.bell" {print $2}' /proc/interrupts | grep -qx %d; do :; done`, n+1))
	}
	p.reads("hall.bell.open", home.BooleanOf(true))
	if out := p.shell("hogar journal dump hall.bell.open"); strings.Count(out, "\treading\t") != 2 {
		t.Errorf("of a bouncing contact there are these readings, want its state and one edge:\n%s", out)
	}
	if log := p.log(); !strings.Contains(log, "refuses to debounce") {
		t.Errorf("nothing was refused:\n%s", log)
	}

	for _, on := range []bool{true, false} {
		p.set("garden.valve.state", home.BooleanOf(on).String())
		p.reads("garden.valve.state", home.BooleanOf(on))
	}
	out := p.shell("hogar scan 2>&1")
	for _, want := range []string{"lm75 (the configuration); used by hall.floor", "tmp105 (the kernel's driver); used by the kernel",
		"lm75 (the configuration); used by attic.far", "used by garden.valve", "used by hall.door"} {
		if !strings.Contains(out, want) {
			t.Errorf("hogar scan does not say %q:\n%s", want, out)
		}
	}
	p.end()
	if log := p.log(); strings.Contains(log, "panic") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log:\n%s", log)
	}
}
