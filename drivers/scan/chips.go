package scan

import (
	"fmt"
	"time"

	"hogar/drivers"
)

// drivenBy are the chips that hogar has a driver of, under the driver's name, and what a
// device with one is called.
func drivenBy() map[string]string {
	return map[string]string{
		"ads1115": "inputs", "aht20": "climate", "bh1750": "light", "bme280": "climate", "ina219": "supply", "ina226": "supply",
		"bmp280": "air", "lm75": "probe",
		"mcp9808": "probe", "pca9685": "lights", "scd4x": "air", "sht3x": "climate", "sht4x": "climate", "ssd1306": "display", "tmp102": "probe",
	}
}

// alone reports whether a chip can have one address only, which its driver knows.
func alone(chip string) bool { return chip == "aht20" || chip == "scd4x" }

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

// sign asks a chip for something that only it says; ok is false when it does not. What
// it sends is a pointer to a register, or a command that changes nothing.
type sign struct {
	first, last uint16 // the addresses at which such a chip can be
	ask         func(*drivers.Guard) (who identity, ok bool)
}

// register asks for a register of size bytes, and is content with one of these values.
func register(number byte, size int, values map[uint16]string) func(*drivers.Guard) (identity, bool) {
	return func(g *drivers.Guard) (identity, bool) {
		b, err := g.Read(size, number)
		if err != nil {
			return identity{}, false
		}
		v := uint16(b[0])
		if size == 2 {
			v = v<<8 | uint16(b[1])
		}
		chip, ok := values[v]
		return is(chip, "register %#02x is %#02x", number, v), ok
	}
}

// words asks for n words with checksums by a command.
func words(n int, chip string, command ...byte) func(*drivers.Guard) (identity, bool) {
	return func(g *drivers.Guard) (identity, bool) {
		if g.Write(command...) != nil || g.Wait(2*time.Millisecond) != nil {
			return identity{}, false
		}
		b, err := g.Read(3 * n)
		if err != nil {
			return identity{}, false
		}
		_, err = drivers.Words(b)
		return is(chip, "it answers to % X", command), err == nil
	}
}

// signs are tried in turn. The numbers are those of the datasheets.
func signs() []sign {
	return []sign{
		{0x76, 0x77, register(0xD0, 1, map[uint16]string{0x60: "bme280", 0x58: "bmp280", 0x57: "bmp280", 0x56: "bmp280", 0x55: "bmp180", 0x61: "bme680"})},
		{0x18, 0x1f, register(0x06, 2, map[uint16]string{0x0054: "mcp9808"})},
		{0x40, 0x4f, register(0xFE, 2, map[uint16]string{0x5449: "ina226"})},
		{0x44, 0x45, words(1, "sht3x", 0xF3, 0x2D)}, // its status
		{0x44, 0x46, words(2, "sht4x", 0x89)},       // its serial number
		{0x62, 0x62, words(1, "scd4x", 0xE4, 0xB8)}, // whether data is ready
		{0x5a, 0x5b, register(0x20, 1, map[uint16]string{0x81: "ccs811"})},
		{0x38, 0x38, checksummed},
		{0x48, 0x4f, limits},
		{0x40, 0x4f, atPowerUp},
		{0x40, 0x7f, outputs},
	}
}

// checksummed: seven bytes of an AHT20, the last of which is their checksum.
func checksummed(g *drivers.Guard) (identity, bool) {
	b, err := g.Read(7)
	return is("aht20", "its checksum is right"), err == nil && drivers.CRC8(b[:6]) == b[6]
}

// limits: the comparator of an ADS1115 has -32768 and 32767 at power-up, that of a
// TMP102 and an LM75 75 °C and 80 °C; a TMP102 shows its 12 bits in its configuration, of
// which it has two bytes and an LM75 one.
func limits(g *drivers.Guard) (identity, bool) {
	low, err := g.Read(2, 2)
	if err != nil {
		return identity{}, false
	}
	high, err := g.Read(2, 3)
	if err != nil {
		return identity{}, false
	}
	configuration, err := g.Read(2, 1)
	switch {
	case err != nil:
		return identity{}, false
	case low[0] == 0x80 && low[1] == 0 && high[0] == 0x7F && high[1]&0xF0 == 0xF0:
		who := is("ads1115", "its limits are those at power-up")
		who.note = "an ads1015 looks the same: write that driver if it is printed on the chip"
		return who, true
	case low[0] == 0x4B && high[0] == 0x50 && configuration[0]&0x60 == 0x60 && configuration[1]&0x0F == 0 && configuration[1] != 0 && configuration[0] != configuration[1]:
		return is("tmp102", "its limits and its 12 bits"), true
	case low[0] == 0x4B && high[0] == 0x50:
		return is("lm75", "its limits are those at power-up"), true
	}
	return identity{}, false
}

