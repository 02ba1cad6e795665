package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hogar/drivers"
	"hogar/drivers/board"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/gateway"
	"hogar/gateway/api"
	"hogar/gateway/clock"
	"hogar/gateway/config"
	"hogar/gateway/home"
	"hogar/gateway/secret"
	"hogar/systemd"
)

// simulatedSuffix keeps the journal of a simulated house apart from the real one's.
const simulatedSuffix = "-sim"

// runFlags are the flags of run.
type runFlags struct {
	config, gateway, amqp, socket, web, start, level string
	simulate, withMQTT                               bool
	speed                                            float64
	seed                                             int64
}

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "run the house",
		Long: `run reads the configuration, opens its devices and runs until it is interrupted.

With --simulate the same configuration runs on simulated buses and pins: the
drivers are the real ones, the chips are not. A simulated house marks everything
it publishes, keeps a journal of its own, and talks to no broker on another
machine unless --amqp or AMQP_URL names it.

SIGHUP reads the configuration again; one with faults changes nothing.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), cmd, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "configuration (default $HOGAR_CONFIG, ./hogar.yaml, /etc/hogar/hogar.yaml)")
	flags.StringVar(&f.gateway, "gateway", "", "name of the gateway, instead of the configuration's")
	flags.StringVar(&f.amqp, "amqp", "", "URL of RabbitMQ, instead of the configuration's (also AMQP_URL)")
	flags.StringVar(&f.socket, "socket", "", "unix socket for the command line")
	flags.StringVar(&f.web, "web", "", "address of the page, like 127.0.0.1:8480, instead of the configuration's")
	flags.StringVar(&f.level, "log", "info", "what is logged: debug, info, warn, error")
	_ = cmd.RegisterFlagCompletionFunc("log", words("debug", "info", "warn", "error")) // the flag is there
	flags.BoolVar(&f.simulate, "simulate", false, "simulated buses and pins instead of the machine's")
	flags.BoolVar(&f.withMQTT, "with-mqtt", false, "contact the mqtt: sources although the house is simulated")
	flags.Float64Var(&f.speed, "speed", 1, "simulation: how many times as fast as life")
	flags.StringVar(&f.start, "start", "", "simulation: begin anew, at this house time: 18:30 or 2026-07-01 18:30")
	flags.Int64Var(&f.seed, "seed", 1, "simulation: another seed makes other weather and other people")
	return cmd
}

func run(ctx context.Context, cmd *cobra.Command, f runFlags) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // first of all: until then it would end the program
	defer signal.Stop(hup)
	level, err := f.logLevel()
	if err != nil {
		return err
	}
	path, err := config.Find(f.config)
	if err != nil {
		return configError{err}
	}
	plan, err := f.load(path, cmd)
	if err != nil {
		return err
	}
	log := newLog(cmd, level, plan.Config.Gateway)
	o, err := f.options(plan, log)
	if err != nil {
		return err
	}
	o.Reload = func() (*gateway.Plan, error) { return f.load(path, cmd) }
	o.Config = func() api.Configuration { return configuration(path) }
	reloads := make(chan struct{}, 1)
	o.Reloads = reloads
	go func() {
		for {
			select {
			case <-hup:
				reloads <- struct{}{}
			case <-ctx.Done():
				return
			}
		}
	}()
	var wg sync.WaitGroup
	defer wg.Wait()
	running, stop := context.WithCancel(ctx)
	defer stop()
	o.Ready = func(*api.Server) { wg.Go(func() { stayLean(running, log) }) }
	return gateway.Run(ctx, o)
}

// load reads and checks the configuration; --gateway takes the place of its name.
func (f *runFlags) load(path string, cmd *cobra.Command) (*gateway.Plan, error) {
	plan, err := load(path, cmd.ErrOrStderr())
	if err != nil {
		return nil, configError{err}
	}
	if f.gateway != "" {
		if err := home.CheckWord(f.gateway); err != nil {
			return nil, usageError{fmt.Errorf("--gateway: %w", err)}
		}
		plan.Config.Rename(f.gateway)
	}
	return plan, nil
}

// options turns the flags and the configuration into the gateway's options.
func (f *runFlags) options(plan *gateway.Plan, log *slog.Logger) (gateway.Options, error) {
	cfg := plan.Config
	o := gateway.Options{Plan: plan, Journal: cfg.Journal.Path, Socket: f.socket, Web: f.web, Simulated: f.simulate,
		NoMQTT: f.simulate && !f.withMQTT, Version: version, Notify: systemd.FromEnvironment(), Log: log}
	if o.Socket == "" {
		o.Socket = defaultSocket(cfg.Gateway)
	}
	if host, _, err := net.SplitHostPort(f.web); f.web != "" {
		switch {
		case err != nil:
			return o, usageError{fmt.Errorf("--web is %q, expected an address and a port like 127.0.0.1:8480", f.web)}
		case !config.LoopbackHost(host) && cfg.Web.Users == "" && cfg.Web.Tokens == "":
			return o, usageError{fmt.Errorf("--web is %q, where others can reach it, and nobody is asked for a password "+
				"(name a users_file below web: in the configuration)", f.web)}
		}
	}
	override := f.amqp
	if override == "" {
		override = os.Getenv("AMQP_URL")
	}
	o.URLs = func(cfg config.AMQP) ([]string, error) {
		given, err := dialable(override)
		if err != nil {
			return nil, err
		}
		urls, refused, err := gateway.URLs(cfg, given, f.simulate)
		if len(refused) > 0 {
			log.Warn("a simulated house talks to no broker on another machine unless --amqp or AMQP_URL names it",
				"left out", strings.Join(refused, ", "))
		}
		return urls, err
	}
	if !f.simulate {
		if f.speed != 1 || f.start != "" {
			return o, usageError{errors.New("--speed and --start are for --simulate: a real house lives in real time")}
		}
		b, err := board.New(board.Options{Log: log})
		o.Board = func(map[string][]drivers.Part) (drivers.Board, error) { return b, nil } // one machine, one board
		return o, err
	}
	return o, f.simulated(&o, cfg)
}

// simulated gives the house a clock, a world and a journal of its own.
func (f *runFlags) simulated(o *gateway.Options, cfg *config.Config) error {
	start, err := parseStart(f.start, cfg.Location.Timezone)
	if err != nil {
		return usageError{err}
	}
	if f.speed <= 0 || f.speed > 3600 {
		return usageError{fmt.Errorf("--speed is %v, expected more than 0 and at most 3600", f.speed)}
	}
	o.Clock = clock.New(start, f.speed)
	w := world.New(world.Options{Seed: f.seed, Latitude: cfg.Location.Latitude, Longitude: cfg.Location.Longitude,
		Location: cfg.Location.Timezone})
	sim := &simulation{clock: o.Clock, world: w, zone: cfg.Location.Timezone, seed: f.seed, settings: simboard.Decode(cfg.Simulate, o.Plan.Parts()), log: o.Log}
	o.Board, o.Simulation = sim.Board, sim
	o.Journal += simulatedSuffix
	if start.IsZero() {
		return nil // the house goes on where it was
	}
	if err := os.RemoveAll(o.Journal); err != nil {
		return fmt.Errorf("begin anew at %s: %w", f.start, err)
	}
	return nil
}

// parseStart reads a time of today, or a day and a time.
func parseStart(s string, zone *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation("15:04", s, zone); err == nil {
		y, m, d := time.Now().In(zone).Date()
		return time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, zone), nil
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
	if err != nil {
		return t, fmt.Errorf("--start is %q, expected a time like 18:30 or 2026-07-01 18:30", s)
	}
	return t, nil
}

// newLog logs to standard error, or to journald where that is what reads it.
func newLog(cmd *cobra.Command, level slog.Level, gateway string) *slog.Logger {
	out := cmd.ErrOrStderr()
	if readByJournald(out) {
		if h, err := newJournald(level, gateway); err == nil {
			return slog.New(h)
		} // else it gets plain lines
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: veil}))
}

// veil covers passwords of addresses in what is logged, whoever logs it.
func veil(_ []string, a slog.Attr) slog.Attr {
	switch text := a.Value.Any().(type) {
	case string:
		a.Value = slog.StringValue(secret.In(text))
	case error:
		a.Value = slog.StringValue(secret.In(text.Error()))
	}
	return a
}

// logLevel is what --log says.
func (f *runFlags) logLevel() (level slog.Level, err error) {
	if err := level.UnmarshalText([]byte(f.level)); err != nil {
		return level, usageError{fmt.Errorf("--log is %q, expected debug, info, warn or error", f.level)}
	}
	return level, nil
}

// defaultSocket is where a gateway listens: in the runtime directory that systemd
// made for the service, else in the user's.
func defaultSocket(name string) string {
	if dir := os.Getenv("RUNTIME_DIRECTORY"); dir == "/run/hogar" {
		return api.SystemSocket
	}
	return api.SocketPath(name)
}
