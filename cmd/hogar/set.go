package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hogar/gateway/home"
)

// setFlags are the flags of set.
type setFlags struct {
	houseFlags
	reason, id, expires string
}

func newSet() *cobra.Command {
	var f setFlags
	cmd := &cobra.Command{
		Use:   "set NAME VALUE",
		Short: "command a device and print the receipt",
		Long: `set sends a command and waits for its outcome: set hall.lamp.state on, off or
toggle; set hvac.target 21.5; set living.lights '{"sofa": 40, "shelf": 10}'. A group is
set like a device; a scene is activated by setting it on. Where a device has one
property that can be set its name is enough. It exits with 1 unless the outcome is
applied or verified.`,
		Args: exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error { return f.set(cmd, args[0], args[1]) },
	}
	f.add(cmd)
	cmd.ValidArgsFunction = f.names(true)
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, for the record")
	cmd.Flags().StringVar(&f.id, "id", "", "the command's id: sent again with the same one, it has the same outcome and does nothing")
	cmd.Flags().StringVar(&f.expires, "expires", "", "do nothing after so long, like 10s")
	return cmd
}

func (f *setFlags) set(cmd *cobra.Command, name, value string) error {
	var lives time.Duration
	if f.expires != "" {
		var err error
		if lives, err = home.ParseDuration(f.expires); err != nil {
			return usageError{fmt.Errorf("--expires: %w", err)}
		}
	}
	house, err := f.reach(cmd)
	if err != nil {
		return err
	}
	defer house.Close()
	found, now, err := house.Devices(cmd.Context(), name)
	if err != nil {
		return err
	}
	wish := home.Command{ID: f.id, Reason: f.reason}
	if f.expires != "" {
		wish.Expires = now.Add(lives)
	}
	if wish.Device, wish.Set, err = wishFor(name, value, found); err != nil {
		return err
	}
	if wish.Device == "" {
		return missing(cmd.Context(), house, "there is no device called %s (%s)", name)
	}
	o, err := house.Command(cmd.Context(), wish)
	if err != nil {
		return err
	}
	return printOutcome(cmd, f.houseFlags, o)
}

// wishFor says what to set at which device, by a name as people write it and what
// the house has of that name. The device is "" when the name is neither known nor
// a full one.
func wishFor(name, value string, found []home.DeviceState) (device string, set home.Settings, err error) {
	v := home.TextOf(value)
	object := strings.HasPrefix(value, "{")
	if object || strings.HasPrefix(value, "[") {
		if v, err = home.ParseValue([]byte(value)); err != nil {
			return "", nil, usageError{fmt.Errorf("the value is not JSON: %w", err)}
		}
	}
	for _, d := range found {
		if d.Name != name {
			continue
		}
		able := settable(&d)
		switch {
		case len(able) == 1 && (!object || able[0].Type == home.TypeObject):
			return name, home.Settings{{Property: able[0].Name, Value: v}}, nil
		case object:
			if err := json.Unmarshal([]byte(value), &set); err != nil {
				return "", nil, usageError{err}
			}
			return name, set, nil
		case len(able) > 1:
			return "", nil, usageError{fmt.Errorf("%s is a device; say which of its properties: %s, or give an object", name, names(name, able))}
		}
		return "", nil, fmt.Errorf("nothing of %s can be set", name)
	}
	device, property := home.Split(name)
	return device, home.Settings{{Property: property, Value: v}}, nil
}

func settable(d *home.DeviceState) []home.Property {
	var able []home.Property
	for _, p := range d.Properties {
		if p.Settable {
			able = append(able, p)
		}
	}
	return able
}

// names lists the full names of a device's properties.
func names(device string, properties []home.Property) string {
	full := make([]string, len(properties))
	for i, p := range properties {
		full[i] = home.Join(device, p.Name)
	}
	return strings.Join(full, ", ")
}

// missing says by a format of two texts that nothing has the name, and what comes
// near it.
func missing(ctx context.Context, house running, format, name string) error {
	hint := "hogar devices lists what there is"
	if all, _, err := house.Devices(ctx, "#"); err == nil {
		if near := home.Nearest(name, home.NamesOf(all)); near != "" {
			hint = "did you mean " + near + "?"
		}
	}
	return fmt.Errorf(format, name, hint)
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
