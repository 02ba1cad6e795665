package simboard

import "maps"

// models are the chips that can sit on a bus, by the name in [drivers.Part].
func models() map[string]model {
	all := map[string]model{
		"ads1015": {newADS1015, span(0x48, 0x4b)},
		"ads1115": {newADS1115, span(0x48, 0x4b)},
		"aht20":   {func() chip { return &aht20{} }, span(0x38, 0x38)},
		"bh1750":  {func() chip { return &bh1750{} }, []uint16{0x23, 0x5c}},
		"bme280":  {func() chip { return &bme280{id: 0x60} }, []uint16{0x76, 0x77}},
		"bmp280":  {func() chip { return &bme280{id: bmpID} }, []uint16{0x76, 0x77}},
		"ina219":  {newINA219, span(0x40, 0x4f)},
		"ina226":  {newINA226, span(0x40, 0x4f)},
		"lm75":    {func() chip { return &lm75{} }, span(0x48, 0x4f)},
		"mcp9808": {func() chip { return &mcp9808{} }, span(0x18, 0x1f)},
		"pca9685": {func() chip { return &pca9685{} }, span(0x40, 0x7f)},
		"scd4x":   {func() chip { return &scd4x{} }, span(0x62, 0x62)},
		"sht3x":   {func() chip { return &sht3x{} }, span(0x44, 0x45)},
		"sht4x":   {func() chip { return &sht4x{} }, span(0x44, 0x46)},
		"sh1106":  {func() chip { return &sh1106{} }, span(0x3c, 0x3d)},
		"ssd1306": {func() chip { return &ssd1306{} }, span(0x3c, 0x3d)},
		"tmp102":  {func() chip { return &tmp102{} }, span(0x48, 0x4b)},
	}
	maps.Copy(all, strangers())
	return all
}

// span lists the addresses from first to last.
func span(first, last uint16) (all []uint16) {
	for a := first; a <= last; a++ {
		all = append(all, a)
	}
	return all
}
