package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"hogar/bridge"
	"hogar/gateway/home"
)

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

// deadFlags are those of the commands on dead letters, which need no configuration
// where the broker and the gateway are named.
type deadFlags struct {
	brokerFlags
	gateway string
}

func (f *deadFlags) add(cmd *cobra.Command) {
	f.brokerFlags.add(cmd)
	cmd.Flags().StringVar(&f.gateway, "gateway", "", "name of the gateway; with --amqp no configuration is needed")
}

func (f *deadFlags) options(cmd *cobra.Command) (bridge.Options, error) {
	if f.gateway == "" {
		return f.brokerFlags.options(cmd)
	}
	if err := home.CheckWord(f.gateway); err != nil {
		return bridge.Options{}, usageError{fmt.Errorf("--gateway: %w", err)}
	}
	if f.amqp != "" {
		url, err := dialable(f.amqp)
		return bridge.Options{URLs: []string{url}, Gateway: f.gateway, Version: version}, err
	}
	o, err := f.brokerFlags.options(cmd)
	o.Gateway = f.gateway
	return o, err
}

// printable makes a text that anybody may have sent fit for a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) || r == '\n' || r == '\t' {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}

// deadCommand makes a command that works on the dead letters.
func deadCommand(use, short string, args cobra.PositionalArgs, do func(*cobra.Command, *bridge.DeadLetters, []string, bool) error) *cobra.Command {
	var f deadFlags
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
			if advice := letters.Advice(); advice != "" {
				fmt.Fprintln(cmd.ErrOrStderr(), "hogar:", advice)
			}
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
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", plain(printable(d.ID)), d.Time.Local().Format(time.DateTime), plain(printable(d.Key)), plain(printable(d.Reason)))
	}
	return t.Flush()
}

func showDead(cmd *cobra.Command, letters *bridge.DeadLetters, args []string, asJSON bool) error {
	d, err := letters.Find(cmd.Context(), args[0])
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), []bridge.Dead{d})
	}
	body := strings.ReplaceAll(printable(d.Body), "\n", "\n          ")
	if d.LeftOut > 0 {
		body = fmt.Sprintf("left out: it had %d bytes", d.LeftOut)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "id        %s\nreason    %s\nat        %s\nexchange  %s\nkey       %s\nuser      %s\ntype      %s\nbody      %s\n",
		plain(printable(d.ID)), plain(printable(d.Reason)), d.Time.Local().Format(time.DateTime), plain(printable(d.Exchange)), plain(printable(d.Key)), plain(printable(d.User)),
		plain(printable(d.Type)), body)
	return err
}

func redriveDead(cmd *cobra.Command, letters *bridge.DeadLetters, ids []string, asJSON bool) error {
	sent, failed := letters.Redrive(cmd.Context(), ids...)
	var err error
	switch {
	case asJSON:
		err = printJSON(cmd.OutOrStdout(), sent)
	case len(sent) == 0 && failed == nil:
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "there is none")
	default:
		for _, s := range sent {
			fmt.Fprintf(cmd.OutOrStdout(), "%s is sent again as %s\n", plain(printable(s.ID)), s.As)
		}
	}
	return errors.Join(failed, err)
}

func purgeDead(cmd *cobra.Command, letters *bridge.DeadLetters, ids []string, asJSON bool) error {
	n, failed := letters.Purge(cmd.Context(), ids...)
	if asJSON {
		return errors.Join(failed, json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]int{"purged": n}))
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s thrown away\n", count(n, "letter", "letters"))
	return errors.Join(failed, err)
}
