package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hogar/gateway/api"
	"hogar/gateway/home"
)

// askFlags are the flags of the commands that talk to a running gateway.
type askFlags struct {
	socket, gateway string
	json            bool
}

func (f *askFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.socket, "socket", "", "unix socket of the gateway")
	cmd.Flags().StringVar(&f.gateway, "gateway", "", "name of the gateway, when several run")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON, one object a line")
}

func (f *askFlags) client() (*api.Client, error) {
	path := f.socket
	if path == "" {
		var err error
		if path, err = api.FindSocket(f.gateway); err != nil {
			return nil, err
		}
	}
	return api.NewClient(path), nil
}

func newDevices() *cobra.Command {
	var f askFlags
	cmd := &cobra.Command{
		Use:   "devices [PATTERN]",
		Short: "what there is, and how it is",
		Long: `devices lists the devices of the running gateway with their last readings.
PATTERN is a name, with * for one word and # for any number of words.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			found, err := client.Devices(cmd.Context(), patternOf(args))
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), found)
			}
			status, err := client.Status(cmd.Context())
			if err != nil {
				return err
			}
			return printDevices(cmd.OutOrStdout(), found, status.HouseTime)
		},
	}
	f.add(cmd)
	return cmd
}

func patternOf(args []string) string {
	if len(args) == 0 {
		return "#"
	}
	return args[0]
}

// printJSON prints one object a line.
func printJSON[T any](w io.Writer, list []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, one := range list {
		if err := enc.Encode(one); err != nil {
			return err
		}
	}
	return nil
}

func printDevices(w io.Writer, found []home.DeviceState, now time.Time) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, "no device fits; hogar devices lists all")
		return err
	}
	p := paintFor(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.StripEscape)
	for _, d := range found {
		status := d.Status
		if status == "" {
			status = "not heard of yet"
		}
		if d.Reason != "" {
			status += ": " + d.Reason
		}
		fmt.Fprintf(t, "%s\t%s\t\t\n", d.Name, p.escaped(statusColor(d.Status), status))
		for _, r := range d.Readings {
			_, property := home.Split(r.Name)
			fmt.Fprintf(t, "  %s\t%s\t%s\t\n", property, showReading(r), age(now, r.Time))
		}
	}
	return t.Flush()
}

func newGet() *cobra.Command {
	var f askFlags
	cmd := &cobra.Command{
		Use:   "get NAME",
		Short: "the last reading of a property, a device, or all that fit a pattern",
		Long: `get prints the last reading: of a property (kitchen.climate.temperature), of all
properties of a device (kitchen.climate), or of all that fit a pattern (*.climate).
It exits with 1 when there is none, or its value is unknown.`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			found, err := client.Devices(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var readings []home.LastReading
			for _, d := range found {
				readings = append(readings, d.Readings...)
			}
			if len(readings) == 0 {
				return fmt.Errorf("no reading of %q (hogar devices lists what there is)", args[0])
			}
			return printReadings(cmd, f, readings)
		},
	}
	f.add(cmd)
	return cmd
}

func printReadings(cmd *cobra.Command, f askFlags, readings []home.LastReading) error {
	out := cmd.OutOrStdout()
	switch {
	case f.json:
		if err := printJSON(out, readings); err != nil {
			return err
		}
	case len(readings) == 1:
		fmt.Fprintln(out, showReading(readings[0]))
	default:
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, r := range readings {
			fmt.Fprintf(t, "%s\t%s\n", r.Name, showReading(r))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, r := range readings {
		if r.Value.Known() {
			return nil
		}
	}
	return errTold
}

func newSet() *cobra.Command {
	var f askFlags
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
			client, err := f.client()
			if err != nil {
				return err
			}
			device, property, err := settable(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			o, err := client.Command(cmd.Context(), home.Command{Device: device, Reason: reason,
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
func settable(ctx context.Context, client *api.Client, name string) (device, property string, err error) {
	found, err := client.Devices(ctx, name)
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

func printOutcome(cmd *cobra.Command, f askFlags, o home.Outcome) error {
	if f.json {
		if err := printJSON(cmd.OutOrStdout(), []home.Outcome{o}); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(cmd.OutOrStdout(), showOutcome(paintFor(cmd.OutOrStdout()), &o))
	}
	if !o.Result.OK() {
		return errTold
	}
	return nil
}

func newWatch() *cobra.Command {
	var f askFlags
	cmd := &cobra.Command{
		Use:   "watch [PATTERN]",
		Short: "what happens, as it happens",
		Long: `watch prints readings, events, commands and rules of the running gateway as they
come, until it is interrupted. PATTERN is a name, with * for one word and # for any
number of words. With --json each line is the event's one JSON form, as on AMQP.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			p := paintFor(out)
			return client.Watch(cmd.Context(), patternOf(args), nil, func(ev api.Event) {
				if ev.Lost > 0 {
					fmt.Fprintf(cmd.ErrOrStderr(), "hogar: %d events left out, the terminal was too slow\n", ev.Lost)
				}
				if f.json {
					fmt.Fprintf(out, "%s\n", ev.Data)
				} else if line := showEvent(p, ev); line != "" {
					fmt.Fprintln(out, line)
				}
			})
		},
	}
	f.add(cmd)
	return cmd
}

func newReload() *cobra.Command {
	var f askFlags
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "make the gateway read its configuration again",
		Long:  `reload is all or nothing: a configuration with faults changes nothing.`,
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			if err := client.Reload(cmd.Context()); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "reloaded")
			return err
		},
	}
	f.add(cmd)
	return cmd
}
