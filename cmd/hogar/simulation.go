package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"hogar/drivers"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/gateway/api"
	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// The speed of a simulation.
const (
	fastest   = 3600.0
	stepSpeed = 60.0 // of a step, unless the house is faster anyway
)

// simulation is the simulated world behind a running house.
type simulation struct {
	clock    *clock.Clock
	world    *world.World
	zone     *time.Location // of the house
	seed     int64
	settings simboard.Settings
	log      *slog.Logger

	mu    sync.Mutex
	board *simboard.Board // nil before the house has asked for it
	parts map[string][]drivers.Part
}

var _ api.Simulation = (*simulation)(nil)

// Board makes the board, or returns the one there is when its parts stay the same.
func (s *simulation) Board(parts map[string][]drivers.Part) (drivers.Board, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.board != nil && reflect.DeepEqual(parts, s.parts) {
		return s.board, nil
	}
	b, err := simboard.New(s.world, s.clock.Elapsed, parts)
	if err != nil {
		return nil, err
	}
	b.Apply(s.settings, s.seed, func(device string, f simboard.Fault) {
		if f == simboard.NoFault {
			f = "none"
		}
		s.log.Info("simulated fault", "device", device, "fault", f)
	})
	s.board, s.parts = b, parts
	return b, nil
}

func (s *simulation) State() api.SimulationState {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := api.SimulationState{HouseTime: s.clock.Now(), Speed: s.clock.Speed(), Broken: make(map[string]string), Pins: make(map[string]string)}
	for name, f := range s.board.Broken() {
		state.Broken[name] = string(f)
	}
	for name, high := range s.board.Outputs() {
		state.Pins[name] = map[bool]string{true: "high", false: "low"}[high]
	}
	return state
}

func (s *simulation) Fault(name, kind string) error {
	f, err := simboard.ParseFault(kind)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.board.Fault(name, f); err != nil {
		if near := home.Nearest(name, s.board.Names()); near != "" && near != name {
			return fmt.Errorf("%w (did you mean %s?)", err, near)
		}
		return err
	}
	return nil
}

func (s *simulation) Speed(times float64) error {
	if times < 0 || times > fastest {
		return fmt.Errorf("the speed is %v, expected 0 (stand still) to %v", times, fastest)
	}
	s.clock.SetSpeed(times, 0)
	return nil
}

func (s *simulation) SetClock(to string) error {
	now := s.clock.Now()
	shows, err := parseClock(to, now, s.zone)
	if err != nil {
		return err
	}
	if year := shows.Year(); year < 1970 || year > 2199 {
		return fmt.Errorf("the clock would show %s, expected a year from 1970 to 2199", shows.Format(time.DateTime))
	}
	s.clock.Set(shows)
	return nil
}

// parseClock reads what a clock that shows now is to show.
func parseClock(to string, now time.Time, zone *time.Location) (time.Time, error) {
	if sign := to[:min(1, len(to))]; sign == "+" || sign == "-" {
		by, err := home.ParseDuration(to[1:])
		if sign == "-" {
			by = -by
		}
		return now.Add(by), err
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, to, zone); err == nil {
			return t, nil
		}
	}
	return now, fmt.Errorf("the clock is set to %q, expected +1h30m, -2h, or a time like 2026-12-01T10:00", to)
}

func (s *simulation) Step(ctx context.Context, span time.Duration) error {
	if span <= 0 || span > 31*24*time.Hour {
		return fmt.Errorf("a step of %s, expected up to 31 days", span)
	}
	speed := max(s.clock.Speed(), stepSpeed)
	s.clock.SetSpeed(speed, span)
	t := time.NewTimer(time.Duration(float64(span) / speed))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done(): // who asked has gone; the house stops at its time all the same
	}
	return ctx.Err()
}

// ordered is what is to be asked of a running simulation.
type ordered func(context.Context, *api.Client) (api.SimulationState, error)

func newSimulate() *cobra.Command {
	cmd := simulateCommand("simulate", "break devices of a simulated house, and let its time run otherwise",
		func([]string) (ordered, error) {
			return func(ctx context.Context, c *api.Client) (api.SimulationState, error) { return c.Simulation(ctx) }, nil
		})
	cmd.Long = `simulate talks to a house that runs with --simulate. Without a word behind it
it tells how the simulation runs, what is broken, and the levels of the pins that
are driven.`
	cmd.AddCommand(
		newSimulateFault(),
		simulateCommand("speed TIMES", "let the house run on so many times as fast as life", func(args []string) (ordered, error) {
			times, err := strconv.ParseFloat(args[0], 64)
			if err != nil || times <= 0 {
				return nil, usageError{fmt.Errorf("TIMES is %q, expected a number up to %v; hogar simulate pause stops the house", args[0], fastest)}
			}
			return func(ctx context.Context, c *api.Client) (api.SimulationState, error) { return c.Speed(ctx, times) }, nil
		}),
		simulateCommand("pause", "stop the house's time; speed 1 lets it go on", func([]string) (ordered, error) {
			return func(ctx context.Context, c *api.Client) (api.SimulationState, error) { return c.Speed(ctx, 0) }, nil
		}),
		newSimulateClock(),
		simulateCommand("step SPAN", "let a span of house time pass, 10m say, and stop then", func(args []string) (ordered, error) {
			span, err := home.ParseDuration(args[0])
			if err != nil {
				return nil, usageError{err}
			}
			return func(ctx context.Context, c *api.Client) (api.SimulationState, error) { return c.Step(ctx, span) }, nil
		}))
	return cmd
}

