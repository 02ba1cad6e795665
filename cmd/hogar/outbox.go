package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hogar/gateway/api"
	"hogar/gateway/home"
)

func newOutbox() *cobra.Command {
	var f askFlags
	var aside bool
	cmd := &cobra.Command{
		Use:   "outbox",
		Short: "what waits for RabbitMQ, and what became of the rest",
		Long: `outbox shows how much waits for RabbitMQ and why, and what became of the rest. A
message that RabbitMQ refuses for its own sake (too long, a missing exchange of a
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
	if !o.Oldest.IsZero() {
		fmt.Fprintf(out, ", the oldest of %s", o.Oldest.Local().Format(time.DateTime))
	}
	fmt.Fprintln(out)
	if o.Error != "" {
		fmt.Fprintf(out, "trouble    %s\n", o.Error)
	}
	if o.Held != "" {
		fmt.Fprintf(out, "held by    %s\n", o.Held)
	}
	fmt.Fprintf(out, "confirmed  %s\ndropped    %s\nset aside  %d\n", byKind(o.Confirmed), byKind(o.Dropped), len(o.SetAside))
	_, err := fmt.Fprintf(out, "counted since %s\n", o.Since.Local().Format(time.DateTime))
	return err
}

// byKind shows counts as "12 readings and the like: reading 10, status 2".
func byKind(counts map[string]uint64) string {
	var total uint64
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		total += counts[kind]
		parts = append(parts, fmt.Sprintf("%s %d", kind, counts[kind]))
	}
	if total == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%s)", total, strings.Join(parts, ", "))
}

func printAside(cmd *cobra.Command, list []api.SetAside) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "nothing is set aside")
		return err
	}
	t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, s := range list {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", s.Seq, s.Time.Local().Format(time.DateTime), s.Key, s.Reason)
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
