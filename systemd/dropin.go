package systemd

import (
	"fmt"
	"slices"
	"strings"
)

// Needs is what the configuration of one house needs of the system.
type Needs struct {
	Configuration string   // its path
	Devices       []string // classes of device nodes: char-gpiochip, char-i2c, char-ttyAMA
	Groups        []string // that may use them, and exist
	PWM           bool     // writes below /sys
	KernelClock   bool     // only the kernel can say whether the clock is right
	Credentials   []string // NAME:/path/of/the/file
	// Addresses are all that it talks to, or nil when they are not known by number.
	Addresses []string
	Unknown   string // why they are not known
}

// DropIn writes what is added to the shipped unit for one house: nothing is
// allowed that its configuration does not use.
func DropIn(n Needs) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by hogar systemd-dropin for %s.\n# Write it again when the devices or the brokers there change.\n[Service]\n", n.Configuration)
	set := func(key string, values ...string) {
		for _, v := range values {
			fmt.Fprintf(&b, "%s=%s\n", key, v)
		}
	}
	set("DeviceAllow", "") // takes back the unit's own list
	devices := slices.Clone(n.Devices)
	slices.Sort(devices)
	if devices = slices.Compact(devices); len(devices) == 0 {
		set("PrivateDevices", "yes")
	}
	for _, device := range devices {
		set("DeviceAllow", device+" rw")
	}
	if len(n.Groups) > 0 {
		set("SupplementaryGroups", strings.Join(n.Groups, " "))
	}
	if n.PWM {
		b.WriteString("# The kernel's PWM is set by files below /sys.\n")
		set("ProtectKernelTunables", "no")
	}
	if n.KernelClock {
		b.WriteString("# Only the kernel can say whether the clock is right. Asking is allowed; who sets it needs a capability.\n")
		set("ProtectClock", "no")
		set("SystemCallFilter", "adjtimex clock_adjtime clock_adjtime64")
	}
	set("LoadCredential", n.Credentials...)
	if n.Unknown != "" {
		fmt.Fprintf(&b, "# Addresses are not limited: %s.\n", n.Unknown)
		return b.String()
	}
	set("IPAddressDeny", "any")
	set("IPAddressAllow", strings.Join(append([]string{"localhost"}, n.Addresses...), " "))
	return b.String()
}
