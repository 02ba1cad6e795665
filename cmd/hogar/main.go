// Command hogar is a smart-home gateway: it reads sensors over GPIO and I2C,
// takes in MQTT devices, publishes every reading to RabbitMQ, carries out the
// commands that come from there, and runs rules. See hogar --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"hogar/gateway"
	"hogar/gateway/secret"
)

// version is stamped by the build.
var version = "dev"

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitBroken = 70 // as sysexits.h has it: the program met a mistake of its own
	exitDisk   = 75 // as sysexits.h has it: a temporary failure; systemd starts it again
	exitConfig = 78 // as sysexits.h has it: the configuration cannot be run; systemd does not try again
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// usageError is a mistake in how a command was called.
type usageError struct{ error }

// configError says that there is no configuration that can be run.
type configError struct{ error }

// errTold ends a command that has already said what was wrong.
var errTold = errors.New("failed")

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	out, errs = &screen{to: out}, &screen{to: errs}
	root.SetOut(out)
	root.SetErr(errs)
	cmd := root
	err := gateway.Guard("hogar", version, func() (err error) {
		cmd, err = root.ExecuteContextC(ctx)
		return err
	})
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errTold):
		return exitFailed
	}
	fmt.Fprintln(errs, priority(errs)+"hogar:", secret.In(err.Error()))
	if _, ok := errors.AsType[*gateway.Broken](err); ok {
		return exitBroken
	}
	if errors.Is(err, gateway.ErrDisk) {
		return exitDisk
	}
	if _, ok := errors.AsType[configError](err); ok {
		return exitConfig
	}
	if _, ok := errors.AsType[usageError](err); ok {
		fmt.Fprintf(errs, "see: %s --help\n", cmd.CommandPath())
		return exitUsage
	}
	return exitFailed
}

const short = `hogar is a smart-home gateway for AMQP.

The commands people use most:
  hogar run                         run the house (--simulate: with simulated devices)
  hogar devices                     what there is, and how it is
  hogar watch                       what happens, as it happens
  hogar set hall.lamp.state on      command a device
  hogar check hogar.yaml            find the faults of a configuration

hogar --help lists all; hogar COMMAND --help explains one.
`

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "hogar",
		Short:         "smart-home gateway for AMQP",
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			_, err := io.WriteString(cmd.OutOrStdout(), short)
			return err
		},
		Args: cobra.ArbitraryArgs,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(newRun(), newDemo(), newCheck(), newDevices(), newGet(), newMeasure(), newSet(), newWatch(), newReload(), newJournal(), newOutbox(), newDoctor(), newTopology(), newDead(), newRule(), newSystemdDropIn(), newSchema(), newScan(), newSimulate(), newMQTT(), newInit(), newPassword(), newVersion())
	return root
}

func unknownCommand(root *cobra.Command, word string) error {
	hint := "hogar --help lists the commands"
	if near := root.SuggestionsFor(word); len(near) > 0 {
		hint = "did you mean " + near[0] + "?"
	}
	return usageError{fmt.Errorf("there is no command %q (%s)", word, hint)}
}

// exactly refuses another number of arguments with the line that shows the right one.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%s, expected: %s", count(len(args), "argument", "arguments"), cmd.UseLine())}
		}
		return nil
	}
}

func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usageError{fmt.Errorf("%s, expected: %s", count(len(args), "argument", "arguments"), cmd.UseLine())}
		}
		return nil
	}
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "hogar %s %s/%s %s\n", version, runtime.GOOS, runtime.GOARCH, runtime.Version())
			return err
		},
	}
}
