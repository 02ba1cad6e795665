package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hogar/gateway"
	"hogar/gateway/home"
)

func newTemplate() *cobra.Command {
	var now string
	cmd := &cobra.Command{
		Use:   "template [FILE|-]",
		Short: "evaluate templates of Home Assistant's discovery",
		Long: `template reads lines {"template": …, "context": {…}} and prints for each a line
{"ok": true, "result": …} or {"ok": false, "error": …}. The context has the variables:
value and value_json for value templates. It exits with 1 when one is an error.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at := time.Now()
			if now != "" {
				var err error
				if at, err = time.ParseInLocation("2006-01-02 15:04:05", now, time.UTC); err != nil {
					return usageError{fmt.Errorf("--now is %q, expected a time like 2026-01-02 03:04:05", now)}
				}
			}
			return evaluate(cmd, args, at)
		},
	}
	cmd.Flags().StringVar(&now, "now", "", "what now() says, in UTC: 2026-01-02 03:04:05 (default: the machine's time)")
	return cmd
}

func evaluate(cmd *cobra.Command, args []string, now time.Time) error {
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetEscapeHTML(false)
	failed := false
	err := eachLine(cmd, args, func(line []byte) error {
		var one struct {
			Template *string         `json:"template"`
			Context  json.RawMessage `json:"context"`
		}
		err := json.Unmarshal(line, &one)
		if err == nil && one.Template == nil {
			err = errors.New("template is missing")
		}
		if err != nil {
			return fmt.Errorf(`%w; a line is {"template": …, "context": {…}}`, home.Misread(err))
		}
		result, err := gateway.EvaluateTemplate(*one.Template, one.Context, now)
		if err != nil {
			failed = true
			return enc.Encode(map[string]any{"ok": false, "error": err.Error()})
		}
		return enc.Encode(map[string]any{"ok": true, "result": result})
	})
	if err == nil && failed {
		return errTold
	}
	return err
}
