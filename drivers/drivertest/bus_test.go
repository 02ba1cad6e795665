package drivertest_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/drivers/aht20"
	"hogar/drivers/bh1750"
	"hogar/drivers/bme280"
	"hogar/drivers/drivertest"
	"hogar/drivers/ina226"
	"hogar/drivers/mcp9808"
	"hogar/drivers/sht3x"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/drivers/tmp102"
)

// TestNobodyHoldsTheBus lets chips on one bus measure at the same time: that takes as long
// as the slowest, and not the sum, so none holds the bus while it converts.
func TestNobodyHoldsTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		specs := make(map[string]drivers.Spec)
		parts := make(map[string][]drivers.Part)
		for name, one := range map[string]struct {
			driver  drivers.Driver
			options string
		}{
			"a.bme": {bme280.New, ""}, "a.bh": {bh1750.New, ""}, "a.aht": {aht20.New, ""}, "a.mcp": {mcp9808.New, ""},
			"a.ina": {ina226.New, "address: 0x41"}, "a.sht": {sht3x.New, ""}, "a.tmp": {tmp102.New, ""},
		} {
			spec, faults := drivertest.Decode(one.driver, one.options)
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			specs[name], parts[name] = spec, spec.Parts
		}
		b, err := simboard.New(world.New(world.Options{}), time.Now, parts)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		var sum, slowest time.Duration
		var sensors []drivers.Sensor
		measure := func(s drivers.Sensor) time.Duration {
			begin := time.Now()
			if _, err := s.Sense(t.Context()); err != nil {
				t.Error(err)
			}
			return time.Since(begin)
		}
		for _, spec := range specs {
			dev, err := spec.Open(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			defer dev.Close()
			s := dev.(drivers.Sensor)
			measure(s) // the first one may have more to do
			took := measure(s)
			sum, slowest, sensors = sum+took, max(slowest, took), append(sensors, s)
		}
		begin := time.Now()
		var wg sync.WaitGroup
		for _, s := range sensors {
			wg.Go(func() { measure(s) })
		}
		wg.Wait()
		if together := time.Since(begin); together > slowest+10*time.Millisecond || sum < 2*slowest {
			t.Errorf("one after the other %v, the slowest %v, all together %v", sum, slowest, together)
		}
	})
}
