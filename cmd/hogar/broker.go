package main

import (
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hogar/bridge"
	"hogar/gateway"
	"hogar/gateway/api"
	"hogar/gateway/config"
)

// brokerFlags say which configuration, and which broker.
type brokerFlags struct {
	config, amqp string
	json         bool
}

func (f *brokerFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.config, "config", "", "configuration (default $HOGAR_CONFIG, ./hogar.yaml, /etc/hogar/hogar.yaml)")
	cmd.Flags().StringVar(&f.amqp, "amqp", "", "URL of RabbitMQ, instead of the configuration's (also AMQP_URL)")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
}

// options are those of the bridge that the gateway would have.
func (f *brokerFlags) options(cmd *cobra.Command) (bridge.Options, error) {
	path, err := config.Find(f.config)
	if err != nil {
		return bridge.Options{}, err
	}
	plan, err := load(path, cmd.ErrOrStderr())
	if err != nil {
		return bridge.Options{}, err
	}
	override := f.amqp
	if override == "" {
		override = os.Getenv("AMQP_URL")
	}
	urls, _, err := gateway.URLs(plan.Config.AMQP, override, false)
	return plan.Bridge(urls, version), err
}

func newDoctor() *cobra.Command {
	var f brokerFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "find what is wrong with the broker",
		Long: `doctor connects to RabbitMQ as the gateway would, and checks that it can be reached,
lets the gateway in and lets it do all that it needs; what is different from what it
would declare; what no queue takes; and whether another gateway has the name. Each
fault comes with what mends it. It exits with 1 when there is one.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := f.options(cmd)
			if err != nil {
				return err
			}
			_, err = api.NewClient(defaultSocket(o.Gateway)).Status(cmd.Context())
			running := err == nil
			findings := bridge.Examine(cmd.Context(), o, running)
			if f.json {
				if err := printJSON(cmd.OutOrStdout(), findings); err != nil {
					return err
				}
			}
			return printFindings(cmd, findings, f.json)
		},
	}
	f.add(cmd)
	return cmd
}

func printFindings(cmd *cobra.Command, findings []bridge.Finding, quiet bool) error {
	out := cmd.OutOrStdout()
	p := paintFor(out)
	bad := false
	for _, one := range findings {
		bad = bad || !one.OK
		if quiet {
			continue
		}
		mark := p.in(green, "ok   ")
		if !one.OK {
			mark = p.in(red, "FAULT")
		}
		fmt.Fprintf(out, "%s  %s", mark, one.What)
		if one.Detail != "" {
			fmt.Fprintf(out, ": %s", one.Detail)
		}
		fmt.Fprintln(out)
		if one.Fix != "" {
			fmt.Fprintf(out, "       %s\n", one.Fix)
		}
	}
	if bad {
		return errTold
	}
	return nil
}

func newTopology() *cobra.Command {
	var f brokerFlags
	cmd := &cobra.Command{
		Use:   "topology",
		Short: "print what an operator sets up for this gateway",
		Long: `topology prints the RabbitMQ definitions (exchanges, queues, bindings, the user and
his rights) that this gateway needs where it may not declare them itself, and the same
rights as rabbitmqctl lines. With --json it prints the definitions file alone.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := f.options(cmd)
			if err != nil {
				return err
			}
			definitions, lines, err := bridge.Topology(o)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if f.json {
				_, err = fmt.Fprintf(out, "%s\n", definitions)
				return err
			}
			for _, line := range lines {
				fmt.Fprintln(out, line)
			}
			_, err = fmt.Fprintln(out, "\n# FILE is what hogar topology --json prints.")
			return err
		},
	}
	f.add(cmd)
	return cmd
}

func newDead() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "commands that were refused or came too late",
		Long: `dead works on the queue of commands that were refused or expired: list them with the
reason, show one whole, send them again (redrive), or throw them away (purge).`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		deadCommand("list", "list them with the reason", exactly(0), listDead),
		deadCommand("show ID", "show one whole", exactly(1), showDead),
		deadCommand("redrive [ID...]", "send them, or all, again, each with a new id", cobra.ArbitraryArgs, redriveDead),
		deadCommand("purge [ID...]", "throw them, or all, away", cobra.ArbitraryArgs, purgeDead),
	)
	return cmd
}

// deadCommand makes a command that works on the dead letters.
func deadCommand(use, short string, args cobra.PositionalArgs, do func(*cobra.Command, *bridge.DeadLetters, []string, bool) error) *cobra.Command {
	var f brokerFlags
	cmd := &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.options(cmd)
			if err != nil {
				return err
			}
			letters, err := bridge.OpenDead(cmd.Context(), o)
			if err != nil {
				return err
			}
			defer letters.Close()
			return do(cmd, letters, args, f.json)
		},
	}
	f.add(cmd)
	return cmd
}

func listDead(cmd *cobra.Command, letters *bridge.DeadLetters, _ []string, asJSON bool) error {
	list, err := letters.List(cmd.Context())
	switch {
	case err != nil:
		return err
	case asJSON:
		return printJSON(cmd.OutOrStdout(), list)
	case len(list) == 0:
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "there is none")
		return err
	}
	t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, d := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", d.ID, d.Time.Local().Format(time.DateTime), d.Key, d.Reason)
	}
	return t.Flush()
}

func showDead(cmd *cobra.Command, letters *bridge.DeadLetters, args []string, asJSON bool) error {
	list, err := letters.List(cmd.Context())
	if err != nil {
		return err
	}
	for _, d := range list {
		if d.ID != args[0] {
			continue
		}
		if asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(d)
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "id        %s\nreason    %s\nat        %s\nexchange  %s\nkey       %s\nuser      %s\ntype      %s\nbody      %s\n",
			d.ID, d.Reason, d.Time.Local().Format(time.DateTime), d.Exchange, d.Key, d.User, d.Type, d.Body)
		return err
	}
	return fmt.Errorf("there is no dead letter %q (hogar dead list)", args[0])
}

func redriveDead(cmd *cobra.Command, letters *bridge.DeadLetters, ids []string, _ bool) error {
	sent, err := letters.Redrive(cmd.Context(), ids...)
	if err != nil {
		return err
	}
	for old, id := range sent {
		fmt.Fprintf(cmd.OutOrStdout(), "%s is sent again as %s\n", old, id)
	}
	return nil
}

func purgeDead(cmd *cobra.Command, letters *bridge.DeadLetters, ids []string, _ bool) error {
	n, err := letters.Purge(cmd.Context(), ids...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s thrown away\n", count(n, "letter", "letters"))
	return err
}
