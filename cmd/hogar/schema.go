package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"hogar/gateway"
)

func newSchema() *cobra.Command {
	var table bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "print the JSON schema of the configuration, for editors",
		Long: `schema prints the configuration as JSON Schema. An editor with yaml-language-server
completes and checks with it; the first line of hogar.yaml says where it is:

  # yaml-language-server: $schema=/usr/share/hogar/schema/hogar.json

It knows keys, words and ranges; "hogar check" knows the rest. With --table it prints
every key with its default and its range as Markdown.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if table {
				return printKeys(cmd.OutOrStdout())
			}
			schema, err := gateway.Schema()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", schema)
			return err
		},
	}
	cmd.Flags().BoolVar(&table, "table", false, "print a table of all keys as Markdown")
	return cmd
}

// printKeys writes docs/keys.md.
func printKeys(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# All keys of the configuration\n\nMade from the code by `hogar schema --table`; what the keys mean is in\n" +
		"[configuration.md](configuration.md), [drivers.md](drivers.md) and [rules.md](rules.md).\n")
	for _, s := range gateway.Sections() {
		name := s.Name
		if name == "" {
			name = "the house"
		}
		fmt.Fprintf(&b, "\n## %s\n\n| key | kind | default | range |\n|---|---|---|---|\n", name)
		for _, k := range s.Keys {
			kind, byDefault, span := k.Type, strings.TrimPrefix(k.Default, "0s"), gateway.Range(k)
			if kind == "" {
				kind = "any"
			}
			if k.Required {
				byDefault = "required"
			} else if byDefault != "" {
				byDefault = "`" + byDefault + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Key, kind, byDefault, span)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
