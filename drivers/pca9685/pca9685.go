// Package pca9685 drives NXP's PCA9685, which has sixteen PWM outputs on I2C: LED
// strips behind transistors, fans, valves.
//
//	living.lights: {driver: pca9685, address: 0x40, out0: sofa, out1: shelf, out15: window}
//
// Options:
//
//	bus        default I2C1
//	address    0x40 (default) to 0x7f but 0x70, which all such chips answer to: the levels at A0 to A5
//	out0 … out15   the name of the property that drives this output, a number from 0 to 100 %; at least one
//	frequency  of all outputs in Hz, 24 to 1526, default 1000
//	oscillator of the chip in MHz, 23 to 27, default 25: a chip's own is up to 8 % off, which a servo notices. Measure the
//	           frequency of an output, and write oscillator · measured / wished
//	active_low true where a low level switches on (LEDs between supply and output); default false
//	on_start   off (default), on, or keep: what all are set to when the gateway starts; keep leaves a chip
//	           that is running as it is
//	on_exit    keep (default), off or on: the same when the gateway stops
//
// Opened again after an error all outputs go back to what they were set to last.
//
// Wiring: VCC to 3.3 V (pin 1), GND to pin 9, SDA to GPIO2 (pin 3), SCL to GPIO3
// (pin 5), OE to GND; dtparam=i2c_arm=on. V+ is the supply of what is driven. An output
// gives 10 mA and takes 25 mA: all else goes through a MOSFET.
//
// The duty has steps of 1/4096, the frequency is as right as what is known of the chip's own oscillator. It speaks to the
// chip itself: periph's driver divides by zero in a pin's Out and misses the
// prescaler by one. Datasheet: PCA9685, rev. 4.
package pca9685

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

type options struct {
	part            drivers.Part
	outputs         []output
	scale           byte // of the prescaler
	mode2           byte
	onStart, onExit string
}

type output struct {
	number   int
	property home.Property
}

// New decodes the options of a PCA9685.
func New(d *home.Decoder) drivers.Spec {
	o := options{
		part:    drivers.ChipPart(d, "pca9685"),
		scale:   divide(d.Number("frequency", 1000, 24, 1526), d.Number("oscillator", 25, 23, 27)*1e6),
		mode2:   totem,
		onStart: d.Word("on_start", "off", "off", "on", "keep"),
		onExit:  d.Word("on_exit", "keep", "off", "on", "keep"),
	}
	if d.Bool("active_low", false) {
		o.mode2 |= invert
	}
	spec := drivers.Spec{Parts: []drivers.Part{o.part}}
	for n := range 16 {
		key := "out" + strconv.Itoa(n)
		name := d.Text(key, "")
		if name == "" {
			continue
		}
		p := drivers.Number(name, "%", 0, 100)
		p.Settable = true
		if err := home.CheckWord(name); err != nil {
			d.Fault(key, "", "%s: %v", key, err)
		}
		for _, other := range o.outputs {
			if other.property.Name == name {
				d.Fault(key, "give each output a name of its own", "%s is called %s, as another output is", key, name)
			}
		}
		o.outputs = append(o.outputs, output{n, p})
		spec.Properties = append(spec.Properties, p)
	}
	if len(o.outputs) == 0 {
		d.Fault("", "name what is connected, as in out0: sofa", "no output is used: out0 to out15")
	}
	last := make(map[int]float64)
	spec.Open = func(ctx context.Context, board drivers.Board) (drivers.Device, error) {
		return open(ctx, board, o, last)
	}
	return spec
}

// lights is the opened chip.
type lights struct {
	options
	guard *drivers.Guard
	last  map[int]float64 // by output, what it was set to; kept from one Open to the next
}

var (
	_ drivers.Sensor   = (*lights)(nil)
	_ drivers.Actuator = (*lights)(nil)
)

func open(ctx context.Context, board drivers.Board, o options, last map[int]float64) (drivers.Device, error) {
	bus, err := board.I2C(o.part.Bus)
	if err != nil {
		return nil, err
	}
	l := &lights{o, drivers.NewGuard(bus, o.part), last}
	if err := l.guard.Do(ctx, l.begin); err != nil {
		return nil, err
	}
	return l, nil
}

