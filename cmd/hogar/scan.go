package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hogar/drivers"
	"hogar/drivers/board"
	"hogar/drivers/scan"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/gateway/api"
	"hogar/gateway/config"
)

// scanFlags are the flags of scan.
type scanFlags struct {
	config, root          string
	simulate, json, probe bool
}

func newScan() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan",
		Short: "what is on the buses and pins, and the configuration lines for it",
		Long: `scan looks what is there: chips on the I2C buses, sensors on 1-wire, what drivers
of the kernel serve (hwmon, IIO), PWM channels, and the pins with who holds them. It
prints lines of a configuration to paste for what no device of the configuration uses.

Nothing is changed, and a running gateway is not disturbed: addresses are asked as
i2cdetect does, and chips are named by their address.

With --probe chips that no device of the configuration uses are asked what they are. The
number of a register, or a command, has to be written for that. Each is written only where
plain reads have shown that no chip is there to which it is an instruction:

` + asked() + `
With --simulate it looks at the simulated board of the configuration.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.scan(cmd.Context(), cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "configuration (default $HOGAR_CONFIG, ./hogar.yaml, /etc/hogar/hogar.yaml; none is needed)")
	flags.StringVar(&f.root, "root", "", "look below this folder instead of /")
	flags.BoolVar(&f.simulate, "simulate", false, "look at the simulated board of the configuration")
	flags.BoolVar(&f.probe, "probe", false, "ask chips what they are, which writes to them")
	flags.BoolVar(&f.json, "json", false, "print JSON, one object a line")
	return cmd
}

func (f scanFlags) scan(ctx context.Context, cmd *cobra.Command) error {
	known, cfg, err := f.configured(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	b, err := f.board(known, cfg)
	if err != nil {
		return err
	}
	defer b.Close()
	look := scan.Look
	if f.probe {
		if err := f.knows(ctx, known); err != nil {
			return err
		}
		look = scan.Probe
	}
	report, err := look(ctx, b, known)
	if err != nil {
		return err
	}
	if f.json {
		if err := printJSON(cmd.OutOrStdout(), report.Findings); err != nil {
			return err
		}
	} else if err := printReport(cmd.OutOrStdout(), report.Findings); err != nil {
		return err
	}
	for _, problem := range report.Problems {
		fmt.Fprintln(cmd.ErrOrStderr(), "hogar:", problem)
	}
	if len(report.Problems) > 0 && len(report.Findings) == 0 {
		return errTold
	}
	return nil
}

// asked is what --probe writes, a line for each question.
func asked() string {
	var text strings.Builder
	for _, q := range scan.Asked() {
		fmt.Fprintf(&text, "  %#02x to %#02x  %s, for %s\n", q.First, q.Last, q.Writes, q.Chips)
	}
	return text.String()
}

// knows sees that the configuration has what a gateway that runs here has, which must not
// be asked.
func (f scanFlags) knows(ctx context.Context, known map[string][]drivers.Part) error {
	if f.simulate || f.root != "" {
		return nil // a board of its own
	}
	path, err := api.FindSocket("")
	var why *api.Error
	switch {
	case errors.As(err, &why) && strings.HasPrefix(why.Title, "no gateway"):
		return nil
	case err == nil:
		err = knownTo(ctx, path, known)
	}
	if err != nil {
		return fmt.Errorf("--probe must leave alone what a running gateway has: %w", err)
	}
	return nil
}

// knownTo sees that known has all chips of the gateway that listens at path, where one does.
func knownTo(ctx context.Context, path string, known map[string][]drivers.Part) error {
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil // it has ended, and left its socket behind
	case err != nil:
		return err
	}
	conn.Close()
	client := api.NewClient(path)
	status, err := client.Status(ctx)
	if err != nil || status.Simulated {
		return err // it has none of the machine's chips
	}
	running, err := client.Devices(ctx, "#")
	if err != nil {
		return err
	}
	for _, d := range running {
		if _, ok := known[d.Name]; !ok && slices.ContainsFunc(drivers.Chips(), func(c drivers.Chip) bool { return c.Driver == d.Driver }) {
			return fmt.Errorf("its %s is in no configuration that was found: name it with --config", d.Name)
		}
	}
	return nil
}

// configured returns the parts of the configured devices. A scan needs no configuration
// unless it is named, or its board is to be simulated.
func (f scanFlags) configured(errs io.Writer) (map[string][]drivers.Part, *config.Config, error) {
	path, err := config.Find(f.config)
	if err != nil {
		if f.config == "" && !f.simulate {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	plan, err := load(path, errs)
	if err != nil && f.config == "" && !f.simulate && !f.probe { // what a plain scan asks does no harm
		fmt.Fprintf(errs, "hogar: going on without the configuration: what is in use is not known (%v)\n", err)
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return plan.Parts(), plan.Config, nil
}

// scanned is a board that can be looked at.
type scanned interface {
	scan.Board
	io.Closer
}

func (f scanFlags) board(parts map[string][]drivers.Part, cfg *config.Config) (scanned, error) {
	if !f.simulate {
		return board.New(board.Options{Root: f.root})
	}
	if f.root != "" {
		return nil, usageError{errors.New("--root and --simulate are two boards: choose one")}
	}
	w := world.New(world.Options{Latitude: cfg.Location.Latitude, Longitude: cfg.Location.Longitude, Location: cfg.Location.Timezone})
	return simboard.New(w, time.Now, parts)
}

// headings are the classes in their order.
var headings = []struct{ class, heading string }{
	{scan.I2C, "I2C"}, {scan.W1, "1-wire"}, {scan.HWMon, "sensors of the kernel (hwmon)"}, {scan.IIO, "sensors of the kernel (IIO)"},
	{scan.PWM, "PWM"},
}

func printReport(w io.Writer, found []scan.Finding) error {
	p := paintFor(w)
	for _, h := range headings {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.StripEscape)
		first := true
		for _, f := range found {
			if f.Class != h.class {
				continue
			}
			if first {
				fmt.Fprintln(w, p.in(bold, h.heading))
				first = false
			}
			chip := f.Chip
			if chip == "" {
				chip = "unknown"
			}
			if f.By == "" && f.Class == scan.I2C {
				chip += ", by its address"
			} else if f.By != "" {
				chip += " (" + f.By + ")"
			}
			if f.Class == scan.PWM {
				chip = ""
			}
			fmt.Fprintf(t, "  %s\t%s\n", plain(f.Place), strings.Join(filled(plain(chip), plain(f.Value), held(p, f.Holder), plain(f.Note)), "; "))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	printPins(w, p, found)
	printEntries(w, p, found)
	return nil
}

// filled leaves out what is empty.
func filled(texts ...string) (some []string) {
	for _, s := range texts {
		if s != "" {
			some = append(some, s)
		}
	}
	return some
}

func held(p paint, holder string) string {
	if holder == "" {
		return ""
	}
	return p.escaped(yellow, "used by "+plain(holder))
}

// printPins tells the pins that are held one by one, and the free ones in a line.
func printPins(w io.Writer, p paint, found []scan.Finding) {
	var free []string
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.StripEscape)
	first := true
	for _, f := range found {
		if f.Class != scan.GPIO {
			continue
		}
		if first {
			fmt.Fprintln(w, p.in(bold, "pins"))
			first = false
		}
		if f.Holder == "" {
			free = append(free, plain(f.Place))
			continue
		}
		fmt.Fprintf(t, "  %s\t%s\n", plain(f.Place), strings.Join(filled(plain(f.Value), held(p, f.Holder), plain(f.Note)), "; "))
	}
	_ = t.Flush() // the next write tells
	if len(free) > 0 {
		fmt.Fprintf(w, "  free: %s\n", strings.Join(free, " "))
	}
}

// printEntries prints what to paste.
func printEntries(w io.Writer, p paint, found []scan.Finding) {
	first := true
	for _, f := range found {
		if f.Entry == "" {
			continue
		}
		if first {
			fmt.Fprintln(w, p.in(bold, "to paste")+", with names of your own:")
			fmt.Fprintln(w, "devices:")
			first = false
		}
		fmt.Fprintf(w, "  %s: %s\n", f.Name, f.Entry)
	}
}
