package kernel

// kind is what channels of a kind measure: the value in the file times by.
type kind struct {
	property, unit string
	by             float64
}

// hwmon are the kinds of hwmon channels by the begin of their names.
func hwmon() map[string]kind {
	return map[string]kind{
		"temp": {"temperature", "°C", 1e-3}, "humidity": {"humidity", "%", 1e-3}, "in": {"voltage", "V", 1e-3},
		"curr": {"current", "A", 1e-3}, "power": {"power", "W", 1e-6}, "energy": {"energy", "kWh", 1e-6 / 3.6e6}, "fan": {"speed", "rpm", 1},
	}
}

// iio are the kinds of IIO channels by what follows in_.
func iio() map[string]kind {
	return map[string]kind{
		"temp": {"temperature", "°C", 1e-3}, "humidityrelative": {"humidity", "%", 1e-3}, "pressure": {"pressure", "hPa", 10},
		"illuminance": {"illuminance", "lx", 1}, "voltage": {"voltage", "V", 1e-3}, "current": {"current", "A", 1e-3}, "power": {"power", "W", 1e-3},
		"resistance": {"resistance", "Ω", 1}, "concentration_co2": {"co2", "ppm", 1e4}, "concentration_voc": {"voc", "ppb", 1e7},
		"distance": {"distance", "m", 1}, "temp_object": {"object_temperature", "°C", 1e-3}, "temp_ambient": {"ambient_temperature", "°C", 1e-3},
		"massconcentration_pm1": {"pm1", "µg/m³", 1}, "massconcentration_pm2p5": {"pm25", "µg/m³", 1},
		"massconcentration_pm4": {"pm4", "µg/m³", 1}, "massconcentration_pm10": {"pm10", "µg/m³", 1},
	}
}

// dew is the most % that is taken for 100 %: a sensor in the dew shows a little more.
const dew = 102.0

// limits are what a unit's readings can be at all, whatever the chip; nil: anything.
func limits(unit string) (least, most *float64) {
	switch unit {
	case "°C":
		return new(-273.15), nil
	case "%":
		return new(0.0), new(100.0)
	case "hPa", "lx", "Ω", "ppm", "ppb", "m", "µg/m³", "rpm", "kWh":
		return new(0.0), nil
	}
	return nil, nil
}

// dewed is v, with a little more than 100 % taken for it.
func (c channel) dewed(v float64) float64 {
	if c.unit == "%" && v > 100 && v <= dew {
		return 100
	}
	return v
}
