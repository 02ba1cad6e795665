package gateway

import (
	"maps"
	"slices"

	"hogar/drivers"
	"hogar/drivers/ads1115"
	"hogar/drivers/aht20"
	"hogar/drivers/bh1750"
	"hogar/drivers/bme280"
	"hogar/drivers/contact"
	"hogar/drivers/dht22"
	"hogar/drivers/ds18b20"
	"hogar/drivers/hcsr04"
	"hogar/drivers/ina219"
	"hogar/drivers/ina226"
	"hogar/drivers/kernel"
	"hogar/drivers/lm75"
	"hogar/drivers/mcp9808"
	"hogar/drivers/pca9685"
	"hogar/drivers/pms5003"
	"hogar/drivers/pwm"
	"hogar/drivers/relay"
	"hogar/drivers/scd4x"
	"hogar/drivers/sht3x"
	"hogar/drivers/sht4x"
	"hogar/drivers/ssd1306"
	"hogar/drivers/tmp102"
	"hogar/drivers/veml7700"
)

// table is the drivers that a device's entry may name. An entry with driver mqtt
// is a topic of one of the sources below mqtt: and not in it. A chip on I2C is also in [drivers.Chips].
func table() map[string]drivers.Driver {
	all := make(map[string]drivers.Driver)
	for _, row := range []struct {
		name string
		new  drivers.Driver
	}{
		{"ads1015", ads1115.New1015},
		{"ads1115", ads1115.New},
		{"aht20", aht20.New},
		{"bh1750", bh1750.New},
		{"bme280", bme280.New},
		{"bmp280", bme280.NewBMP},
		{"contact", contact.New},
		{"dht11", dht22.New11},
		{"dht22", dht22.New},
		{"ds18b20", ds18b20.New},
		{"hcsr04", hcsr04.New},
		{"ina219", ina219.New},
		{"ina226", ina226.New},
		{"kernel", kernel.New},
		{"lm75", lm75.New},
		{"mcp9808", mcp9808.New},
		{"pca9685", pca9685.New},
		{"pms5003", pms5003.New},
		{"pwm", pwm.New},
		{"relay", relay.New},
		{"scd4x", scd4x.New},
		{"sht3x", sht3x.New},
		{"sht4x", sht4x.New},
		{"ssd1306", ssd1306.New},
		{"tmp102", tmp102.New},
		{"veml7700", veml7700.New},
	} {
		all[row.name] = row.new
	}
	return all
}

// mqttDriver is the driver's name of a device that speaks MQTT.
const mqttDriver = "mqtt"

// DriverNames lists what a device's entry may name as its driver.
func DriverNames() []string {
	return slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(table())), mqttDriver)))
}
