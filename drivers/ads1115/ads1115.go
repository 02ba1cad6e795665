// Package ads1115 reads Texas Instruments' ADS1115 (16 bits) and ADS1015 (12
// bits), which measure voltages on I2C: a soil probe, a battery, a light-dependent
// resistor.
//
//	garden.probes: {driver: ads1115, address: 0x48, range: 4.096, a0: moisture, a1: battery, a2_a3: bridge}
//
// Options:
//
//	bus       default I2C1
//	address   0x48 (default; the pin ADDR at GND), 0x49 (VDD), 0x4a (SDA), 0x4b (SCL)
//	range     6.144, 4.096, 2.048 (default), 1.024, 0.512 or 0.256: the highest voltage that is measured, in V
//	a0 … a3   the name of the property that is the voltage at this input
//	a0_a1, a0_a3, a1_a3, a2_a3   the same for the voltage between two inputs
//
// At least one input is needed. No input may be above the chip's own supply nor
// below ground, whatever the range; a higher voltage needs a divider.
//
// Wiring: VDD to 3.3 V (pin 1), not 5 V unless SDA and SCL have level shifters;
// GND to pin 9, SDA to GPIO2 (pin 3), SCL to GPIO3 (pin 5); dtparam=i2c_arm=on.
//
// Accuracy of an ADS1115, at 25 °C and a range of 2.048 V: at most ±0.15 % and three
// steps of range/32768; 0.1 % more in other ranges (gain match). An ADS1015 has steps of
// range/2048. A reading has six decimals. Each input takes 9 ms.
//
// It speaks to the chip itself: periph's driver waits exactly the nominal time of
// a conversion and does not ask whether it is over, so that now and then it hands
// out the voltage of the input before. Datasheet: SBAS444D (ADS1015: SBAS473E).
package ads1115

import (
	"fmt"
	"math"
	"strings"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// Registers and bits (§9.6).
const (
	conversion    = 0
	configuration = 1

	start    = 1 << 15 // begins a conversion; reads 1 when none runs
	single   = 1 << 8
	rate     = 4 << 5 // 128 samples a second, of an ADS1015 1,600
	noAlert  = 3
	nominal  = 8 * time.Millisecond // 1/128 s
	stepWait = time.Millisecond     // the oscillator may be slower by 10 %
)

// inputs are the options that name an input, with their setting (§9.6.3, MUX).
func inputs() []input {
	return []input{{"a0", 4}, {"a1", 5}, {"a2", 6}, {"a3", 7}, {"a0_a1", 0}, {"a0_a3", 1}, {"a1_a3", 2}, {"a2_a3", 3}}
}

type input struct {
	key string
	mux uint16
}

// volts are the ranges, in the order of their setting (§9.6.3, PGA).
func volts() []string { return []string{"6.144", "4.096", "2.048", "1.024", "0.512", "0.256"} }

// New decodes the options of an ADS1115.
func New(d *home.Decoder) drivers.Spec { return spec(d, "ads1115") }

// New1015 decodes the options of an ADS1015.
func New1015(d *home.Decoder) drivers.Spec { return spec(d, "ads1015") }

func spec(d *home.Decoder, chip string) drivers.Spec {
	part := drivers.ChipPart(d, chip)
	word := d.Word("range", "2.048", volts()...)
	var gain uint16
	for i, v := range volts() {
		if v == word {
			gain = uint16(i)
		}
	}
	full := fullScale(gain)
	p := drivers.Polled{Part: part, Every: 10 * time.Second}
	var settings []uint16
	for _, in := range inputs() {
		name := d.Text(in.key, "")
		if name == "" {
			continue
		}
		if err := home.CheckWord(name); err != nil {
			d.Fault(in.key, "", "%s: %v", in.key, err)
		}
		for _, other := range p.Properties {
			if other.Name == name {
				d.Fault(in.key, "give each input a name of its own", "%s is called %s, as another input is", in.key, name)
			}
		}
		p.Properties = append(p.Properties, drivers.Number(name, "V", -full, full))
		settings = append(settings, start|in.mux<<12|gain<<9|single|rate|noAlert)
	}
	if len(settings) == 0 {
		d.Fault("", "name what is connected, as in a0: moisture", "no input is used: a0 to a3, a0_a1, a0_a3, a1_a3 or a2_a3")
	}
	p.Chip = func(chip *drivers.Guard) ([]float64, error) { return measure(chip, settings) }
	return p.Spec()
}

// fullScale is the range of a setting in V.
func fullScale(gain uint16) float64 {
	if gain == 0 {
		return 6.144
	}
	return 4.096 / float64(int(1)<<(gain-1))
}

// measure converts the inputs one after the other.
func measure(chip *drivers.Guard, settings []uint16) ([]float64, error) {
	values := make([]float64, len(settings))
	for i, setting := range settings {
		if err := chip.Write(configuration, byte(setting>>8), byte(setting&0xFF)); err != nil {
			return nil, err
		}
		if err := chip.Wait(nominal); err != nil {
			return nil, err
		}
		if err := finish(chip, setting); err != nil {
			return nil, err
		}
		raw, err := chip.Register(conversion)
		if err != nil {
			return nil, err
		}
		if err := finish(chip, setting); err != nil { // it may have restarted since, and show 0
			return nil, err
		}
		values[i] = decode(raw, setting>>9&7)
	}
	return values, nil
}

// finish waits for the end of the conversion, for which the chip shows start
// again; the rest of its configuration must be as it was written.
func finish(chip *drivers.Guard, setting uint16) error {
	for {
		is, err := chip.Read(2, configuration)
		if err != nil {
			return err
		}
		switch uint16(is[0])<<8 | uint16(is[1]) {
		case setting:
			return nil
		case setting &^ start:
		default:
			return fmt.Errorf("this is no %s, or it has restarted: its configuration is % x, expected %04x", strings.ToUpper(chip.Chip()), is, setting)
		}
		if err := chip.Wait(stepWait); err != nil {
			return err
		}
	}
}

// decode turns the two's complement of a conversion into V (§9.5.4).
func decode(raw []byte, gain uint16) float64 {
	counts := int16(uint16(raw[0])<<8 | uint16(raw[1]))
	return drivers.Round(float64(counts)*fullScale(gain)/-math.MinInt16, 6)
}
