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

	"hogar/gateway"
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
	var f houseFlags
	var catalog bool
	cmd := &cobra.Command{
		Use:   "devices [PATTERN]",
		Short: "what there is, and how it is",
		Long: `devices lists the devices of the running gateway with their last readings.
PATTERN is a name, with * for one word and # for any number of words.
With --catalog it writes down the discovered ones, for catalog: in the configuration.`,
		Args: atMost(1),
		RunE: f.with(func(cmd *cobra.Command, house running, args []string) error {
			found, now, err := house.Devices(cmd.Context(), patternOf(args))
			if err != nil {
				return err
			}
			if catalog {
				return gateway.WriteCatalog(cmd.OutOrStdout(), found)
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), found)
			}
			printClock(cmd.Context(), cmd.OutOrStdout(), house)
			return printDevices(cmd.OutOrStdout(), found, now)
		}),
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&catalog, "catalog", false, "print the discovered devices as a catalog file")
	return cmd
}

// printClock says what is to be said about the house's clock: that it is not trusted, or
// was set within the last hour. Over AMQP only the first is known.
func printClock(ctx context.Context, w io.Writer, house running) {
	here, ok := house.(local)
	if !ok {
		if far, ok := house.(remote); ok && far.Doubted() {
			fmt.Fprintln(w, paintFor(w).in(yellow, fmt.Sprintf("the clock shows %s and is not trusted; at, sun, cron and now wait for it",
				far.HouseTime().Local().Format("2006-01-02 15:04"))))
		}
		return
	}
	s, err := here.Status(ctx)
	if err != nil {
		return // who asked for the devices has them
	}
	p := paintFor(w)
	switch c := s.Clock; {
	case !c.Trusted:
		fmt.Fprintln(w, p.in(yellow, fmt.Sprintf("the clock shows %s and is not trusted: %s; at, sun, cron and now wait for it",
			s.HouseTime.Local().Format("2006-01-02 15:04"), c.Why)))
	case !c.SetAt.IsZero() && s.HouseTime.Sub(c.SetAt) < time.Hour:
		way, by := "forward", time.Duration(c.SetBy*float64(time.Second)).Round(time.Second)
		if by < 0 {
			way, by = "back", -by
		}
		fmt.Fprintln(w, p.in(yellow, fmt.Sprintf("the clock was set %s by %s at %s", way, home.FormatDuration(by), c.SetAt.Local().Format("15:04"))))
	}
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
		// What may be long stands behind the columns, and makes none of them wider.
		if d.Kind != "" {
			fmt.Fprintf(t, "%s\t%s\n", d.Name, p.escaped(dim, d.Kind+": "+strings.Join(d.Members, ", ")))
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", d.Name, showStatus(p, &d), plain(d.Reason))
		for _, r := range d.Readings {
			_, property := home.Split(r.Name)
			value := showReading(r)
			if d.Reason != "" && strings.HasSuffix(r.Unknown, d.Reason) {
				value = "unknown"
			}
			fmt.Fprintf(t, "  %s\t%s\t%s\n", property, value+showDesired(p, r), age(now, r.Time))
		}
		if d.Repeated > 0 {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", p.escaped(dim, "repeated"), p.escaped(dim, times(d.Repeated)), "")
		}
	}
	return t.Flush()
}

// times shows how often a measurement came only when it was repeated.
func times(n uint64) string {
	if n == 1 {
		return "1 measurement"
	}
	return fmt.Sprintf("%d measurements", n)
}

func newGet() *cobra.Command {
	var f houseFlags
	cmd := &cobra.Command{
		Use:   "get NAME",
		Short: "the last reading of a property, a device, or all that fit a pattern",
		Long: `get prints the last reading: of a property (kitchen.climate.temperature), of all
properties of a device (kitchen.climate), or of all that fit a pattern (*.climate).
It exits with 1 when there is none, or its value is unknown.`,
		Args: exactly(1),
		RunE: f.with(func(cmd *cobra.Command, house running, args []string) error {
			found, _, err := house.Devices(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if len(found) == 0 {
				return missing(cmd.Context(), house, "no reading of %q (%s)", args[0])
			}
			return f.printFound(cmd, args[0], found)
		}),
	}
	f.add(cmd)
	cmd.ValidArgsFunction = f.names(false)
	return cmd
}

// readingsOf returns the readings of what was found by a name or pattern.
func readingsOf(name string, found []home.DeviceState) ([]home.LastReading, error) {
	var readings []home.LastReading
	for _, d := range found {
		readings = append(readings, d.Readings...)
	}
	switch {
	case len(readings) > 0:
		return readings, nil
	case len(found) == 1 && found[0].Kind != "":
		return nil, fmt.Errorf("%s is a %s and has no readings; get those of its devices: %s", found[0].Name, found[0].Kind, strings.Join(found[0].Members, ", "))
	}
	return nil, fmt.Errorf("%s has no readings: what it tells is momentary (hogar watch shows it)", name)
}

// printFound prints the readings of what was found by a name or pattern. It fails
// when none of them is known.
func (f *houseFlags) printFound(cmd *cobra.Command, name string, found []home.DeviceState) error {
	readings, err := readingsOf(name, found)
	if err != nil {
		return err
	}
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
			fmt.Fprintf(t, "%s\t%s\n", r.Name, showReading(r)+showDesired(paint{}, r))
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
