// Package aht20 reads Aosong's AHT20 (also AHT21 and DHT20), which measures
// temperature and humidity on I2C.
//
//	cellar.climate: {driver: aht20, bus: I2C1}
//
// Options: bus (default I2C1). The address is always 0x38, so there can be one on
// a bus.
//
// Wiring: VIN to 3.3 V (pin 1), GND to pin 9, SDA to GPIO2 (pin 3), SCL to GPIO3
// (pin 5); dtparam=i2c_arm=on. The kernel has a driver of its own
// (dtoverlay=i2c-sensor,aht10): use one of the two, not both.
//
// Accuracy: ±0.3 °C and ±2 % at room temperature; the chip warms itself when it
// is asked more often than every 2 s. Each answer is checked by its checksum.
// Datasheet: AHT20, version 1.0 (2020), and periph's driver, of which only Sense
// is used: its other ways of measuring can hang.
package aht20

import (
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/aht20"

	"hogar/drivers"
	"hogar/gateway/home"
)

// New decodes the options of an AHT20.
func New(d *home.Decoder) drivers.Spec {
	part := drivers.ChipPart(d, "aht20", 0x38)
	return drivers.Polled{
		Part: part,
		Properties: []home.Property{ // tables 1 and 2
			drivers.Number("temperature", "°C", -40, 85),
			drivers.Number("humidity", "%", 0, 100),
		},
		Every:   30 * time.Second,
		Measure: drivers.OnBus(part, measure),
	}.Spec()
}

// measure takes 80 ms, and 10 ms more when the chip has to be calibrated first
// (§5.4), as after a loss of its supply.
func measure(bus *drivers.Guard) ([]float64, error) {
	opts := aht20.DefaultOpts
	chip, err := aht20.NewI2C(bus, &opts)
	if err != nil {
		return nil, err
	}
	var e physic.Env
	if err := chip.Sense(&e); err != nil {
		return nil, err
	}
	return []float64{
		drivers.Round(e.Temperature.Celsius(), 2),
		drivers.Round(float64(e.Humidity)/float64(physic.PercentRH), 2),
	}, nil
}
