package vm

import "strings"

// Rig is a machine of QEMU's whose hardware a Debian kernel drives.
type Rig struct {
	Debian string // architecture in Debian's words
	GOARCH string

	qemu, console, dtb string
	hardware           []string
	modules            []string
}

// Virt is arm64 "virt": a PL061 with 8 lines, of which line 3 is pulsed for 100 ms by
// system_powerdown. With network it has a card that reaches this machine at 10.0.2.2.
func Virt(network bool) Rig {
	r := Rig{Debian: "arm64", GOARCH: "arm64", qemu: "qemu-system-aarch64", console: "ttyAMA0",
		hardware: strings.Fields("-M virt -cpu cortex-a53 -m 256 -nic none")}
	if network {
		r.hardware = strings.Fields("-M virt -cpu cortex-a53 -m 256 -netdev user,id=net -device virtio-net-device,netdev=net")
		r.modules = []string{"virtio_mmio", "virtio_net"}
	}
	return r
}

// AST2600 is armhf "ast2600-evb": 14 I2C buses, and a GPIO chip with 208 lines whose
// inputs are set by qom-set. A TMP105 called t0 is at 0x48 on the bus of /dev/i2c-8. With
// network it has a card that reaches this machine at 10.0.2.2.
func AST2600(network bool) Rig {
	r := Rig{Debian: "armhf", GOARCH: "arm", qemu: "qemu-system-arm", console: "ttyS4,115200", dtb: "aspeed-ast2600-evb.dtb",
		hardware: strings.Fields("-M ast2600-evb -m 512M -device tmp105,id=t0,address=0x48,bus=aspeed.i2c.bus.8"),
		modules:  []string{"gpio-aspeed", "i2c-aspeed", "i2c-dev"}}
	if network {
		r.hardware = append(r.hardware, "-nic", "user,model=ftgmac100")
		r.modules = append(r.modules, "mdio-aspeed", "realtek", "ftgmac100")
	} else {
		r.hardware = append(r.hardware, "-nic", "none")
	}
	return r
}
