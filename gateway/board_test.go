package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hogar/drivers"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/gateway/config"
)

// Two names of one serial port, by a symbolic link, are one place.
func TestTwoNamesOfASerialPort(t *testing.T) {
	dir := t.TempDir()
	port, link := filepath.Join(dir, "ttyS0"), filepath.Join(dir, "serial0")
	if err := errors.Join(os.WriteFile(port, nil, 0o600), os.Symlink(port, link)); err != nil {
		t.Fatal(err)
	}
	check := func(first, second string) string {
		file := filepath.Join(dir, "hogar.yaml")
		yaml := fmt.Sprintf("gateway: casa\ndevices:\n  street.dust: {driver: pms5003, port: %s}\n  yard.dust: {driver: pms5003, port: %s}\n", first, second)
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, source, faults := config.Load(file)
		Check(cfg, faults)
		return fmt.Sprint(source.Problems(faults))
	}
	for _, two := range [][2]string{{port, link}, {link, port}, {link, link}} {
		if got := check(two[0], two[1]); !strings.Contains(got, "serial0 is taken by street.dust") && !strings.Contains(got, "ttyS0 is taken by street.dust") {
			t.Errorf("%v: %s", two, got)
		}
	}
	if got := check(port, filepath.Join(dir, "ttyS1")); strings.Contains(got, "taken") {
		t.Errorf("two ports: %s", got)
	}
}

// closing is a board that is counted while it is open.
type closing struct {
	drivers.Board
	open *int
}

func (c closing) Close() error {
	*c.open--
	return nil
}

var _ io.Closer = closing{}

// A gateway that cannot start leaves no board open.
func TestABoardIsClosedWhenTheStartFails(t *testing.T) {
	plan := planOf(t, "gateway: casa\ndevices:\n  hall.lamp: {driver: relay, pin: GPIO17}\n")
	open := 0
	o := Options{Plan: plan, Clock: trusted(), Journal: t.TempDir(), Log: slog.New(slog.DiscardHandler),
		Board: func(parts map[string][]drivers.Part) (drivers.Board, error) {
			b, err := simboard.New(world.New(world.Options{}), trusted().Elapsed, parts)
			open++
			return closing{b, &open}, err
		},
		URLs: func(config.AMQP) ([]string, error) { return nil, errors.New("the file of the password is gone") }}
	if err := Run(t.Context(), o); err == nil || open != 0 {
		t.Errorf("no URLs: %v, %d boards are open", err, open)
	}
	o.URLs, o.Journal = nil, t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, o); open != 0 {
		t.Errorf("ended before it had begun: %v, %d boards are open", err, open)
	}
}
