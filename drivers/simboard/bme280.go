package simboard

import (
	"math"
	"time"
)

// bme280 is a Bosch BME280 (datasheet BST-BME280-DS002): registers of §5.3,
// forced and normal mode (§3.3), oversampling with its resolution (§3.4), the
// time of a measurement (§9.1). The filter and the standby time are left out. A
// BMP280 (BST-BMP280-DS001) is the same without the registers of the humidity.
type bme280 struct {
	mood
	id      byte
	reg     [256]byte
	pointer byte      // of the next register to be read
	osrsH   byte      // ctrl_hum holds from the next write to ctrl_meas on (§5.4.3)
	pending [8]byte   // what the data registers will show
	ready   time.Time // when; zero: nothing pending
}

// Registers.
const (
	bmeCalib1   = 0x88
	bmeID       = 0xD0
	bmeReset    = 0xE0
	bmeCalib2   = 0xE1
	bmeCtrlHum  = 0xF2
	bmeStatus   = 0xF3
	bmeCtrlMeas = 0xF4
	bmeConfig   = 0xF5
	bmeData     = 0xF7

	bmpID = 0x58 // what a BMP280 says in bmeID; a BME280 says 0x60
)

// The trimming values of one chip (§4.2.2).
const (
	bmeT1, bmeT2, bmeT3 = 27504, 26435, -1000
	bmeP1, bmeP2, bmeP3 = 36477, -10685, 3024
	bmeP4, bmeP5, bmeP6 = 2855, 140, -7
	bmeP7, bmeP8, bmeP9 = 15500, -14600, 6000
	bmeH1, bmeH2, bmeH3 = 75, 370, 0
	bmeH4, bmeH5, bmeH6 = 313, 50, 30
)

func (c *bme280) power() {
	*c = bme280{mood: c.mood, id: c.id}
	c.reg[bmeID] = c.id
	words := []int{bmeT1, bmeT2, bmeT3, bmeP1, bmeP2, bmeP3, bmeP4, bmeP5, bmeP6, bmeP7, bmeP8, bmeP9}
	for i, v := range words {
		c.reg[bmeCalib1+2*i], c.reg[bmeCalib1+2*i+1] = byte(v), byte(v>>8)
	}
	if c.id == bmpID {
		copy(c.reg[bmeData:], []byte{0x80, 0, 0, 0x80, 0, 0})
		return
	}
	c.reg[0xA1] = bmeH1
	h4, h5 := c.trimming()
	h := []int{bmeH2 & 0xFF, bmeH2 >> 8, bmeH3, h4 >> 4, h4&0xF | h5&0xF<<4, h5 >> 4, bmeH6}
	for i, v := range h {
		c.reg[bmeCalib2+i] = byte(v)
	}
	copy(c.reg[bmeData:], []byte{0x80, 0, 0, 0x80, 0, 0, 0x80, 0}) // §5.4.7 to §5.4.9
}

// trimming returns H4 and H5.
func (c *bme280) trimming() (h4, h5 int) {
	if c.fault == Negative {
		return -30, -6
	}
	return bmeH4, bmeH5
}

// feel: another's trimming values are those of another chip, which has never been asked.
func (c *bme280) feel(f Fault) {
	other := f == Negative || c.fault == Negative
	if f == Periodic { // normal mode, one sample each, a filter over 16
		c.reg[bmeCtrlHum], c.reg[bmeConfig], c.reg[bmeCtrlMeas] = 1, 5<<2, 1<<5|1<<2|3
		c.osrsH = 1
		return
	}
	c.mood.feel(f)
	if other {
		c.power()
	}
}

// tx: writes are pairs of register and value, reads count up (§6.2).
func (c *bme280) tx(now time.Time, around air, w, r []byte) error {
	c.settle(now)
	if len(r) == 0 {
		for ; len(w) >= 2; w = w[2:] {
			c.write(now, around, w[0], w[1])
		}
		return nil
	}
	if len(w) > 1 {
		return errNack
	}
	if len(w) == 1 {
		c.pointer = w[0]
	}
	if mode := c.reg[bmeCtrlMeas] & 3; mode == 3 && c.ready.IsZero() {
		c.measure(now, around)
		c.settle(c.ready)
	}
	for i := range r {
		r[i] = c.shown(c.pointer)
		c.pointer++
	}
	return nil
}

// shown is what a register reads as.
func (c *bme280) shown(reg byte) byte {
	switch skipped := []byte{0x80, 0, 0, 0x80, 0, 0, 0x80, 0}; {
	case c.fault == Skipped && reg >= bmeData && (c.id == bmpID && reg < bmeData+6 || c.id != bmpID && int(reg) < bmeData+8):
		return skipped[reg-bmeData]
	case c.fault == Clone && reg == bmeID:
		return 0x57
	}
	return c.reg[reg]
}

