package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hogar/gateway/secret"
	"hogar/gateway/web"
)

func newPassword() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "password NAME",
		Short: "make a line for web.users_file, or put it there",
		Long: `password asks for a password and prints NAME and its bcrypt hash, as htpasswd -B does.
With --add it writes them into the file instead, in the place of a line that NAME has
there. The file then has the mode 0640 and, when root asks, belongs to root and the group
hogar, so that the service can read it and nobody else.

When standard input is no terminal, its first line is the password.`,
		Example: "  sudo hogar password ana --add /etc/hogar/web.users",
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := askPassword(cmd)
			if err != nil {
				return err
			}
			line, err := web.Hash(args[0], password)
			if err != nil {
				return usageError{err}
			}
			if file == "" {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
				return err
			}
			if err := secret.WriteLine(file, args[0], line); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s may log in: %s (a running gateway reads it at the next log-in)\n", args[0], file)
			return err
		},
	}
	cmd.Flags().StringVar(&file, "add", "", "write the line into this `FILE`, with its owner and mode")
	return cmd
}

// askPassword reads a password: on a terminal twice and without showing it.
func askPassword(cmd *cobra.Command) (string, error) {
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !isTerminal(in) {
		line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		if err == io.EOF {
			err = nil
		}
		return strings.TrimRight(line, "\r\n"), err
	}
	// In raw mode Ctrl-C is a key that ends the question, so that the terminal is
	// always put back as it was.
	was, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	defer term.Restore(int(in.Fd()), was)
	asking := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, cmd.ErrOrStderr()}, "")
	var given [2]string
	for i, prompt := range []string{"password: ", "again: "} {
		if given[i], err = asking.ReadPassword(prompt); err == io.EOF { // Ctrl-C, Ctrl-D
			fmt.Fprint(cmd.ErrOrStderr(), "\r\n")
			return "", errors.New("no password was given")
		} else if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
	}
	if given[0] != given[1] {
		return "", errors.New("the two passwords are not the same")
	}
	return given[0], nil
}
