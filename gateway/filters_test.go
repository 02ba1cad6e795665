package gateway

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/gateway/config"
	"hogar/gateway/home"
)

// A house whose sensor is filtered: rules and followers see what passes, the age
// is that of the last measurement, and what came in can be watched.
func TestFilteredHouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := planOf(t, `
gateway: casa
devices:
  kitchen.climate: {driver: bme280, every: 10s, filters: {temperature: [{offset: -1}, {delta: 0.5}]}}
  hall.lamp: {driver: relay, pin: GPIO17}
rules:
  fresh: {when: age(kitchen.climate.temperature) > 30s, do: [{set: {hall.lamp.state: on}}]}
`)
		values := []float64{20, 20.1, 20.2, 20.9, 21, 21, 21, 21, 21, 21, 21, 21}
		plan.devices[0].spec.Open = func(context.Context, drivers.Board) (drivers.Device, error) {
			return wild{sense: func(context.Context) ([]drivers.Reading, error) {
				v := values[0]
				values = values[1:]
				return []drivers.Reading{{Property: "temperature", Value: home.NumberOf(v)}}, nil
			}}, nil
		}
		h := runHouse(t, plan, nil, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var seen []string
		next := h.Raw()
		go func() {
			for {
				ev, _, err := next(ctx)
				if err != nil {
					return
				}
				if ev.Kind == home.KindReading && ev.Property == "temperature" {
					seen = append(seen, strings.Repeat("raw ", int(ev.Flags&home.FlagRaw/home.FlagRaw))+ev.Value.String())
				}
			}
		}()
		time.Sleep(95 * time.Second)
		synctest.Wait()
		if d := h.device("kitchen.climate"); d.Status != home.Online || time.Since(d.Readings[0].Time) > 10*time.Second {
			t.Errorf("it is %s, measured %s ago", d.Status, time.Since(d.Readings[0].Time))
		}
		want := []string{"raw 20.1", "raw 20.2", "raw 20.9", "19.9", "raw 21", "raw 21", "raw 21", "raw 21", "raw 21", "raw 21"}
		if diff := cmp.Diff(want, seen[len(seen)-len(want):]); diff != "" {
			t.Errorf("want -, got +\n%s", diff)
		}
		if lamp := h.device("hall.lamp").Readings[0]; lamp.Value.Boolean() {
			t.Error("a rule took a measured value for an old one")
		}
		h.stop()
	})
}

func TestFilterFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(file, []byte(`gateway: casa
devices:
  kitchen.climate: {driver: bme280, filters: {temprature: [{median: 5}], humidity: [{mediam: 5}], pressure: 5}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, source, faults := config.Load(file)
	Check(cfg, faults)
	var got []string
	for _, p := range source.Problems(faults) {
		got = append(got, strings.ReplaceAll(p.String(), filepath.Dir(file)+"/", ""))
	}
	want := []string{
		"x.yaml:3:47: devices.kitchen.climate.filters.temprature: kitchen.climate has no property temprature (did you mean temperature?)",
		"x.yaml:3:86: devices.kitchen.climate.filters.humidity.0.mediam: there is no filter 'mediam' (did you mean median?)",
		"x.yaml:3:109: devices.kitchen.climate.filters.pressure: filters are '5', expected a list of filters ([{median: 5}, {delta: 0.1}])",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}
