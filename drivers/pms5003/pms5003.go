// Package pms5003 reads Plantower's PMS5003 (also PMS7003 and PMSA003), which
// counts dust in the air by laser, on a serial port.
//
//	street.dust: {driver: pms5003, port: /dev/serial0}
//
// Options:
//
//	port   default /dev/serial0, the UART of the header but on a Pi 5, where that is /dev/ttyAMA0; an adapter on USB has a
//	       lasting name below /dev/serial/by-id
//	sleep  true lets fan and laser rest between two measurements; default false. A measurement then takes
//	       half a minute, so that every should be 5m or more
//
// Wiring: VCC to 5 V (pin 2), GND to pin 6, TX of the sensor to GPIO15 (pin 10), and its RX
// to GPIO14 (pin 8), which sleep needs; SET and RESET stay free. In config.txt enable_uart=1,
// on a Pi 3 and 4 without Bluetooth dtoverlay=disable-bt for the better UART, on a Pi 5 instead of
// both dtoverlay=uart0-pi5; no login shell on the port (raspi-config, Interface Options, Serial). The user
// needs the group dialout.
//
// Readings are the mass of particles up to 1, 2.5 and 10 µm in µg/m³, under atmospheric conditions. Sensors in smoke
// have shown several thousand, which are values: the frame has a sum.
// Accuracy: the manual promises none, but that two sensors differ by at most 10 µg/m³ up
// to 100, and 10 % up to 500 (of PM2.5, standard particles). The first half minute after power-up
// is not to be trusted: after a silence, and after a sleep, it is left out. The laser lives for some three
// years of running. The sensor sends every 0.2 to 2.3 s; the port is open only while it is listened to.
// A sensor that does not send is woken and set to send by itself, as another program may have switched that off. Datasheet:
// PMS5003 series data manual, version 2.3, appendices I and II.
package pms5003

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

// The frame: two bytes of begin, the length of what follows, thirteen words, the sum.
const (
	frameSize = 32
	begin     = "\x42\x4D\x00\x1C"
	dust      = 10 // where PM1 under atmospheric conditions stands; PM2.5 and PM10 follow

	baud    = 9600
	patient = 4 * time.Second  // for the next frame
	warmUp  = 30 * time.Second // before a measurement is one (manual, "stable data")
)

// Orders, with their sums (appendix II): a rest of fan and laser, its end, and to send without being asked.
const (
	rest   = "\x42\x4D\xE4\x00\x00\x01\x73"
	wake   = "\x42\x4D\xE4\x00\x01\x01\x74"
	active = "\x42\x4D\xE1\x00\x01\x01\x71"
)

// most is what a word of the frame can hold.
const most = 65535

// New decodes the options of a PMS5003.
func New(d *home.Decoder) drivers.Spec {
	port := d.Text("port", "/dev/serial0")
	if !path.IsAbs(port) || path.Clean(port) != port {
		d.Fault("port", "", "port is '%s', expected a path like /dev/serial0", port)
	}
	part := drivers.Part{Chip: "pms5003", Kernel: strings.TrimPrefix(port, "/")}
	s := &sensor{port: port, sleeps: d.Bool("sleep", false)}
	return drivers.Polled{
		Part: part,
		Properties: []home.Property{
			drivers.Number("pm1", "µg/m³", 0, most), drivers.Number("pm25", "µg/m³", 0, most), drivers.Number("pm10", "µg/m³", 0, most),
		},
		Every:   time.Minute,
		Timeout: warmUp + 3*patient,
		Measure: func(ctx context.Context, board drivers.Board) ([]float64, error) {
			values, err := s.measure(ctx, board)
			if err != nil {
				return nil, fmt.Errorf("%v: %w", part, err)
			}
			return values, nil
		},
	}.Spec()
}

// sensor is what is known of it from one measurement to the next.
type sensor struct {
	port   string
	sleeps bool
	silent bool // it did not send when it was listened to last
}

// errSilent is a port on which no whole frame comes.
var errSilent = errors.New("no frame")

// measure waits for the next whole frame, or for the first after the warm-up.
func (s *sensor) measure(ctx context.Context, board drivers.Board) ([]float64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	port, err := board.Serial(s.port, baud)
	if err != nil {
		return nil, drivers.Missing(err, "the port is not there")
	}
	defer port.Close()
	ended := context.AfterFunc(ctx, func() { _ = port.SetReadDeadline(time.Unix(1, 0)) })
	defer ended()
	var settle time.Duration
	if s.silent || s.sleeps {
		settle = warmUp
	}
	if s.sleeps {
		s.order(port, wake+active)
	}
	values, err := listen(ctx, port, settle)
	switch s.silent = errors.Is(err, errSilent); {
	case s.silent && !s.sleeps:
		s.order(port, wake+active) // by the next time it sends, if it can
	case err == nil && s.sleeps:
		s.order(port, rest)
	}
	return values, err
}

// order writes to the sensor, whose RX need not be connected: what it does is seen by its frames.
func (s *sensor) order(port drivers.Port, what string) { _, _ = port.Write([]byte(what)) }

// listen returns the first frame that comes when settle has passed since the first of all.
func listen(ctx context.Context, port drivers.Port, settle time.Duration) ([]float64, error) {
	var heard []byte
	var first time.Time
	total := 0
	if err := port.SetReadDeadline(time.Now().Add(patient)); err != nil {
		return nil, err
	}
	for ctx.Err() == nil {
		part := make([]byte, frameSize)
		n, err := port.Read(part)
		total += n
		values, left, ok := scan(append(heard, part[:n]...))
		heard = left
		switch {
		case ok && first.IsZero():
			first = time.Now()
			fallthrough
		case ok:
			if time.Since(first) >= settle {
				return values, nil
			}
			if err := port.SetReadDeadline(time.Now().Add(patient)); err != nil {
				return nil, err
			}
		case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil:
			return nil, fmt.Errorf("%w in %v, of %d bytes: check its 5 V, and that its TX is at the port's RX; one that another program has put to sleep "+
				"is woken where its RX is at the port's TX", errSilent, patient, total)
		case err != nil && ctx.Err() == nil:
			return nil, err
		}
	}
	return nil, ctx.Err()
}

// scan looks for a frame. Without one, rest is what may be the begin of one.
func scan(heard []byte) (values []float64, rest []byte, ok bool) {
	for {
		at := bytes.Index(heard, []byte(begin))
		if at < 0 {
			return nil, heard[max(0, len(heard)-len(begin)+1):], false
		}
		heard = heard[at:]
		if len(heard) < frameSize {
			return nil, heard, false
		}
		if values, ok := decode(heard[:frameSize]); ok {
			return values, heard[frameSize:], true
		}
		heard = heard[1:]
	}
}

// decode checks the sum of a frame and takes the three masses from it.
func decode(frame []byte) ([]float64, bool) {
	word := func(at int) int { return int(frame[at])<<8 | int(frame[at+1]) }
	sum := 0
	for _, b := range frame[:frameSize-2] {
		sum += int(b)
	}
	if sum != word(frameSize-2) {
		return nil, false
	}
	return []float64{float64(word(dust)), float64(word(dust + 2)), float64(word(dust + 4))}, true
}
