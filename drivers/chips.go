package drivers

import "slices"

// Chip is what is known of a chip on I2C before anybody has asked it. Its driver, the simulation,
// the scan and the test of the docs read it from here.
type Chip struct {
	Name      string   // in messages, and as the simulation has it
	Driver    string   // the word behind driver:
	What      string   // as docs/drivers.md has it
	Use       string   // what a scan calls a device with one
	Addresses []uint16 // that it can have; the first is the default
}

// Chips are the chips that a driver is for, each with a line of its own.
func Chips() []Chip {
	return []Chip{
		{"ads1015", "ads1015", "Texas Instruments ADS1115, ADS1015", "inputs", Span(0x48, 0x4b)},
		{"ads1115", "ads1115", "Texas Instruments ADS1115, ADS1015", "inputs", Span(0x48, 0x4b)},
		{"aht20", "aht20", "Aosong AHT20", "climate", Span(0x38, 0x38)},
		{"bh1750", "bh1750", "Rohm BH1750FVI", "light", []uint16{0x23, 0x5c}},
		{"bme280", "bme280", "Bosch BME280", "climate", Span(0x76, 0x77)},
		{"bmp280", "bmp280", "Bosch BMP280", "air", Span(0x76, 0x77)},
		{"ina219", "ina219", "Texas Instruments INA219", "supply", Span(0x40, 0x4f)},
		{"ina226", "ina226", "Texas Instruments INA219, INA226", "supply", Span(0x40, 0x4f)},
		{"lm75", "lm75", "LM75, TMP75, TMP105, DS75", "probe", Span(0x48, 0x4f)},
		{"mcp9808", "mcp9808", "Microchip MCP9808", "probe", Span(0x18, 0x1f)},
		{"pca9685", "pca9685", "NXP PCA9685", "lights", slices.Concat(Span(0x40, 0x6f), Span(0x71, 0x7f))}, // 0x70 calls all of them
		{"scd4x", "scd4x", "Sensirion SCD40, SCD41", "air", Span(0x62, 0x62)},
		{"sh1106", "ssd1306", "Sino Wealth SH1106", "display", Span(0x3c, 0x3d)},
		{"sht3x", "sht3x", "Sensirion SHT30, SHT31, SHT35", "climate", Span(0x44, 0x45)},
		{"sht4x", "sht4x", "Sensirion SHT40, SHT41, SHT45", "climate", Span(0x44, 0x46)},
		{"ssd1306", "ssd1306", "Solomon SSD1306", "display", Span(0x3c, 0x3d)},
		{"tmp102", "tmp102", "Texas Instruments TMP102", "probe", Span(0x48, 0x4b)},
		{"veml7700", "veml7700", "Vishay VEML7700", "light", Span(0x10, 0x10)},
	}
}

// ChipNamed is the chip of a name; ok is false when no driver is for it.
func ChipNamed(name string) (c Chip, ok bool) {
	for _, c := range Chips() {
		if c.Name == name {
			return c, true
		}
	}
	return Chip{}, false
}

// Span lists the addresses from first to last.
func Span(first, last uint16) (all []uint16) {
	for a := first; a <= last; a++ {
		all = append(all, a)
	}
	return all
}
