package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hogar/gateway/web"
)

func newPassword() *cobra.Command {
	return &cobra.Command{
		Use:   "password NAME",
		Short: "make a line for web.users_file",
		Long: `password asks for a password and prints NAME and its bcrypt hash, as htpasswd -B does:

  hogar password ana >>/etc/hogar/web.users && chmod 600 /etc/hogar/web.users

When standard input is no terminal, its first line is the password.`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := askPassword(cmd)
			if err != nil {
				return err
			}
			line, err := web.Hash(args[0], password)
			if err != nil {
				return usageError{err}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
			return err
		},
	}
}

// askPassword reads a password without showing it.
func askPassword(cmd *cobra.Command) (string, error) {
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		if err == io.EOF {
			err = nil
		}
		return strings.TrimRight(line, "\r\n"), err
	}
	fmt.Fprint(cmd.ErrOrStderr(), "password: ")
	password, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(cmd.ErrOrStderr())
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(password), nil
}
