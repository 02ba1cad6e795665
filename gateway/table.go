package gateway

import (
	"maps"
	"slices"

	"hogar/drivers"
	"hogar/drivers/bh1750"
	"hogar/drivers/bme280"
	"hogar/drivers/contact"
	"hogar/drivers/relay"
	"hogar/drivers/tmp102"
)

// table is the drivers that a device's entry may name. An entry with driver mqtt
// is a topic of one of the sources below mqtt: and not in it.
func table() map[string]drivers.Driver {
	return map[string]drivers.Driver{
		"bh1750":  bh1750.New,
		"bme280":  bme280.New,
		"contact": contact.New,
		"relay":   relay.New,
		"tmp102":  tmp102.New,
	}
}

// mqttDriver is the driver's name of a device that speaks MQTT.
const mqttDriver = "mqtt"

// DriverNames lists what a device's entry may name as its driver.
func DriverNames() []string {
	return slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(table())), mqttDriver)))
}
