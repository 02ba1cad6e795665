package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hogar/bridge"
	"hogar/gateway"
	"hogar/gateway/api"
	"hogar/gateway/config"
	"hogar/gateway/secret"
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
	if override, err = dialable(override); err != nil {
		return bridge.Options{}, err
	}
	urls, _, err := gateway.URLs(plan.Config.AMQP, override, false)
	return plan.Bridge(urls, version), err
}

// dialable completes an address of the command line: where it names a user and no password,
// that is read from the file $AMQP_PASSWORD_FILE or systemd's credential.
func dialable(given string) (string, error) {
	u, err := secret.Parse(given)
	if err != nil || u.User == nil {
		return given, nil // what is wrong with it is told by who dials
	}
	urls, err := config.AMQP{URLs: []string{given}, PasswordFile: os.Getenv("AMQP_PASSWORD_FILE")}.Dial()
	if err != nil {
		return "", fmt.Errorf("AMQP_PASSWORD_FILE: %w", err)
	}
	return urls[0], nil
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
		fmt.Fprintf(out, "%s  %s", mark, plain(one.What))
		if one.Detail != "" {
			fmt.Fprintf(out, ": %s", plain(one.Detail))
		}
		fmt.Fprintln(out)
		if one.Fix != "" {
			fmt.Fprintf(out, "       %s\n", plain(one.Fix))
		}
	}
	if bad {
		return errTold
	}
	return nil
}

func newTopology() *cobra.Command {
	var f brokerFlags
	var users bool
	cmd := &cobra.Command{
		Use:   "topology",
		Short: "print what an operator sets up for this gateway",
		Long: `topology prints the RabbitMQ definitions (exchanges, queues, bindings, the user and
his rights) that this gateway needs where it may not declare them itself, and the same
rights as rabbitmqctl lines. With --json it prints the definitions file alone. With
--users it prints the users of this house with the least rights that do: the gateway,
a program that reads and commands, one that only reads.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := f.options(cmd)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if users {
				lines, err := bridge.Users(o)
				if err == nil {
					_, err = fmt.Fprintln(out, strings.Join(lines, "\n"))
				}
				return err
			}
			definitions, lines, err := bridge.Topology(o)
			if err != nil {
				return err
			}
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
	cmd.Flags().BoolVar(&users, "users", false, "print users with the least rights that do, as rabbitmqctl lines")
	return cmd
}
