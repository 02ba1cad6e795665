package main

import (
	"fmt"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hogar/gateway/clock"
	"hogar/gateway/config"
	"hogar/systemd"
)

func newSystemdDropIn() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "systemd-dropin",
		Short: "print what the unit of systemd needs for this configuration",
		Long: `systemd-dropin prints a drop-in for hogar.service that allows what the configuration
uses and nothing else: kinds of devices, groups, passwords as credentials, addresses.
Write it where systemd looks for it, and start again:

  sudo mkdir -p /etc/systemd/system/hogar.service.d
  hogar systemd-dropin | sudo tee /etc/systemd/system/hogar.service.d/50-hogar.conf
  sudo systemctl daemon-reload && sudo systemctl restart hogar`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := config.Find(path)
			if err != nil {
				return err
			}
			plan, err := load(path, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			needs := plan.Needs()
			if needs.Configuration, err = filepath.Abs(path); err != nil {
				return err
			}
			needs.KernelClock = clock.ByKernelAlone()
			needs.Groups = groupsOf(needs.Devices)
			_, err = fmt.Fprint(cmd.OutOrStdout(), systemd.DropIn(needs))
			return err
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "configuration (default $HOGAR_CONFIG, ./hogar.yaml, /etc/hogar/hogar.yaml)")
	return cmd
}

// groupsOf are the groups that Debian gives those devices to, as far as this machine
// has them: systemd starts no service with a group that does not exist.
func groupsOf(devices []string) []string {
	var groups []string
	for _, g := range []struct{ device, group string }{{"char-gpiochip", "gpio"}, {"char-i2c", "i2c"}, {"char-tty", "dialout"}} {
		if _, err := user.LookupGroup(g.group); err == nil && strings.Contains(strings.Join(devices, " "), g.device) {
			groups = append(groups, g.group)
		}
	}
	return groups
}
