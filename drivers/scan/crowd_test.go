package scan_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
	"hogar/drivers/simboard"
)

// crowd is a board with all chips of the simulation, one bus after the other where addresses meet.
func crowd() map[string][]drivers.Part {
	parts := make(map[string][]drivers.Part)
	for bus, chips := range [][]drivers.Part{
		{{Chip: "veml7700", Address: 0x10}, {Chip: "mcp9808", Address: 0x18}, {Chip: "pcf8574", Address: 0x20}, {Chip: "bh1750", Address: 0x23}, {Chip: "aht20", Address: 0x38},
			{Chip: "ssd1306", Address: 0x3c}, {Chip: "ina219", Address: 0x40}, {Chip: "ina226", Address: 0x41}, {Chip: "pca9685", Address: 0x42},
			{Chip: "sht3x", Address: 0x44}, {Chip: "sht4x", Address: 0x45}, {Chip: "ads1115", Address: 0x48}, {Chip: "tmp102", Address: 0x49},
			{Chip: "lm75", Address: 0x4a}, {Chip: "ads1015", Address: 0x4b}, {Chip: "pcf8591", Address: 0x4f}, {Chip: "bh1750", Address: 0x5c},
			{Chip: "mcp4725", Address: 0x60}, {Chip: "scd4x", Address: 0x62}, {Chip: "mcp3421", Address: 0x68}, {Chip: "tca9548a", Address: 0x70},
			{Chip: "bme280", Address: 0x76}, {Chip: "bmp280", Address: 0x77}},
		{{Chip: "htu21d", Address: 0x40}, {Chip: "pcf8591", Address: 0x48}, {Chip: "tea5767", Address: 0x60}, {Chip: "pca9633", Address: 0x62},
			{Chip: "ds3231", Address: 0x68}, {Chip: "sh1106", Address: 0x3d}, {Chip: "tca9548a", Address: 0x76}, {Chip: "ms5611", Address: 0x77}, {Chip: "pcf8574a", Address: 0x38}},
		{{Chip: "ina3221", Address: 0x40}, {Chip: "ina260", Address: 0x45}, {Chip: "bmp388", Address: 0x76}, {Chip: "tca9548a", Address: 0x77}},
		{{Chip: "bmp390", Address: 0x77}, {Chip: "ina226", Address: 0x4c}, {Chip: "pca9685", Address: 0x70}},
	} {
		for _, p := range chips {
			p.Bus = fmt.Sprintf("I2C%d", bus+1)
			parts[fmt.Sprintf("hall.%s_%x_%d", p.Chip, p.Address, bus+1)] = []drivers.Part{p}
		}
	}
	return parts
}

// harmless are the bytes that may be written to a chip, after the chips' datasheets: to one with
// registers the number of a register, which alone sets nothing; to a sensor of Sensirion's what asks for its status or number. To
// all others every byte is an instruction.
func harmless(chip string, w []byte) bool {
	registers := []string{"mcp9808", "ina219", "ina226", "ina260", "ina3221", "pca9685", "ads1115", "ads1015", "tmp102", "lm75", "bme280", "bmp280", "bmp388", "bmp390", "ds3231"}
	// To an SHT4x F3 is no command (§4.5 of its datasheet), to an SHT3x, whose commands have two bytes, 89 alone is none.
	commands := map[string][][]byte{"sht3x": {{0xF3, 0x2D}, {0x89}}, "sht4x": {{0x89}, {0xF3, 0x2D}}, "scd4x": {{0xE4, 0xB8}}}
	return len(w) == 0 || len(w) == 1 && slices.Contains(registers, chip) ||
		slices.ContainsFunc(commands[chip], func(one []byte) bool { return bytes.Equal(w, one) })
}

// watched is a board that reports each transfer.
type watched struct {
	*simboard.Board
	saw func(bus string, address uint16, w []byte)
}

func (b watched) I2C(name string) (i2c.Bus, error) {
	bus, err := b.Board.I2C(name)
	return watchedBus{bus, b.saw}, err
}

type watchedBus struct {
	i2c.Bus
	saw func(bus string, address uint16, w []byte)
}

func (b watchedBus) Tx(address uint16, w, r []byte) error {
	b.saw(b.String(), address, slices.Clone(w))
	return b.Bus.Tx(address, w, r)
}

// settings are the registers of chips that hold what somebody has set, and how many bytes each has.
func settings() map[string]struct {
	size int
	of   []byte
} {
	type registers = struct {
		size int
		of   []byte
	}
	converter := registers{2, []byte{1, 2, 3}}
	return map[string]registers{
		"mcp9808": {2, []byte{1, 2, 3, 4}}, "ina219": {2, []byte{0, 5}}, "ina226": {2, []byte{0, 5, 6, 7}}, "ina3221": {2, []byte{0}}, "ina260": {2, []byte{0}},
		"ads1115": converter, "ads1015": converter, "tmp102": converter, "lm75": converter, "veml7700": {2, []byte{0, 1, 2, 3}},
		"pca9685": {1, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xFE}}, "bme280": {1, []byte{0xF2, 0xF4, 0xF5}}, "bmp280": {1, []byte{0xF4, 0xF5}},
		"bmp388": {8, []byte{0x00, 0x18, 0x30}}, "bmp390": {8, []byte{0x00, 0x18, 0x30}}, "ds3231": {8, []byte{0x00, 0x08, 0x10}},
	}
}

// holds is what a chip holds that somebody may have set. Of one without registers it is all that its model
// holds, but for when it measures and what.
func holds(t *testing.T, b *simboard.Board, device string, part drivers.Part) string {
	t.Helper()
	bus, err := b.I2C(part.Bus)
	if err != nil {
		t.Fatal(err)
	}
	registers, ok := settings()[part.Chip]
	if !ok {
		text := b.Chip(device)
		for _, cut := range []string{"ready:", "busy:", "channel:"} {
			if before, after, ok := strings.Cut(text, cut); ok {
				_, after, _ = strings.Cut(after, "} ")
				text = before + after
			}
		}
		return text
	}
	var text strings.Builder
	for _, number := range registers.of {
		r := make([]byte, registers.size)
		if err := bus.Tx(part.Address, []byte{number}, r); err != nil {
			t.Fatalf("%s: %v", device, err)
		}
		fmt.Fprintf(&text, "%02x: % x; ", number, r)
	}
	return text.String()
}
