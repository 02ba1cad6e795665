package systemd_test

import (
	"fmt"
	"strings"
)

// probe opens devices as a part of the service, and says for each what came of it. The disk's
// node is everybody's: only the service's limits are in the way.
const probe = `#!/bin/sh
for d in /dev/gpiochip0 BUS /dev/ttyS2 /dev/disk0; do
  if said=$(timeout 10 sh -c ": <$d" 2>&1); then said=opened; fi
  echo "probe $d: ${said##*: }"
done`

// What opening says: of a device that is allowed, of one that is allowed with nothing behind
// it, of one that is not allowed, and of one that the service does not see.
const (
	opened  = "opened"
	nothing = "No such device or address"
	refused = "Operation not permitted"
	unseen  = "No such file"
)

// devices runs the service with its drop-in for houses that use one kind of device each: it may
// open that, and no other. The bus is one of the kernel's, without a chip. Debian's kernel has no GPIO
// chip for this machine: the node of one is there, with nothing behind it.
func (g guest) devices() {
	g.m.run("modprobe i2c-dev && modprobe i2c-stub chip_addr=0x48 && udevadm settle")
	bus := g.m.run("ls /dev/i2c-* | tail -1")
	g.m.run("chgrp i2c " + bus + " && chmod 660 " + bus)
	g.m.run(`mknod -m 660 /dev/gpiochip0 c $(awk '$2 == "gpiochip" {print $1}' /proc/devices) 0 && chgrp gpio /dev/gpiochip0
		mknod -m 666 /dev/disk0 b $(stat -c '0x%t 0x%T' /dev/vda)`)
	g.m.write("/usr/local/bin/probe", strings.ReplaceAll(probe, "BUS", bus))
	g.m.run("chmod 755 /usr/local/bin/probe && cp /etc/hogar/hogar.yaml /root/ten")
	g.m.write("/etc/systemd/system/hogar.service.d/90-probe.conf", "[Service]\nExecStartPost=/usr/local/bin/probe")
	for _, house := range []struct {
		device                  string
		gpio, i2c, serial, disk string // what opening each says
		reason                  string // of the device; "" where it works
	}{
		{"hall.lamp: {driver: relay, pin: GPIO17}", nothing, refused, refused, refused, "no such device or address"},
		{"hall.light: {driver: bh1750, bus: I2C" + strings.TrimPrefix(bus, "/dev/i2c-") + "}", refused, opened, refused, refused, "SMBus only"},
		{"street.dust: {driver: pms5003, port: /dev/ttyS2, every: 2s}", refused, refused, opened, refused, ""},
		{"bath.climate: {driver: dht22, pin: GPIO4}", unseen, unseen, unseen, unseen, "dtoverlay=dht11"},
	} {
		g.m.run(fmt.Sprintf(`sed '/^devices:/,/^rules:/c devices: {%s}' /root/ten | sed '/dusty:/d' >/etc/hogar/hogar.yaml
			hogar systemd-dropin >/etc/systemd/system/hogar.service.d/50-hogar.conf && systemctl daemon-reload && systemctl reset-failed hogar && systemctl restart hogar`, house.device))
		for place, want := range map[string]string{"/dev/gpiochip0": house.gpio, bus: house.i2c, "/dev/ttyS2": house.serial, "/dev/disk0": house.disk} {
			g.m.await("journalctl -q -o cat _SYSTEMD_INVOCATION_ID=$(systemctl show --value -p InvocationID hogar)", "probe "+place+": "+want)
		}
		if house.reason != "" {
			g.m.await("hogar devices", house.reason)
		} else {
			next(g.t, g.deliveries, dustKey)
		}
	}
	g.m.run(`rm /etc/systemd/system/hogar.service.d/90-probe.conf && cp /root/ten /etc/hogar/hogar.yaml
		hogar systemd-dropin >/etc/systemd/system/hogar.service.d/50-hogar.conf && systemctl daemon-reload && systemctl reset-failed hogar && systemctl restart hogar`)
	next(g.t, g.deliveries, dustKey)
}