// begin sets the chip up. It goes to sleep for that, because the prescaler takes
// nothing else (§7.3.5); the outputs are set before it wakes.
func (l *lights) begin() error {
	was, err := l.guard.Read(1, mode1)
	if err != nil {
		return err
	}
	is, err := l.guard.Read(1, mode2)
	if err != nil {
		return err
	}
	fresh := was[0]&sleep != 0 || (is[0]^l.mode2)&invert != 0 // of one whose levels are the other way round nothing can be kept
	if l.onStart != "keep" || fresh || len(l.last) > 0 {
		if err := l.guard.Write(mode1, increment|sleep); err != nil {
			return err
		}
		if err := l.guard.Write(prescale, l.scale); err != nil {
			return err
		}
		if err := l.guard.Write(mode2, l.mode2); err != nil {
			return err
		}
		for _, out := range l.outputs {
			if err := l.write(out.number, l.initial(out.number)); err != nil {
				return err
			}
		}
	}
	if err := l.guard.Write(mode1, increment); err != nil {
		return err
	}
	return l.guard.Wait(settling)
}

func (l *lights) initial(number int) float64 {
	if percent, ok := l.last[number]; ok {
		return percent
	}
	if l.onStart == "on" {
		return 100
	}
	return 0
}

// awake refuses a chip that has restarted, whose outputs are off, and one whose levels another program has
// turned round.
func (l *lights) awake() error {
	mode, err := l.guard.Read(1, mode1)
	if err == nil && mode[0]&^restart&^1 != increment { // bit 0: it answers to 0x70 as well
		err = errors.New("this is no PCA9685, or it has restarted and lost its settings: check its supply if that comes again")
	}
	if err != nil {
		return err
	}
	levels, err := l.guard.Read(1, mode2)
	if err == nil && (levels[0]^l.mode2)&invert != 0 {
		err = errors.New("its active_low is not what was set: it has restarted, or another program uses it")
	}
	return err
}

// write sets one output; its registers take effect together (§7.3.3).
func (l *lights) write(number int, percent float64) error {
	b := encode(percent)
	return l.guard.Write(append([]byte{byte(led0 + 4*number)}, b[:]...)...)
}

// Sense reads all outputs back.
func (l *lights) Sense(ctx context.Context) ([]drivers.Reading, error) {
	var readings []drivers.Reading
	err := l.guard.Do(ctx, func() error {
		if err := l.awake(); err != nil {
			return err
		}
		for _, out := range l.outputs {
			one, err := l.read(out)
			if err != nil {
				return err
			}
			readings = append(readings, one)
		}
		return l.awake() // or it has restarted since, and shows what it would do if it were not asleep
	})
	if err != nil {
		return nil, err
	}
	return readings, nil
}

func (l *lights) read(out output) (drivers.Reading, error) {
	b, err := l.guard.Read(4, byte(led0+4*out.number))
	return drivers.Reading{Property: out.property.Name, Value: home.NumberOf(decode(b)), Time: time.Now()}, err
}

// Set dims one output, and returns what the chip then holds.
func (l *lights) Set(ctx context.Context, property string, value home.Value) (readings []drivers.Reading, err error) {
	for _, out := range l.outputs {
		if out.property.Name != property || value.Kind() != home.Number {
			continue
		}
		err = l.guard.Do(ctx, func() error {
			if err := l.awake(); err != nil {
				return err
			}
			if err := l.write(out.number, value.Number()); err != nil {
				return err
			}
			one, err := l.read(out)
			readings = []drivers.Reading{one}
			if off := math.Abs(one.Value.Number() - value.Number()); err == nil && off > 0.1 {
				err = fmt.Errorf("%s was set to %s %% but reads %s %%", property, value, one.Value)
			}
			if err != nil {
				return err
			}
			return l.awake() // a chip that has restarted since takes what is written, and does not do it
		})
		if err != nil {
			return nil, err
		}
		l.last[out.number] = value.Number()
		return readings, nil
	}
	return nil, fmt.Errorf("%v cannot set %s to %s", l.part, property, value)
}

// Close brings the outputs to on_exit; the chip goes on with what it does.
func (l *lights) Close() error {
	if l.onExit == "keep" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return l.guard.Do(ctx, func() error {
		for _, out := range l.outputs {
			if err := l.write(out.number, map[string]float64{"off": 0, "on": 100}[l.onExit]); err != nil {
				return err
			}
		}
		return nil
	})
}
