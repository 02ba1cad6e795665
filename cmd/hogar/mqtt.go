package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hogar/gateway"
	"hogar/gateway/home"
)

func newMQTT() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mqtt",
		Short: "what hogar makes of MQTT messages and templates",
		Args:  exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newExplain(), newTemplate())
	return cmd
}

// explainFlags are the flags of mqtt explain.
type explainFlags struct {
	config, broker string
	listen         time.Duration
	json, record   bool
}

func newExplain() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain [FILE|-]",
		Short: "the devices and readings that hogar would make of MQTT messages, and what it ignores",
		Long: `explain reads lines {"topic": …, "payload": …, "retain": …} from FILE or standard input and
prints the devices, properties and readings that hogar would make of them, what it
ignores, and why. A payload is a text, or JSON as it stands.

With --listen it takes what a broker tells in that time instead: the one of --broker, or
the first of the configuration; --record prints it as such lines.

Without --config every kind of source is looked for at its usual topic.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error { return explain(cmd, f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "configuration whose mqtt: sources, names and topics count")
	flags.StringVar(&f.broker, "broker", "", "URL of an MQTT broker, with --listen: mqtt://localhost:1883")
	flags.DurationVar(&f.listen, "listen", 0, "listen to a broker for so long, like 10s")
	flags.BoolVar(&f.record, "record", false, "print the messages that came, with --listen")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	return cmd
}

func explain(cmd *cobra.Command, f explainFlags, args []string) error {
	if f.listen == 0 && (f.broker != "" || f.record) {
		return usageError{errors.New("--broker and --record are for --listen")}
	}
	if f.listen > 0 && len(args) > 0 {
		return usageError{errors.New("give a file or --listen, not both")}
	}
	var plan *gateway.Plan
	if f.config != "" {
		var err error
		if plan, err = load(f.config, cmd.ErrOrStderr()); err != nil {
			return err
		}
	}
	messages, err := f.messages(cmd, plan, args)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if f.record {
		for _, m := range messages {
			line, err := json.Marshal(map[string]any{"topic": m.Topic, "payload": string(m.Payload), "retain": m.Retain})
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s\n", line)
		}
		return nil
	}
	x := gateway.Explain(plan, messages)
	if f.json {
		return explainJSON(out, x)
	}
	return printExplanation(out, x)
}

// messages reads them, or listens for them.
func (f explainFlags) messages(cmd *cobra.Command, plan *gateway.Plan, args []string) ([]gateway.MQTTMessage, error) {
	var list []gateway.MQTTMessage
	if f.listen > 0 {
		ctx, cancel := context.WithTimeout(cmd.Context(), f.listen)
		defer cancel()
		url := f.broker
		if plan == nil {
			url = cmp.Or(url, "mqtt://localhost:1883")
		}
		err := gateway.Listen(ctx, plan, url, func(m gateway.MQTTMessage) { list = append(list, m) })
		return list, err
	}
	err := eachLine(cmd, args, func(line []byte) error {
		var m gateway.MQTTMessage
		if err := json.Unmarshal(line, &m); err != nil {
			return fmt.Errorf(`%w; expected {"topic": …, "payload": …}`, err)
		}
		if m.Topic == "" {
			return errors.New(`topic is missing; expected {"topic": …, "payload": …}`)
		}
		list = append(list, m)
		return nil
	})
	return list, err
}

// longestLine is room for a bridge/devices of the greatest Zigbee2MQTT, escaped.
const longestLine = 80 << 20

// eachLine calls see with each line of a file or of standard input.
func eachLine(cmd *cobra.Command, args []string, see func(line []byte) error) error {
	name, in := "standard input", cmd.InOrStdin()
	if len(args) == 1 && args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer f.Close()
		name, in = args[0], f
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if err := see(lines.Bytes()); err != nil {
			return fmt.Errorf("%s, line %d: %w", name, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func explainJSON(w io.Writer, x gateway.Explanation) error {
	all := map[string]any{"devices": orEmpty(x.Devices), "readings": orEmpty(x.Readings), "ignored": orEmpty(x.Ignored)}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(all)
}

// orEmpty is the list, of which JSON makes no null.
func orEmpty[T any](list []T) any {
	if list == nil {
		return []T{}
	}
	if events, ok := any(list).([]home.Event); ok {
		pointers := make([]*home.Event, len(events)) // which know their JSON form
		for i := range events {
			pointers[i] = &events[i]
		}
		return pointers
	}
	return list
}

func printExplanation(w io.Writer, x gateway.Explanation) error {
	p := paintFor(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.StripEscape)
	for _, d := range x.Devices {
		fmt.Fprintf(t, "%s\t%s\t%s %s\t\n", p.escaped(bold, d.Device), d.Catalog.Label, d.Catalog.Driver, d.Catalog.ID)
		for _, prop := range d.Catalog.Properties {
			fmt.Fprintf(t, "  %s\t%s\t%s\t\n", prop.Name, prop.Type, describeProperty(prop))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d readings\n", len(x.Readings))
	for i := range x.Readings {
		fmt.Fprintln(w, "  "+describe(p, &x.Readings[i]))
	}
	fmt.Fprintf(w, "\n%d ignored\n", len(x.Ignored))
	for _, i := range x.Ignored {
		where := strings.TrimSpace(i.Topic + " " + i.What)
		if i.ID != "" && i.Topic == "" {
			where = i.ID + " " + i.What
		}
		fmt.Fprintf(w, "  %s: %s\n", where, i.Why)
	}
	return nil
}

// describeProperty is what a property can be, in a few words.
func describeProperty(p home.Property) string {
	var words []string
	if p.Unit != "" {
		words = append(words, p.Unit)
	}
	if len(p.Options) > 0 {
		words = append(words, strings.Join(p.Options, ", "))
	}
	if p.Min != nil && p.Max != nil {
		words = append(words, fmt.Sprintf("%v..%v", *p.Min, *p.Max))
	}
	if p.Settable {
		words = append(words, "can be set")
	}
	return strings.Join(words, "; ")
}

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
			Template string
			Context  json.RawMessage
		}
		if err := json.Unmarshal(line, &one); err != nil {
			return fmt.Errorf(`%w; expected {"template": …, "context": {…}}`, err)
		}
		result, err := gateway.EvaluateTemplate(one.Template, one.Context, now)
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
