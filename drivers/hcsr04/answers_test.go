package hcsr04

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

// wires is a board whose echo has these edges after the trigger.
type wires struct {
	drivers.Board
	edges []drivers.Edge
	asked bool
}

func (w *wires) Line(o drivers.LineOptions) (drivers.Line, error) { return &wire{w, o.Output}, nil }

type wire struct {
	*wires
	out bool
}

func (w *wire) Get() (bool, error) { return false, nil }
func (w *wire) Set(bool) error     { w.asked = true; return nil }
func (w *wire) Close() error       { return nil }
func (w *wire) Next(ctx context.Context) (drivers.Edge, error) {
	if !w.asked || len(w.edges) == 0 {
		<-ctx.Done()
		return drivers.Edge{}, ctx.Err()
	}
	e := w.edges[0]
	w.edges = w.edges[1:]
	return e, nil
}

// Echoes by the time of their edges. 583 and 5831 µs are 10 and 100 cm of ESPHome's ultrasonic_sensor.cpp (343 m/s). What is
// shorter than the sensor can measure, 2 cm, is a disturbance, and so is an end that is not after its begin.
func TestEchoes(t *testing.T) {
	for _, one := range []struct {
		took time.Duration
		want string
		says string
	}{
		{583 * time.Microsecond, "10", ""},
		{5831 * time.Microsecond, "100.1", ""},
		{117 * time.Microsecond, "2", ""},
		{30 * time.Millisecond, "unknown", ""},
		{10 * time.Microsecond, "", "its echo lasts 10µs"},
		{99 * time.Microsecond, "", "its echo lasts 99µs"},
		{0, "", "its echo lasts 0s"},
		{-time.Second, "", "its echo lasts -1s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			now := time.Now()
			spec, _ := drivertest.Decode(New, options)
			dev, err := spec.Open(t.Context(), &wires{edges: []drivers.Edge{{Active: true, Time: now}, {Time: now.Add(one.took)}}})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			readings, err := dev.(drivers.Sensor).Sense(t.Context())
			if err == nil {
				got = readings[0].Value.String()
			}
			if got != one.want || (err == nil) != (one.says == "") || err != nil && !strings.Contains(err.Error(), one.says) {
				t.Errorf("%v: %q, %v, want %q, %q", one.took, got, err, one.want, one.says)
			}
		})
	}
}
