package simboard

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"syscall"
)

// pwmOf is the channel of a pin, as on a Raspberry Pi 4.
func pwmOf(pin string) (channel int, ok bool) {
	channel, ok = map[string]int{"GPIO12": 0, "GPIO18": 0, "GPIO13": 1, "GPIO19": 1}[pin]
	return channel, ok
}

// pwmPlace is the chip of these pins.
const pwmPlace = "sys/bus/platform/devices/fe20c000.pwm/pwm/pwmchip0"

// dimmer is a channel of a PWM chip behind the kernel's driver
// (Documentation/driver-api/pwm.rst): its files appear when its number is written
// to export. The world is told the share of the time in which it is on.
func (b *Board) dimmer(s *seat, chip string, channel int) error {
	if b.dimmers[chip] == nil {
		b.dimmers[chip] = make(map[int]*seat)
		b.files.text(nil, chip+"/npwm", "4\n")
		b.files.add(chip+"/export", file{write: func(text string) error {
			n, err := strconv.Atoi(text)
			s := b.dimmers[chip][n]
			if err != nil || s == nil {
				return syscall.ENODEV
			}
			return b.export(s, fmt.Sprintf("%s/pwm%d", chip, n))
		}})
	}
	if other := b.dimmers[chip][channel]; other != nil {
		return fmt.Errorf("channel %d of %s has %s already; on a Raspberry Pi up to 4 GPIO12 and GPIO18 share one, as do GPIO13 and GPIO19",
			channel, chip, other.device)
	}
	b.dimmers[chip][channel] = s
	return nil
}

// export makes the files of a channel.
func (b *Board) export(s *seat, folder string) error {
	if err := s.fault.err(); err != nil {
		return err
	}
	if b.files.has(folder + "/period") {
		return syscall.EBUSY
	}
	p := &pwm{tell: func(share float64) {
		b.world.Advance(b.now())
		b.world.Dim(s.device, share)
	}}
	for name, field := range map[string]*int{"period": &p.period, "duty_cycle": &p.duty, "enable": &p.enable, "polarity": &p.inversed} {
		b.files.add(folder+"/"+name, file{seat: s, read: func() (string, error) { return p.show(name, field), nil },
			write: func(text string) error { return p.set(name, field, text) }})
	}
	return nil
}

// pwm is an exported channel. Times are in ns.
type pwm struct {
	tell func(share float64)

	mu                             sync.Mutex
	period, duty, enable, inversed int
}

func polarities() []string { return []string{"normal", "inversed"} }

func (p *pwm) show(name string, field *int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if name == "polarity" {
		return polarities()[*field] + "\n"
	}
	return strconv.Itoa(*field) + "\n"
}

// set writes one file, if the kernel would take what then holds.
func (p *pwm) set(name string, field *int, text string) error {
	n, err := strconv.Atoi(text)
	if name == "polarity" {
		n = slices.Index(polarities(), text)
		err = nil
	}
	if err != nil || n < 0 {
		return syscall.EINVAL
	}
	p.mu.Lock()
	before := *field
	*field = n
	if p.period == 0 || p.duty > p.period || p.enable > 1 || p.enable == 1 && name == "polarity" && n != before {
		*field = before
		p.mu.Unlock()
		return syscall.EINVAL
	}
	share := 0.0
	if p.enable == 1 {
		share = float64(p.duty) / float64(p.period)
	}
	p.mu.Unlock()
	p.tell(share)
	return nil
}
