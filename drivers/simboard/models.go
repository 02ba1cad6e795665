package simboard

import (
	"slices"

	"hogar/drivers"
)

// models are the chips that can sit on a bus, by the name in [drivers.Part], and what is theirs of
// the faults: each has a line of its own. Their addresses are those of [drivers.Chips] but where others are said.
func models() []model {
	return slices.Concat([]model{
		{"ads1015", newADS1015, []Fault{Zeros, OverRange, Periodic}, nil},
		{"ads1115", newADS1115, []Fault{Zeros, OverRange, Periodic}, nil},
		{"aht20", func() chip { return &aht20{} }, []Fault{Checksum, Zeros, Busy}, nil},
		{"bh1750", func() chip { return &bh1750{} }, []Fault{OverRange, Periodic, Asleep}, nil}, // one that reads as zeros is one in the dark
		{"bme280", func() chip { return &bme280{id: 0x60} }, []Fault{Zeros, Skipped, Negative, Periodic}, nil},
		{"bmp280", func() chip { return &bme280{id: bmpID} }, []Fault{Zeros, Skipped, Clone, Periodic}, nil},
		{"ina219", newINA219, []Fault{Zeros, OverRange, Periodic, Asleep}, nil},
		{"ina226", newINA226, []Fault{Zeros, Clone, OverRange, Periodic, Asleep}, nil},
		{"lm75", func() chip { return &lm75{} }, []Fault{Zeros, LowBits, Asleep}, nil},
		{"mcp9808", func() chip { return &mcp9808{} }, []Fault{Zeros, Periodic, Asleep}, nil},
		{"pca9685", func() chip { return &pca9685{} }, []Fault{Asleep}, drivers.Span(0x40, 0x7f)}, // also that of the call to all
		{"scd4x", func() chip { return &scd4x{} }, []Fault{Checksum, Zeros, NoCO2, Periodic, Asleep}, nil},
		{"sht3x", func() chip { return &sht3x{} }, []Fault{Checksum, Zeros, Periodic}, nil},
		{"sht4x", func() chip { return &sht4x{} }, []Fault{Checksum, Zeros}, nil},
		{"sh1106", func() chip { return &sh1106{} }, nil, nil},
		{"ssd1306", func() chip { return &ssd1306{} }, nil, nil},
		{"tmp102", func() chip { return &tmp102{} }, []Fault{Zeros, Periodic, Asleep}, nil},
		{"veml7700", func() chip { return &veml7700{} }, []Fault{Zeros, OverRange, Periodic, Asleep}, nil},
	}, strangers())
}

// elsewhere is what is not on a bus and has faults of its own.
func elsewhere() map[string][]Fault {
	return map[string][]Fault{
		"dht11":   {Checksum, Bogus},
		"dht22":   {Checksum, Bogus, Clone, OverRange},
		"ds18b20": {Checksum, PowerOn, Zeros},
		"pms5003": {Checksum, Asleep, Passive},
		"relay":   {Welded},
	}
}

// modelOf is the model of a chip; without make where there is none.
func modelOf(name string) model {
	all := models()
	if i := slices.IndexFunc(all, func(m model) bool { return m.name == name }); i >= 0 {
		return all[i]
	}
	return model{faults: elsewhere()[name]}
}
