package gateway

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"hogar/gateway/config"
	"hogar/gateway/secret"
	"hogar/systemd"
)

// Needs says what a planned house needs of systemd: devices, credentials, addresses. Groups and
// the path of the configuration are left for the caller to fill in.
func (p *Plan) Needs() systemd.Needs {
	var n systemd.Needs
	for _, d := range p.devices {
		for _, part := range d.spec.Parts {
			switch kernel := part.Kernel; {
			case part.Chip == "pwm": // by files, whatever pin the kernel has it on
				n.PWM = true
			case part.Chip == "dht22", part.Chip == "dht11": // by files, too; the kernel has the pin
			case part.Pin != "":
				n.Devices = append(n.Devices, "char-gpiochip")
			case part.Bus != "":
				n.Devices = append(n.Devices, "char-i2c")
			case strings.HasPrefix(kernel, "dev/"):
				n.Devices = append(n.Devices, serialClasses("/"+kernel)...)
			}
		}
	}
	if file := p.Config.AMQP.PasswordFile; file != "" {
		if absolute, err := filepath.Abs(file); err == nil {
			n.Credentials = append(n.Credentials, config.AMQPCredential+":"+absolute)
		}
	}
	for _, b := range p.brokers {
		if name := b.Credential(); name != "" {
			n.Credentials = append(n.Credentials, name+":/etc/hogar/"+name)
		}
	}
	p.needAddresses(&n)
	return n
}

// serialClasses are the kinds of serial ports that a path may lead to. The lasting names
// of Raspberry Pi OS and of adapters are links, which exist on the machine itself only.
func serialClasses(port string) []string {
	kinds := []string{"ttyAMA", "ttyUSB", "ttyACM", "ttyS"}
	if real, err := filepath.EvalSymlinks(port); err == nil {
		port = real
	}
	for _, kind := range kinds {
		if strings.HasPrefix(filepath.Base(port), kind) {
			return []string{"char-" + kind}
		}
	}
	if strings.HasPrefix(port, "/dev/serial/by-id/") {
		return []string{"char-ttyUSB", "char-ttyACM"}
	}
	return []string{"char-ttyAMA", "char-ttyS"} // /dev/serial0, /dev/serial1
}

// needAddresses lists whom the house talks to, where that is known by number.
func (p *Plan) needAddresses(n *systemd.Needs) {
	var hosts []string
	for _, raw := range p.Config.AMQP.URLs {
		if u, err := secret.Parse(raw); err == nil {
			hosts = append(hosts, u.Hostname())
		}
	}
	for _, b := range p.brokers {
		hosts = append(hosts, b.Host())
	}
	for _, host := range hosts {
		if host == "" || host == "localhost" {
			continue
		}
		address, err := netip.ParseAddr(host)
		switch {
		case err != nil:
			n.Unknown = fmt.Sprintf("%s is a name, and its number may change", host)
			return
		case !address.IsLoopback() && !slices.Contains(n.Addresses, host):
			n.Addresses = append(n.Addresses, host)
		}
	}
	host, _, err := net.SplitHostPort(p.Config.Web.Listen)
	if address, ip := netip.ParseAddr(host); err == nil && host != "localhost" && (ip != nil || !address.IsLoopback()) {
		n.Unknown = "the page is open to the network"
	}
}
