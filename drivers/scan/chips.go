package scan

import (
	"fmt"
	"slices"
)

// identity is what is known of a chip.
type identity struct {
	chips []string // what it may be, the likeliest first
	by    string   // how that is known; empty: by its address
	note  string
}

// is is one chip that is known by a sign.
func is(chip, by string, args ...any) identity {
	return identity{chips: []string{chip}, by: fmt.Sprintf(by, args...)}
}

// usual are the chips that people have at an address, the likeliest first.
func usual(address uint16) identity {
	for _, u := range []struct {
		first, last uint16
		who         identity
	}{
		{0x10, 0x10, identity{[]string{"veml7700"}, "", "a veml6030 is read alike; a veml6040 and a veml6075 have this address, too, and no driver here"}},
		{0x18, 0x1f, identity{[]string{"mcp9808"}, "", "at 0x18 and 0x19 also an lis3dh"}},
		{0x23, 0x23, identity{[]string{"bh1750"}, "", "a port expander has this address, too"}},
		{0x5c, 0x5c, identity{[]string{"bh1750"}, "", "an am2320 has this address, too"}},
		{0x20, 0x27, identity{[]string{"mcp23017", "pcf8574"}, "",
			fmt.Sprintf("a port expander: dtoverlay=mcp23017,addr=%#02x or dtoverlay=pcf857x,pcf8574,addr=%#02x; its lines are then pins, mcp23017/0", address, address)}},
		{0x29, 0x29, identity{[]string{"tsl2561", "vl53l0x"}, "", "no driver here: the kernel has tsl2563 and vl53l0x, and driver: kernel reads them"}},
		{0x38, 0x38, identity{[]string{"aht20"}, "", "an aht10 and a pcf8574a have this address, too: " + aht10}},
		{0x39, 0x3b, identity{[]string{"pcf8574a"}, "", fmt.Sprintf("a port expander: dtoverlay=pcf857x,pcf8574a,addr=%#02x; its lines are then pins, pcf8574a/0", address)}},
		{0x3c, 0x3d, identity{[]string{"ssd1306"}, "", "when what it shows is two dots off, it is an sh1106: write chip: sh1106"}},
		{0x40, 0x40, identity{[]string{"ina219", "ina226", "htu21d", "pca9685"}, "", ""}},
		{0x41, 0x43, identity{[]string{"ina219", "ina226", "pca9685"}, "", ""}},
		{0x44, 0x45, identity{[]string{"sht3x", "sht4x", "ina219", "ina226"}, "", ""}},
		{0x46, 0x47, identity{[]string{"ina219", "ina226", "sht4x"}, "", ""}},
		{0x48, 0x4b, identity{[]string{"ads1115", "tmp102", "lm75", "ina219", "pcf8591"}, "", ""}},
		{0x4c, 0x4f, identity{[]string{"ina219", "lm75", "pcf8591"}, "", ""}},
		{0x50, 0x57, identity{[]string{"eeprom"}, "", "a memory"}},
		{0x58, 0x58, identity{[]string{"sgp30"}, "", noDriver("sgp30", "")}},
		{0x59, 0x59, identity{[]string{"sgp40"}, "", noDriver("sgp40", "which Raspberry Pi OS has no overlay of")}},
		{0x5a, 0x5b, identity{[]string{"mlx90614", "ccs811", "mpr121"}, "", ""}},
		{0x62, 0x62, identity{[]string{"scd4x"}, "", ""}},
		{0x68, 0x68, identity{[]string{"ds3231", "mpu6050"}, "", "a clock: dtoverlay=i2c-rtc,ds3231; or a gyroscope"}},
		{0x70, 0x75, identity{[]string{"tca9548a", "pca9685"}, "", multiplexer(address)}},
		{0x76, 0x77, identity{[]string{"bme280", "bmp280", "bmp388", "ms5611", "tca9548a"}, "", "bmp388 and ms5611 are read by the kernel alone; or " + multiplexer(address)}},
	} {
		if address >= u.first && address <= u.last {
			return u.who
		}
	}
	return identity{}
}

// aht10 is what to do with an AHT10.
const aht10 = "an aht10 sends no checksum, and the kernel reads it (dtoverlay=i2c-sensor,aht10)"

func multiplexer(address uint16) string {
	return fmt.Sprintf("a multiplexer: dtoverlay=i2c-mux,pca9548,addr=%#02x makes a bus of each channel; at 0x70 also the call to all pca9685", address)
}

// noDriver is the note of a chip that only the kernel reads, by its driver or overlay of a name.
func noDriver(kernel, but string) string {
	if but == "" {
		but = "dtoverlay=i2c-sensor," + kernel
	}
	return fmt.Sprintf("no driver here: the kernel has %s (%s), and driver: kernel reads that", kernel, but)
}

// without leaves out chips that would have said so, were they there.
func (i identity) without(chips []string) identity {
	i.chips = slices.DeleteFunc(slices.Clone(i.chips), func(c string) bool { return slices.Contains(chips, c) })
	return i
}
