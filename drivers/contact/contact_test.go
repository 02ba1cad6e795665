package contact

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/drivertest"
)

func TestContract(t *testing.T) {
	wrong := []string{"", "pin: 27", "pin: GPIO27, pull: sideways", "pin: GPIO27, debounce: 5", "pin: GPIO27, debounce: 1h", "pin: GPIO27, property: a.b"}
	for _, options := range []string{
		"pin: GPIO27, property: occupancy, debounce: 50ms",
		"pin: GPIO22, property: contact, pull: up, active_low: true",
		"pin: GPIO23, property: action, pull: up, active_low: true",
		"pin: GPIO24, property: rain, pull: down, debounce: 0s",
		"pin: GPIO25, property: leak",
	} {
		t.Run(options, func(t *testing.T) {
			drivertest.Run(t, drivertest.Case{Driver: New, Options: options, Wrong: wrong})
		})
	}
}

// What happens at the pin, and what is told of it.
func TestStory(t *testing.T) {
	for _, one := range []struct {
		options string
		high    []bool // levels, 10 ms one after the other
		want    []string
	}{
		{"pin: GPIO5, property: rain, debounce: 0s", []bool{true, false, true}, []string{"off", "on", "off", "on"}},
		{"pin: GPIO5, property: rain, debounce: 0s, active_low: true, pull: up", []bool{false, true}, []string{"off", "on", "off"}},
		{"pin: GPIO5, property: rain, debounce: 25ms", []bool{true, false, true, true, true, true}, []string{"off", "on"}},
		{"pin: GPIO5, property: rain, debounce: 25ms", []bool{true, false, true, false}, []string{"off"}},
		{"pin: GPIO5, property: action, debounce: 0s, active_low: true, pull: up", []bool{false, true}, []string{"press", "release"}},
	} {
		t.Run(one.options, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rig := drivertest.NewRig(t, New, one.options)
				dev := rig.Open(t).(drivers.Listener)
				ctx, cancel := context.WithCancel(t.Context())
				var got []string
				done := make(chan error, 1)
				go func() {
					done <- dev.Listen(ctx, func(r drivers.Reading) { got = append(got, r.Value.String()) })
				}()
				synctest.Wait()
				for _, high := range one.high {
					if err := rig.Board.Drive("GPIO5", high); err != nil {
						t.Fatal(err)
					}
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(time.Minute)
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(one.want, got); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
			})
		})
	}
}
