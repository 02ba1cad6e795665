package drivertest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"hogar/drivers"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/gateway/home"
)

// Decode decodes options, written as "key: value, key: value", with a driver, as
// the gateway does. The faults are those of the driver and of keys nobody asked for.
func Decode(driver drivers.Driver, options string) (drivers.Spec, []home.Fault) {
	node := &home.Node{Path: []string{"devices", Device}, Kind: home.NodeMap}
	for pair := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(pair, ":")
		if key = strings.TrimSpace(key); key == "" {
			continue
		}
		node.Pairs = append(node.Pairs, home.Pair{Key: key, Value: &home.Node{
			Path: append(slices.Clone(node.Path), key), Kind: home.NodeScalar, Text: strings.TrimSpace(value)}})
	}
	var faults home.Faults
	d := home.NewDecoder(node, &faults)
	spec := driver(d)
	d.Done()
	return spec, faults.List
}

// Rig is a device under test on its board.
type Rig struct {
	Spec  drivers.Spec
	Board *simboard.Board
	World *world.World
}

// NewRig decodes options and puts what they describe on a board, whose house
// time is the machine's.
func NewRig(t testing.TB, driver drivers.Driver, options string) *Rig {
	t.Helper()
	spec, faults := Decode(driver, options)
	if len(faults) > 0 {
		t.Fatalf("options %q are refused: %v", options, faults)
	}
	w := world.New(world.Options{Latitude: -31.4, Longitude: -64.2})
	b, err := simboard.New(w, time.Now, map[string][]drivers.Part{Device: spec.Parts})
	if err != nil {
		t.Fatal(err)
	}
	return &Rig{Spec: spec, Board: b, World: w}
}

// Open opens the device and closes it when the test ends.
func (r *Rig) Open(t testing.TB) drivers.Device {
	t.Helper()
	dev, err := r.Spec.Open(t.Context(), r.Board)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = dev.Close() })
	return dev
}

// timeout is that of the driver, as the gateway takes it.
func (r *Rig) timeout() time.Duration {
	if r.Spec.Timeout > 0 {
		return r.Spec.Timeout
	}
	return 5 * time.Second
}

// use uses the device once, in the way it has.
func (r *Rig) use(ctx context.Context, dev drivers.Device) error {
	switch dev := dev.(type) {
	case drivers.Sensor:
		_, err := dev.Sense(ctx)
		return err
	case drivers.Listener:
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return dev.Listen(ctx, func(drivers.Reading) {})
	}
	return nil
}

func (r *Rig) works(t *testing.T, dev drivers.Device) {
	t.Helper()
	if err := r.use(t.Context(), dev); err != nil {
		t.Errorf("the device does not work: %v", err)
	}
}

func (r *Rig) fault(t *testing.T, f simboard.Fault) {
	t.Helper()
	if err := r.Board.Fault(Device, f); err != nil {
		t.Fatal(err)
	}
}
