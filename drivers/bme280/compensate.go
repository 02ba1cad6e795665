package bme280

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// trimming are the values of one chip, which its maker measured (BME280 §4.2.2, BMP280 §3.11.2).
type trimming struct {
	T1     uint16
	T2, T3 int16
	P1     uint16
	P      [8]int16 // P2 to P9
	H1     uint8
	H2     int16
	H3     uint8
	H4, H5 int16 // 12 bits with a sign
	H6     int8
}

// newTrimming decodes the registers 88 to A1, and E1 to E7, which a BMP280 does not have.
func newTrimming(first, second []byte) (t trimming, err error) {
	le := binary.LittleEndian
	t.T1, t.T2, t.T3 = le.Uint16(first), int16(le.Uint16(first[2:])), int16(le.Uint16(first[4:]))
	t.P1 = le.Uint16(first[6:])
	for i := range t.P {
		t.P[i] = int16(le.Uint16(first[8+2*i:]))
	}
	factors := []uint16{t.T1, uint16(t.T2), t.P1, uint16(t.P[0])} // without which nothing comes of a measurement
	if len(second) > 0 {
		t.H1, t.H2, t.H3 = first[25], int16(le.Uint16(second)), second[2]
		t.H4 = int16(int8(second[3]))<<4 | int16(second[4]&0xF)
		t.H5 = int16(int8(second[5]))<<4 | int16(second[4]>>4)
		t.H6 = int8(second[6])
		factors = append(factors, uint16(t.H2))
	}
	if slices.Contains(factors, 0) || slices.Contains(factors, math.MaxUint16) {
		return t, errors.New("its trimming values cannot be read: the bus is disturbed, or the chip is damaged")
	}
	return t, nil
}

// temperature returns °C, and the fine temperature that the others need (BME280, appendix
// 4.2.3 in floating point: §8.1).
func (t *trimming) temperature(raw float64) (celsius, fine float64) {
	a := (raw/16384 - float64(t.T1)/1024) * float64(t.T2)
	b := raw/131072 - float64(t.T1)/8192
	fine = a + b*b*float64(t.T3)
	return fine / 5120, fine
}

// pressure returns hPa.
func (t *trimming) pressure(raw, fine float64) float64 {
	p := func(n int) float64 { return float64(t.P[n-2]) }
	x := fine/2 - 64000
	offset := (x*x*p(6)/32768+x*p(5)*2)/4 + p(4)*65536
	scale := (1 + (p(3)*x*x/524288+p(2)*x)/524288/32768) * float64(t.P1)
	pascal := (1048576 - raw - offset/4096) * 6250 / scale
	pascal += (p(9)*pascal*pascal/2147483648 + pascal*p(8)/32768 + p(7)) / 16
	return pascal / 100
}

// humidity returns %, which may be a little below 0 or above 100.
func (t *trimming) humidity(raw, fine float64) float64 {
	x := fine - 76800
	h := raw - (float64(t.H4)*64 + float64(t.H5)/16384*x)
	h *= float64(t.H2) / 65536 * (1 + float64(t.H6)/67108864*x*(1+float64(t.H3)/67108864*x))
	return h * (1 - float64(t.H1)*h/524288)
}
