// Package pms5003 reads Plantower's PMS5003 (also PMS7003 and PMSA003), which
// counts dust in the air by laser, on a serial port.
//
//	street.dust: {driver: pms5003, port: /dev/serial0}
//
// Options: port (default /dev/serial0, the UART of the header; an adapter on USB
// has a lasting name below /dev/serial/by-id).
//
// Wiring: VCC to 5 V (pin 2), GND to pin 6, TX of the sensor to GPIO15 (pin 10);
// its RX, SET and RESET stay free. In config.txt enable_uart=1, and on a Pi 3 to 5
// without Bluetooth dtoverlay=disable-bt for the better UART; no login shell on
// the port (raspi-config, Interface Options, Serial). The user needs the group dialout.
//
// Readings are the mass of particles up to 1, 2.5 and 10 µm in µg/m³, under atmospheric conditions.
// Accuracy: the manual promises none, but that two sensors differ by at most 10 µg/m³ up
// to 100, and 10 % up to 500 (of PM2.5, standard particles). The first half minute after power-up
// is not to be trusted. The laser lives for some three years of running. The
// sensor sends every 0.2 to 2.3 s; the port is open only while it is listened to.
// Each frame is checked by its sum. Datasheet: PMS5003 series data manual, version
// 2.3, appendix I.
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
	patient = 4 * time.Second
)

// New decodes the options of a PMS5003.
func New(d *home.Decoder) drivers.Spec {
	port := d.Text("port", "/dev/serial0")
	if !path.IsAbs(port) || path.Clean(port) != port {
		d.Fault("port", "", "port is '%s', expected a path like /dev/serial0", port)
	}
	part := drivers.Part{Chip: "pms5003", Kernel: strings.TrimPrefix(port, "/")}
	return drivers.Polled{
		Part: part,
		Properties: []home.Property{
			drivers.Number("pm1", "µg/m³", 0, 1000), drivers.Number("pm25", "µg/m³", 0, 1000), drivers.Number("pm10", "µg/m³", 0, 1000),
		},
		Every: time.Minute,
		Measure: func(ctx context.Context, board drivers.Board) ([]float64, error) {
			values, err := measure(ctx, board, port)
			if err != nil {
				return nil, fmt.Errorf("%v: %w", part, err)
			}
			return values, nil
		},
	}.Spec()
}

// measure waits for the next whole frame.
func measure(ctx context.Context, board drivers.Board, name string) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	port, err := board.Serial(name, baud)
	if err != nil {
		return nil, drivers.Missing(err, "the port is not there")
	}
	defer port.Close()
	ended := context.AfterFunc(ctx, func() { _ = port.SetReadDeadline(time.Unix(1, 0)) })
	defer ended()
	var heard []byte
	for {
		part := make([]byte, frameSize)
		n, err := port.Read(part)
		heard = append(heard, part[:n]...)
		values, rest, ok := scan(heard)
		switch {
		case ok:
			return values, nil
		case errors.Is(err, os.ErrDeadlineExceeded) && errors.Is(ctx.Err(), context.DeadlineExceeded):
			return nil, fmt.Errorf("no frame in %v, of %d bytes: check its 5 V, and that its TX is at the port's RX", patient, len(heard))
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, ctx.Err()
		case err != nil:
			return nil, err
		}
		heard = rest
	}
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
