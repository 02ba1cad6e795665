package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hogar/drivers/board"
	"hogar/drivers/scan"
	"hogar/gateway/home"
)

// initFlags are the flags of init.
type initFlags struct {
	gateway, root string
	hosts         []string
	force, probe  bool
}

func newInit() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "write a first configuration from what is found here",
		Long: `init asks nothing. It looks what is on this machine's buses (see hogar scan) and
whether RabbitMQ and an MQTT broker answer here or at --host, and writes a commented
configuration: hogar.yaml, or FILE; - is standard output. A file that is there is
left alone. Chips are named by their address, which is a guess; --probe asks them.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := "hogar.yaml"
			if len(args) > 0 {
				file = args[0]
			}
			return f.write(cmd, file)
		},
	}
	cmd.Flags().StringVar(&f.gateway, "gateway", "", "name of the gateway (default: made of the machine's)")
	cmd.Flags().StringSliceVar(&f.hosts, "host", nil, "also look for brokers there; may be given several times")
	cmd.Flags().StringVar(&f.root, "root", "", "look below this folder instead of /")
	cmd.Flags().BoolVar(&f.probe, "probe", false, "ask chips what they are, which writes to them: see hogar scan")
	cmd.Flags().BoolVar(&f.force, "force", false, "write over a file that is there")
	return cmd
}

func (f *initFlags) write(cmd *cobra.Command, file string) error {
	if f.gateway == "" {
		name, _ := os.Hostname() // without one it is device
		f.gateway, _, _ = strings.Cut(home.Fold(name, ""), ".")
	}
	if err := home.CheckWord(f.gateway); err != nil {
		return usageError{fmt.Errorf("--gateway: %w", err)}
	}
	if _, err := os.Stat(file); file != "-" && !f.force && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already (give another name, or --force to write over it)", file)
	}
	found := surroundings{gateway: f.gateway, zone: localZone()}
	var err error
	if found.board, err = f.look(cmd.Context()); err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "hogar: the buses were not looked at:", err)
	}
	found.amqp, found.mqtt = brokers(cmd.Context(), f.hosts)
	text := found.yaml()
	if file == "-" {
		_, err := fmt.Fprint(cmd.OutOrStdout(), text)
		return err
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write a first configuration: %w", err)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is written: %s, %s, %s\nnext:  hogar check %s   and   hogar run --config %s\n", file,
		count(found.entries(), "device", "devices"), count(len(found.amqp), "RabbitMQ", "RabbitMQs"), count(len(found.mqtt), "MQTT broker", "MQTT brokers"), file, file)
	return err
}

// look scans the board.
func (f *initFlags) look(ctx context.Context) ([]scan.Finding, error) {
	b, err := board.New(board.Options{Root: f.root})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	look := scan.Look
	if f.probe {
		if err := (scanFlags{root: f.root}).knows(ctx, nil); err != nil {
			return nil, err
		}
		look = scan.Probe
	}
	report, err := look(ctx, b, nil)
	return report.Findings, err
}

// knock is how long a broker may take to answer.
const knock = time.Second

// brokers looks on which of the hosts something listens at the ports of RabbitMQ and of MQTT.
func brokers(ctx context.Context, hosts []string) (amqp, mqtt []string) {
	for _, host := range append([]string{"localhost"}, hosts...) {
		if answers(ctx, host, "5672") {
			amqp = append(amqp, host)
		}
		if answers(ctx, host, "1883") {
			mqtt = append(mqtt, host)
		}
	}
	return amqp, mqtt
}

func answers(ctx context.Context, host, port string) bool {
	ctx, cancel := context.WithTimeout(ctx, knock)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// localZone is the machine's time zone, or "" when it has none that has a name.
func localZone() string {
	if name := os.Getenv("TZ"); name != "" {
		return strings.TrimPrefix(name, ":")
	}
	target, err := os.Readlink("/etc/localtime")
	if err != nil {
		return ""
	}
	_, name, _ := strings.Cut(target, "zoneinfo/")
	return name
}

// surroundings are what init has found.
type surroundings struct {
	gateway, zone string
	amqp, mqtt    []string // hosts
	board         []scan.Finding
}

// entries counts the devices that were found.
func (s *surroundings) entries() (n int) {
	for _, f := range s.board {
		if f.Entry != "" {
			n++
		}
	}
	return n
}

// yaml is the configuration for them.
func (s *surroundings) yaml() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# The first configuration of this house, from what was found on the machine. Every key is")
	line("# explained in docs/configuration.md; hogar check finds the mistakes in it.")
	line("")
	line("# The first word of every routing key.")
	line("gateway: %s", s.gateway)
	line("")
	line("# Where the house stands: rules that ask for the sun need it.")
	if s.zone != "" && !strings.HasSuffix(s.zone, "UTC") {
		line("# location: {latitude: 40.42, longitude: -3.70, timezone: %s}", s.zone)
	} else {
		line("# location: {latitude: 40.42, longitude: -3.70, timezone: Europe/Madrid}")
	}
	line("")
	if len(s.amqp) > 0 {
		line("# RabbitMQ answers here. On another machine it wants a user of its own: hogar topology.")
		line("amqp:")
		line("  urls:")
		for _, host := range s.amqp {
			line("    - amqp://%s:5672", host)
		}
	} else {
		line("# No RabbitMQ answered. Readings wait in the journal until there is one.")
		line("# amqp: {urls: [amqp://localhost:5672]}")
	}
	line("")
	line("# The page, at http://127.0.0.1:8480/, for this machine only.")
	line("web: {listen: 127.0.0.1:8480}")
	line("")
	s.devices(line)
	line("")
	if len(s.mqtt) > 0 {
		line("# MQTT brokers that answer. Devices with Zigbee2MQTT come by themselves with the key below.")
		line("mqtt:")
		for _, host := range s.mqtt {
			line("  - url: mqtt://%s:1883", host)
			line("    # zigbee2mqtt: zigbee2mqtt")
		}
		line("")
	}
	line("# rules:")
	line("#   hall_light_at_night:")
	line("#     when: hall.motion.occupancy")
	line("#     if: not sun.up")
	line("#     do:")
	line("#       - set: {hall.lamp.state: on}")
	line("#       - wait: {until: not hall.motion.occupancy, for: 2m, at_most: 1h}")
	line("#       - set: {hall.lamp.state: off}")
	return b.String()
}

// devices writes what is on the buses; names are to be changed.
func (s *surroundings) devices(line func(string, ...any)) {
	if s.entries() == 0 {
		line("# Nothing was found on the buses that a driver knows. hogar scan shows what is there.")
		line("# devices:")
		line("#   hall.motion: {driver: contact, pin: GPIO27, property: occupancy}")
		line("#   hall.lamp:   {driver: relay, pin: GPIO17}")
		return
	}
	line("# What was found on the buses. The names are proposals: room.thing reads well everywhere.")
	line("# What hangs on a pin cannot be seen: relays and contacts are yours to add.")
	line("devices:")
	for _, f := range s.board {
		if f.Entry != "" {
			line("  # %s: %s", f.Place, strings.Join(filled(f.Chip, f.By, f.Note), ", "))
			line("  %s: %s", f.Name, f.Entry)
		}
	}
	line("  # hall.motion: {driver: contact, pin: GPIO27, property: occupancy}")
	line("  # hall.lamp:   {driver: relay, pin: GPIO17}")
}
