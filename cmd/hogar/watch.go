package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"hogar/gateway/api"
	"hogar/gateway/home"
)

// watchFlags are the flags of watch.
type watchFlags struct {
	houseFlags
	raw, table bool
	kinds      []string
}

func newWatch() *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use:   "watch [PATTERN]",
		Short: "what happens, as it happens",
		Long: `watch prints readings, events, commands and rules of the running gateway as they
come, until it is interrupted. PATTERN is a name, with * for one word and # for any
number of words. --kind chooses: reading, event, status, outcome, rule, gateway,
variable. With --json each line is the event's one JSON form, as on AMQP. With --raw
each measurement is shown as it came, before its filters, too. With --table the last
readings stand in a table that changes with them.`,
		Args: atMost(1),
		RunE: f.with(func(cmd *cobra.Command, house running, args []string) error {
			return f.watch(cmd, house, patternOf(args))
		}),
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&f.raw, "raw", false, "measurements before their filters, too")
	cmd.Flags().BoolVar(&f.table, "table", false, "a live table of the last readings, on a terminal")
	cmd.Flags().StringSliceVar(&f.kinds, "kind", nil, "only these kinds of events: reading,outcome")
	_ = cmd.RegisterFlagCompletionFunc("kind", words("reading", "event", "status", "outcome", "rule", "gateway", "variable")) // the flag is there
	cmd.ValidArgsFunction = f.names(false)
	return cmd
}

func (f *watchFlags) watch(cmd *cobra.Command, house running, pattern string) error {
	for _, word := range f.kinds {
		if home.KindOf(word) == 0 {
			return usageError{fmt.Errorf("--kind is %q, expected reading, event, status, outcome, rule, gateway or variable", word)}
		}
	}
	watch := house.Watch
	if l, ok := house.(local); f.raw && ok {
		watch = l.WatchRaw
	} else if f.raw {
		return usageError{errors.New("--raw is for a gateway on this machine: what its filters hold back does not go out over AMQP")}
	}
	if f.table {
		return f.live(cmd, house, pattern)
	}
	out := cmd.OutOrStdout()
	p := paintFor(out)
	return watch(cmd.Context(), pattern, nil, func(ev api.Event) {
		if ev.Lost > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "hogar: %d events left out, the terminal was too slow\n", ev.Lost)
		}
		if len(f.kinds) > 0 && !slices.Contains(f.kinds, ev.Kind.String()) {
			return
		}
		if f.json {
			fmt.Fprintf(out, "%s\n", ev.Data)
		} else if line := showEvent(p, ev); line != "" {
			fmt.Fprintln(out, line)
		}
	})
}
