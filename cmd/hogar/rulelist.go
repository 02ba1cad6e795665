package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hogar/gateway/api"
	"hogar/gateway/home"
)

func newRuleList() *cobra.Command {
	var f houseFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "how the rules are: running, waiting for what, and why",
		Args:  exactly(0),
		RunE: f.with(func(cmd *cobra.Command, house running, _ []string) error {
			list, now, err := house.Rules(cmd.Context())
			switch {
			case err != nil:
				return err
			case f.json:
				return printJSON(cmd.OutOrStdout(), list)
			}
			return printRules(cmd.OutOrStdout(), list, now)
		}),
	}
	f.add(cmd)
	return cmd
}

func printRules(w io.Writer, list []api.Rule, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "there are no rules; docs/rules.md tells how they are written")
		return err
	}
	p := paintFor(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.StripEscape)
	for _, r := range list {
		last := "never ran"
		if !r.Last.IsZero() {
			last = "ran " + age(now, r.Last)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.Name, p.escaped(ruleColor(r.State), r.State), last, plain(r.Why))
		for _, found := range r.Findings {
			fmt.Fprintf(t, "\t\t\t%s\n", p.escaped(yellow, plain(found)))
		}
	}
	return t.Flush()
}

func ruleColor(state string) string {
	switch state {
	case "running":
		return green
	case "paused", "failed":
		return red
	case "disabled":
		return yellow
	}
	return dim
}

func newRuleTrace() *cobra.Command {
	var f houseFlags
	cmd := &cobra.Command{
		Use:   "trace NAME",
		Short: "what a rule did last, step by step, and why it did nothing",
		Long: `trace shows the last ten runs of a rule: what started it, the values that its
conditions saw, each step with the outcome of its commands; and the last ten times
that it could have started and did not.`,
		Args: exactly(1),
		RunE: f.with(func(cmd *cobra.Command, house running, args []string) error {
			t, err := house.RuleTrace(cmd.Context(), args[0])
			switch {
			case err != nil:
				return err
			case f.json:
				return printJSON(cmd.OutOrStdout(), []api.RuleTrace{t})
			}
			_, err = io.WriteString(cmd.OutOrStdout(), showTrace(paintFor(cmd.OutOrStdout()), &t))
			return err
		}),
	}
	f.add(cmd)
	cmd.ValidArgsFunction = f.ruleNames
	return cmd
}

// showTrace tells what a rule did in the order of time.
func showTrace(p paint, t *api.RuleTrace) string {
	type told struct {
		at   time.Time
		text string
	}
	var past []told
	for i := range t.Runs {
		past = append(past, told{t.Runs[i].Began, showRun(p, &t.Runs[i])})
	}
	for _, q := range t.Quiet {
		past = append(past, told{q.At, fmt.Sprintf("%s  not started: %s, by %s%s\n", stamp(q.At), p.in(yellow, plain(q.Why)), plain(q.Event), saw(q.If))})
	}
	slices.SortStableFunc(past, func(a, b told) int { return a.at.Compare(b.at) })
	var out strings.Builder
	fmt.Fprintf(&out, "%s is %s: %s\n", t.Name, p.in(ruleColor(t.State), t.State), plain(t.Why))
	if !t.Next.IsZero() {
		fmt.Fprintf(&out, "it looks again at %s\n", stamp(t.Next))
	}
	for _, found := range t.Findings {
		fmt.Fprintln(&out, p.in(yellow, plain(found)))
	}
	for _, one := range past {
		out.WriteString(one.text)
	}
	return out.String()
}

func showRun(p paint, r *api.RuleRun) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s  run %d started by %s%s\n", stamp(r.Began), r.Run, plain(r.Event), saw(r.If))
	for _, s := range r.Steps {
		fmt.Fprintf(&out, "  %s  %s\n", stamp(s.At), plain(s.Did))
	}
	if r.Cut > 0 {
		fmt.Fprintf(&out, "  … %d more\n", r.Cut)
	}
	reason := ""
	if r.Reason != "" {
		reason = ": " + plain(r.Reason)
	}
	if r.Ended.IsZero() {
		fmt.Fprintf(&out, "  %s%s\n", p.in(green, r.State), reason)
		return out.String()
	}
	color := dim
	if r.State == "failed" {
		color = red
	}
	fmt.Fprintf(&out, "  %s  %s%s, after %s\n", stamp(r.Ended), p.in(color, r.State), reason,
		home.FormatDuration(r.Ended.Sub(r.Began).Round(time.Millisecond)))
	return out.String()
}

// saw shows the values that an if saw.
func saw(values string) string {
	if values == "" {
		return ""
	}
	return " (if saw " + plain(values) + ")"
}

// stamp is a moment of the house in this machine's local time.
func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func newRuleSwitch(word string, on bool) *cobra.Command {
	var f houseFlags // of which a broker will not do
	var reason string
	cmd := &cobra.Command{
		Use:   word + " NAME",
		Short: word + " a rule, without editing the configuration",
		Long: word + ` NAME is kept over restarts and reloads, and comes before enabled: in the
configuration. The runs of a rule that is disabled end; its triggers go on watching,
so that enabling it again is no event.`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			r, err := client.SwitchRule(cmd.Context(), args[0], on, reason)
			switch {
			case err != nil:
				return err
			case f.json:
				return printJSON(cmd.OutOrStdout(), []api.Rule{r})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is %s: %s\n", r.Name, r.State, plain(r.Why))
			return err
		},
	}
	f.askFlags.add(cmd)
	cmd.ValidArgsFunction = f.ruleNames
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}