func (c *bme280) write(now time.Time, around air, reg, value byte) {
	switch reg {
	case bmeReset:
		if value == 0xB6 {
			c.power()
		}
	case bmeCtrlHum:
		if c.id != bmpID {
			c.reg[reg] = value
		}
	case bmeConfig:
		c.reg[reg] = value
	case bmeCtrlMeas:
		c.reg[reg] = value
		c.osrsH = c.reg[bmeCtrlHum] & 7
		if mode := value & 3; mode == 1 || mode == 2 {
			c.measure(now, around)
		}
	}
}

// settle shows a measurement whose time is over.
func (c *bme280) settle(now time.Time) {
	if c.ready.IsZero() || now.Before(c.ready) {
		return
	}
	copy(c.reg[bmeData:], c.pending[:])
	if c.id == bmpID {
		c.reg[bmeData+6], c.reg[bmeData+7] = 0, 0
	}
	c.ready = time.Time{}
	c.reg[bmeStatus] = 0
	if c.reg[bmeCtrlMeas]&3 != 3 {
		c.reg[bmeCtrlMeas] &^= 3 // back to sleep
	}
}

// measure begins a measurement; it takes the longest time of §9.1.
func (c *bme280) measure(now time.Time, around air) {
	osrsT, osrsP := c.reg[bmeCtrlMeas]>>5, c.reg[bmeCtrlMeas]>>2&7
	took := 1.25
	c.pending = [8]byte{0x80, 0, 0, 0x80, 0, 0, 0x80, 0}
	celsius := min(max(around("temperature"), -40), 85)
	adcT := solve(1<<20, celsius, func(adc float64) float64 { t, _ := bmeTemperature(adc); return t })
	if osrsT > 0 {
		took += 2.3 * samples(osrsT)
		adcT = coarse(adcT, osrsT)
		put20(c.pending[3:], adcT)
	}
	_, fine := bmeTemperature(float64(adcT))
	if osrsP > 0 {
		took += 2.3*samples(osrsP) + 0.575
		pascal := min(max(around("pressure"), 300), 1100) * 100
		// The pressure falls with the raw value: mirror it for the search.
		adc := solve(1<<20, -pascal, func(adc float64) float64 { return -bmePressure(adc, fine) })
		put20(c.pending[:], coarse(adc, osrsP))
	}
	if c.osrsH > 0 {
		took += 2.3*samples(c.osrsH) + 0.575
		adc := solve(1<<16, min(max(around("humidity"), 0), 100), func(adc float64) float64 { return c.humidity(adc, fine) })
		c.pending[6], c.pending[7] = byte(adc>>8), byte(adc)
	}
	c.ready = now.Add(time.Duration(took * float64(time.Millisecond)))
	c.reg[bmeStatus] = 8
}

// samples is the oversampling of a setting: 1, 2, 4, 8, 16.
func samples(osrs byte) float64 { return float64(int(1) << (min(osrs, 5) - 1)) }

// coarse keeps the bits that a setting has: 16 with one sample, 20 with 16
// (§3.4.1, §3.4.2), to the nearest.
func coarse(adc int, osrs byte) int {
	lost := 5 - int(min(osrs, 5))
	half := 1 << lost >> 1
	return min((adc+half)>>lost<<lost, 1<<20-1)
}

func put20(to []byte, adc int) { to[0], to[1], to[2] = byte(adc>>12), byte(adc>>4), byte(adc<<4) }

// solve finds the raw value below limit whose value is nearest to want; value
// must rise.
func solve(limit int, want float64, value func(adc float64) float64) int {
	low, high := 0, limit-1
	for low < high {
		mid := (low + high) / 2
		if value(float64(mid)) < want {
			low = mid + 1
			continue
		}
		high = mid
	}
	if low > 0 && math.Abs(value(float64(low-1))-want) < math.Abs(value(float64(low))-want) {
		low--
	}
	return low
}

// bmeTemperature, bmePressure and humidity are the compensation of appendix
// 8.1, in floating point: °C and the fine temperature, Pa, %.
func bmeTemperature(adc float64) (celsius, fine float64) {
	a := (adc/16384 - bmeT1/1024.0) * bmeT2
	b := adc/131072 - bmeT1/8192.0
	fine = a + b*b*bmeT3
	return fine / 5120, fine
}

func bmePressure(adc, fine float64) float64 {
	x := fine/2 - 64000
	offset := (x*x*bmeP6/32768+x*bmeP5*2)/4 + bmeP4*65536
	x = (bmeP3*x*x/524288 + bmeP2*x) / 524288
	x = (1 + x/32768) * bmeP1
	p := (1048576 - adc - offset/4096) * 6250 / x
	return p + (bmeP9*p*p/2147483648+p*bmeP8/32768+bmeP7)/16
}

func (c *bme280) humidity(adc, fine float64) float64 {
	h4, h5 := c.trimming()
	x := fine - 76800
	h := adc - (float64(h4)*64 + float64(h5)/16384*x)
	h *= bmeH2 / 65536.0 * (1 + bmeH6/67108864.0*x*(1+bmeH3/67108864.0*x))
	return h * (1 - bmeH1*h/524288)
}