// atPowerUp: the configuration of an INA219 that nobody has changed.
func atPowerUp(g *drivers.Guard) (identity, bool) {
	b, err := g.Read(2, 0)
	return is("ina219", "its configuration is that at power-up"), err == nil && b[0] == 0x39 && b[1] == 0x9F
}

// outputs: a PCA9685 has three bits of MODE2 at zero, and a prescaler of at least 3.
func outputs(g *drivers.Guard) (identity, bool) {
	mode1, err := g.Read(1, 0x00)
	if err != nil {
		return identity{}, false
	}
	mode2, err := g.Read(1, 0x01)
	if err != nil {
		return identity{}, false
	}
	prescale, err := g.Read(1, 0xFE)
	return is("pca9685", "its modes and its prescaler are possible ones"),
		err == nil && mode1[0]&0x80 == 0 && mode2[0]&0xE0 == 0 && mode2[0]&0x04 != 0 && prescale[0] >= 3 && prescale[0] != 0xFF
}

// usual are the chips that people have at an address, for those that cannot say what
// they are.
func usual(address uint16) identity {
	for _, u := range []struct {
		first, last uint16
		who         identity
	}{
		{0x23, 0x23, identity{[]string{"bh1750"}, "", "a port expander has this address, too"}},
		{0x5c, 0x5c, identity{[]string{"bh1750"}, "", "an am2320 has this address, too"}},
		{0x20, 0x27, identity{[]string{"mcp23017", "pcf8574"}, "",
			fmt.Sprintf("a port expander: dtoverlay=mcp23017,addr=%#02x or dtoverlay=pcf857x,pcf8574,addr=%#02x; its lines are then pins, mcp23017/0", address, address)}},
		{0x29, 0x29, identity{[]string{"tsl2561", "vl53l0x"}, "", "no driver here: the kernel has tsl2563 and vl53l0x, and driver: kernel reads them"}},
		{0x38, 0x38, identity{[]string{"aht20"}, "", "a pcf8574a has this address, too"}},
		{0x39, 0x3b, identity{[]string{"pcf8574a"}, "", fmt.Sprintf("a port expander: dtoverlay=pcf857x,pcf8574a,addr=%#02x; its lines are then pins, pcf8574a/0", address)}},
		{0x3c, 0x3d, identity{[]string{"ssd1306"}, "", ""}},
		{0x40, 0x40, identity{[]string{"ina219", "htu21d"}, "", ""}},
		{0x41, 0x43, identity{[]string{"ina219"}, "", ""}},
		{0x44, 0x47, identity{[]string{"ina219"}, "", ""}},
		{0x48, 0x4b, identity{[]string{"ads1115", "tmp102"}, "", ""}},
		{0x4c, 0x4f, identity{[]string{"ina219"}, "", ""}},
		{0x50, 0x57, identity{[]string{"eeprom"}, "", "a memory"}},
		{0x58, 0x58, identity{[]string{"sgp30"}, "", "no driver here: the kernel has sgp30, and driver: kernel reads it"}},
		{0x59, 0x59, identity{[]string{"sgp40"}, "", "no driver here: the kernel has sgp40, and driver: kernel reads it"}},
		{0x68, 0x68, identity{[]string{"ds3231", "mpu6050"}, "", "a clock: dtoverlay=i2c-rtc,ds3231; or a gyroscope"}},
		{0x70, 0x77, identity{[]string{"tca9548a", "pca9685"}, "",
			fmt.Sprintf("a multiplexer: dtoverlay=i2c-mux,pca9548,addr=%#02x makes a bus of each channel; at 0x70 also the call to all pca9685", address)}},
	} {
		if address >= u.first && address <= u.last {
			return u.who
		}
	}
	return identity{}
}

// identify asks a chip who it is.
func (l *look) identify(bus string, address uint16) (identity, error) {
	open, err := l.board.I2C(bus)
	if err != nil {
		return identity{}, err
	}
	g := drivers.NewGuard(open, drivers.Part{Chip: "chip", Bus: bus, Address: address})
	for _, s := range signs() {
		if address < s.first || address > s.last {
			continue
		}
		var who identity
		var ok bool
		// Its error says no more than that this chip does not know the question.
		_ = g.Do(l.ctx, func() error { who, ok = s.ask(g); return nil })
		if ok {
			return who, l.ctx.Err()
		}
		if err := l.ctx.Err(); err != nil {
			return identity{}, err
		}
	}
	return usual(address), nil
}
