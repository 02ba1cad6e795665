package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hogar/gateway/home"
)

func newSet() *cobra.Command {
	var f houseFlags
	var reason string
	cmd := &cobra.Command{
		Use:   "set NAME VALUE",
		Short: "command a device and print the receipt",
		Long: `set sends a command and waits for its outcome: set hall.lamp.state on, off or
toggle; set hvac.target 21.5. It exits with 1 unless the outcome is applied or
verified.`,
		Args: exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			v := home.TextOf(args[1])
			if strings.HasPrefix(args[1], "{") || strings.HasPrefix(args[1], "[") {
				var err error
				if v, err = home.ParseValue([]byte(args[1])); err != nil {
					return usageError{fmt.Errorf("the value is not JSON: %w", err)}
				}
			}
			house, err := f.reach(cmd)
			if err != nil {
				return err
			}
			defer house.Close()
			device, property, err := settable(cmd.Context(), house, args[0])
			if err != nil {
				return err
			}
			o, err := house.Command(cmd.Context(), home.Command{Device: device, Reason: reason,
				Set: home.Settings{{Property: property, Value: v}}})
			if err != nil {
				return err
			}
			return printOutcome(cmd, f, o)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}

// settable cuts a name into device and property. The name of a device stands for
// its one property that can be set.
func settable(ctx context.Context, house running, name string) (device, property string, err error) {
	found, _, err := house.Devices(ctx, name)
	if err != nil {
		return "", "", err
	}
	for _, d := range found {
		if d.Name != name {
			continue
		}
		var full []string
		for _, p := range d.Properties {
			if p.Settable {
				full = append(full, home.Join(name, p.Name))
			}
		}
		if len(full) == 1 {
			name = full[0]
		} else if len(full) > 1 {
			return "", "", usageError{fmt.Errorf("%s is a device; say which of its properties: %s", name, strings.Join(full, ", "))}
		}
	}
	device, property = home.Split(name)
	if device == "" {
		return "", "", usageError{fmt.Errorf("%q is no full name, expected device.property like hall.lamp.state", name)}
	}
	return device, property, nil
}

func printOutcome(cmd *cobra.Command, f houseFlags, o home.Outcome) error {
	if f.json {
		if err := printJSON(cmd.OutOrStdout(), []home.Outcome{o}); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(cmd.OutOrStdout(), showReceipt(paintFor(cmd.OutOrStdout()), &o))
	}
	if !o.Result.OK() {
		return errTold
	}
	return nil
}