func newSimulateClock() *cobra.Command {
	cmd := simulateCommand("clock TIME", "set the house's wall time: +1h30m, -2h, or 2026-12-01T10:00", func(args []string) (ordered, error) {
		return func(ctx context.Context, c *api.Client) (api.SimulationState, error) { return c.SetClock(ctx, args[0]) }, nil
	})
	cmd.Long = `clock sets what the house's clock shows, as NTP does on a Pi that began with a wrong time.
Nothing else changes: no time passes, and what is waited for comes when it would have come.`
	run := cmd.RunE
	cmd.DisableFlagParsing, cmd.Args = true, cobra.ArbitraryArgs // -2h is no flag
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		back := func(arg string) bool { return len(arg) > 1 && arg[0] == '-' && arg[1] >= '0' && arg[1] <= '9' }
		times := slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return !back(arg) })
		cmd.DisableFlagParsing = false
		if err := cmd.ParseFlags(append(append(slices.DeleteFunc(args, back), "--"), times...)); err != nil {
			return cmd.FlagErrorFunc()(cmd, err)
		}
		if help, err := cmd.Flags().GetBool("help"); err == nil && help {
			return cmd.Help()
		}
		given := cmd.Flags().Args()
		if err := exactly(1)(cmd, given); err != nil {
			return err
		}
		return run(cmd, given)
	}
	return cmd
}

func newSimulateFault() *cobra.Command {
	cmd := simulateCommand("fault NAME KIND", "break a device or a bus, or mend it with none", func(args []string) (ordered, error) {
		return func(ctx context.Context, c *api.Client) (api.SimulationState, error) {
			return c.Break(ctx, args[0], args[1])
		}, nil
	})
	cmd.Long = `fault breaks a device (cellar.probe) or a bus (I2C1). The kinds are
  absent     nothing answers                   crc        a wrong checksum
  nak        each transfer fails               power_on   85 °C, as a DS18B20 shows at power-on
  hang       a line is held, all takes long    brown_out  the chip loses its settings, once
  stuck      all ones, or a pin that stays     welded     a relay's contacts stay closed
  noisy      measurements jump about           bouncing   a contact changes in bursts
  drifting   they go away by the hour          unplugged  nothing on the device's bus answers
  frozen     they stay the same                zeros      all that is read is zero
  skipped    a bme280 has not measured         no_co2     an scd4x measures 0 ppm
  busy       an aht20 takes longer             over_range more than it can measure
  low_bits   undefined bits of an lm75         clone      another maker's numbers
  periodic   another program's settings, once  asleep     sent to sleep by one, once
  bogus      a dht22 sends no measurement      passive    a pms5003 waits to be asked
  flaky      a transfer fails now and then     none       it is mended
  negative_trim  a bme280's H4 and H5 are below zero`
	cmd.ValidArgsFunction = completeFault
	return cmd
}

// simulateCommand makes a command with the arguments that use names: order reads them.
func simulateCommand(use, short string, order func(args []string) (ordered, error)) *cobra.Command {
	var f askFlags
	cmd := &cobra.Command{Use: use, Short: short, Args: exactly(strings.Count(use, " "))}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ask, err := order(args)
		if err != nil {
			return err
		}
		client, err := f.client()
		if err != nil {
			return err
		}
		state, err := ask(cmd.Context(), client)
		if err != nil {
			return err
		}
		if f.json {
			return printJSON(cmd.OutOrStdout(), []api.SimulationState{state})
		}
		printSimulation(cmd.OutOrStdout(), state)
		return nil
	}
	f.add(cmd)
	return cmd
}

func printSimulation(w io.Writer, state api.SimulationState) {
	how := fmt.Sprintf("%v times as fast as life", state.Speed)
	if state.Speed == 0 {
		how = "standing still"
	}
	fmt.Fprintf(w, "%s, %s\n", state.HouseTime.Local().Format("2006-01-02 15:04:05"), how)
	for _, name := range slices.Sorted(maps.Keys(state.Broken)) {
		fmt.Fprintf(w, "%s: %s\n", plain(name), paintFor(w).in(red, plain(state.Broken[name])))
	}
	var driven []string
	for _, name := range slices.SortedFunc(maps.Keys(state.Pins), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) // GPIO5 before GPIO17
	}) {
		driven = append(driven, plain(name+" "+state.Pins[name]))
	}
	if len(driven) > 0 {
		fmt.Fprintln(w, "pins driven:", strings.Join(driven, ", "))
	}
}
