package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hogar/gateway/api"
	"hogar/gateway/home"
	"hogar/gateway/ledger"
)

func newOutbox() *cobra.Command {
	var f askFlags
	var aside bool
	cmd := &cobra.Command{
		Use:   "outbox",
		Short: "what waits for RabbitMQ, and what became of the rest",
		Long: `outbox shows how much waits for RabbitMQ, since when and why, how fast it comes and
goes, and the ledger: what became of every event since it is counted, by where it came
from. sampled = filtered + refused + accepted, and accepted = confirmed + waiting +
dropped + set aside; each is counted where it happens.

A message that RabbitMQ refuses for its own sake (too long, a missing exchange of a
rule) is set aside, so that the others go on; --set-aside lists those.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			o, err := client.Outbox(cmd.Context())
			switch {
			case err != nil:
				return err
			case f.json:
				return printJSON(cmd.OutOrStdout(), []api.Outbox{o})
			case aside:
				return printAside(cmd, o.SetAside)
			}
			return printOutbox(cmd, o)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&aside, "set-aside", false, "list what was set aside")
	cmd.AddCommand(newResend())
	return cmd
}

func printOutbox(cmd *cobra.Command, o api.Outbox) error {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "waiting    %d", o.Waiting)
	if o.Ledger.Counting {
		fmt.Fprint(out, ", and what waited before the start is being counted")
	}
	if !o.Oldest.IsZero() {
		fmt.Fprintf(out, ", the oldest for %s, since %s", (time.Duration(o.Age * float64(time.Second))).Round(time.Second),
			o.Oldest.Local().Format(time.DateTime))
	}
	fmt.Fprintf(out, "\nrate       %.3g a second in, %.3g out", o.In, o.Out)
	switch {
	case o.Waiting == 0:
	case o.EmptyIn < 0:
		fmt.Fprint(out, "; the backlog is growing")
	default:
		fmt.Fprintf(out, "; empty in %s", (time.Duration(o.EmptyIn * float64(time.Second))).Round(time.Second))
	}
	fmt.Fprintln(out)
	if o.Error != "" {
		fmt.Fprintf(out, "trouble    %s\n", plain(o.Error))
	}
	if o.Journal != "" {
		fmt.Fprintf(out, "journal    %s\n", plain(o.Journal))
	}
	if o.Held != "" {
		fmt.Fprintf(out, "held by    %s\n", plain(o.Held))
	}
	if len(o.SetAside) > 0 {
		fmt.Fprintf(out, "set aside  %d, see hogar outbox --set-aside\n", len(o.SetAside))
	}
	fmt.Fprintln(out)
	return printLedger(out, o.Ledger)
}

// printLedger shows what became of the events, a line for each class.
func printLedger(out io.Writer, c ledger.Counts) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tsampled\tfiltered\trefused\taccepted\tconfirmed\twaiting\tdropped\tset aside\t")
	row := func(name string, e ledger.Entry) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, e.Sampled, e.Filtered, ledger.Sum(e.Refused), e.Accepted,
			e.Confirmed, e.Waiting, ledger.Sum(e.Dropped), e.SetAside)
	}
	for _, class := range slices.Sorted(maps.Keys(c.Classes)) {
		row(class, c.Classes[class])
	}
	row("all", c.All)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, why := range []struct {
		what string
		by   map[string]uint64
	}{{"refused", c.All.Refused}, {"dropped", c.All.Dropped}} {
		if len(why.by) > 0 {
			fmt.Fprintf(out, "%s: %s\n", why.what, byReason(why.by))
		}
	}
	if sampled, accepted := c.All.Missing(); !c.Counting && (sampled != 0 || accepted != 0) {
		fmt.Fprintf(out, "the ledger does not add up: %d sampled and %d accepted are not accounted for; please report this\n", sampled, accepted)
	}
	_, err := fmt.Fprintf(out, "counted since %s\n", c.Since.Local().Format(time.DateTime))
	return err
}

// byReason shows counts as "full 3, unrouted 2".
func byReason(counts map[string]uint64) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", reason, counts[reason]))
	}
	return strings.Join(parts, ", ")
}

func printAside(cmd *cobra.Command, list []api.SetAside) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "nothing is set aside")
		return err
	}
	t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, s := range list {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", s.Seq, s.Time.Local().Format(time.DateTime), plain(s.Key), plain(s.Reason))
	}
	return t.Flush()
}

func newResend() *cobra.Command {
	var f askFlags
	var since string
	cmd := &cobra.Command{
		Use:   "resend --since TIME",
		Short: "send again what RabbitMQ has had",
		Long: `resend sends again, under the same message ids, what RabbitMQ confirmed since TIME and
the journal still keeps, and tries again what was set aside. TIME is a duration back
from now (24h) or a moment (2026-11-22T20:15:00Z).`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			from, err := parseSince(cmd, client, since)
			if err != nil {
				return err
			}
			r, err := client.Resend(cmd.Context(), from)
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), []api.Resent{r})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "sent again %d, no queue took %d, refused %d\n", r.Sent, r.Unrouted, r.Refused)
			return err
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&since, "since", "", "from when on")
	return cmd
}

// parseSince reads a moment, or a duration back from the house's now.
func parseSince(cmd *cobra.Command, client *api.Client, s string) (time.Time, error) {
	if d, err := home.ParseDuration(s); err == nil {
		status, err := client.Status(cmd.Context())
		return status.HouseTime.Add(-d), err
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, usageError{fmt.Errorf("--since is %q, expected a duration like 24h, or a moment like 2026-11-22T20:15:00Z", s)}
	}
	return t, nil
}
