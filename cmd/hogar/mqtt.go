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
	if cmd.Flags().Changed("listen") && f.listen <= 0 {
		return usageError{fmt.Errorf("--listen is %s, expected a time like 10s", f.listen)}
	}
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
	out := cmd.OutOrStdout()
	if f.record {
		return f.recordTo(cmd, out, plan)
	}
	messages, err := f.messages(cmd, plan, args)
	if err != nil {
		return err
	}
	x := gateway.Explain(plan, messages)
	if f.json {
		return explainJSON(out, x)
	}
	return printExplanation(out, x)
}

// heard calls see with what a broker tells while it is listened to, at most until Ctrl-C.
func (f explainFlags) heard(cmd *cobra.Command, plan *gateway.Plan, see func(gateway.MQTTMessage)) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), f.listen)
	defer cancel()
	url := f.broker
	if plan == nil {
		url = cmp.Or(url, "mqtt://localhost:1883")
	}
	return gateway.Listen(ctx, plan, url, see)
}

// recordTo prints each message when it comes.
func (f explainFlags) recordTo(cmd *cobra.Command, w io.Writer, plan *gateway.Plan) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	var failed error
	err := f.heard(cmd, plan, func(m gateway.MQTTMessage) { failed = cmp.Or(failed, enc.Encode(m)) })
	return errors.Join(failed, err)
}

// messages reads them, or listens for them.
func (f explainFlags) messages(cmd *cobra.Command, plan *gateway.Plan, args []string) ([]gateway.MQTTMessage, error) {
	var list []gateway.MQTTMessage
	if f.listen > 0 {
		err := f.heard(cmd, plan, func(m gateway.MQTTMessage) { list = append(list, m) })
		return list, err
	}
	err := eachLine(cmd, args, func(line []byte) error {
		var m gateway.MQTTMessage
		if err := json.Unmarshal(line, &m); err != nil {
			return fmt.Errorf(`%w; a line is {"topic": …, "payload": …}`, home.Misread(err))
		}
		if m.Topic == "" {
			return errors.New(`topic is missing; a line is {"topic": …, "payload": …}`)
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
		fmt.Fprintf(t, "%s\t%s\t%s %s\n", p.escaped(bold, d.Device), plain(d.Catalog.Label), d.Catalog.Driver, plain(d.Catalog.ID))
		for _, prop := range d.Catalog.Properties {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", prop.Name, prop.Type, plain(describeProperty(prop)))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", count(len(x.Readings), "reading", "readings"))
	for i := range x.Readings {
		fmt.Fprintln(w, "  "+describe(p, &x.Readings[i]))
	}
	fmt.Fprintf(w, "\n%d ignored\n", len(x.Ignored))
	var lines []string
	times := make(map[string]int) // each device may have the same
	for _, i := range x.Ignored {
		line := strings.TrimSpace(cmp.Or(i.Topic, i.ID)+" "+strings.TrimPrefix(i.What, i.Topic)) + ": " + i.Why
		if times[line]++; times[line] == 1 {
			lines = append(lines, line)
		}
	}
	for _, line := range lines {
		if n := times[line]; n > 1 {
			line = fmt.Sprintf("%s (%d times)", line, n)
		}
		fmt.Fprintln(w, "  "+plain(line))
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
		words = append(words, few(p.Options))
	}
	if p.Min != nil && p.Max != nil {
		words = append(words, fmt.Sprintf("%v..%v", *p.Min, *p.Max))
	}
	if p.Settable {
		words = append(words, "can be set")
	}
	return strings.Join(words, "; ")
}

// few joins the first of many options.
func few(options []string) string {
	const most = 8
	if len(options) > most {
		return fmt.Sprintf("%s, … (%d)", strings.Join(options[:most], ", "), len(options))
	}
	return strings.Join(options, ", ")
}
