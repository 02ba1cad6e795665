package pwm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
	"syscall"
	"time"

	"hogar/drivers"
)

// tolerance is how far what is read back may be from what was set, in %.
const tolerance = 0.06

// chip is where a Raspberry Pi has its PWM, and the channel of each pin.
type chip struct {
	pattern string
	channel map[string]int
}

// chips are those of the Pi up to 4 and of the Pi 5. They are found by the address
// of the hardware, because pwmchip's number changes with the kernel.
func chips() []chip {
	return []chip{
		{"sys/bus/platform/devices/*20c000.pwm/pwm/pwmchip*/npwm", channels()},
		{"sys/bus/platform/devices/1f00098000.pwm/pwm/pwmchip*/npwm", map[string]int{"GPIO12": 0, "GPIO13": 1, "GPIO18": 2, "GPIO19": 3}},
	}
}

func channels() map[string]int {
	return map[string]int{"GPIO12": 0, "GPIO18": 0, "GPIO13": 1, "GPIO19": 1}
}

// channel is the folder of an exported channel.
type channel struct {
	files  drivers.Files
	folder string
}

// find returns the chip's folder and the channel in it.
func find(files drivers.Files, o options) (string, int, error) {
	if o.chip != "" {
		return "sys/class/pwm/" + o.chip, o.channel, nil
	}
	for _, c := range chips() {
		names, err := files.Glob(c.pattern)
		if err != nil {
			return "", 0, err
		}
		if len(names) > 0 {
			return path.Dir(names[0]), c.channel[o.part.Pin], nil
		}
	}
	return "", 0, fmt.Errorf("%w: the kernel has no PWM for the pin: write dtoverlay=pwm-2chan into config.txt and restart", drivers.ErrAbsent)
}

// export makes the kernel show the channel's files, and waits until udev has
// given them to the group.
func export(ctx context.Context, files drivers.Files, o options) (channel, error) {
	folder, number, err := find(files, o)
	if err != nil {
		return channel{}, err
	}
	c := channel{files, fmt.Sprintf("%s/pwm%d", folder, number)}
	if _, err := c.number("period"); errors.Is(err, fs.ErrNotExist) {
		err = files.WriteFile(folder+"/export", []byte(strconv.Itoa(number)))
		if err != nil {
			return channel{}, drivers.Missing(err, "ls /sys/class/pwm lists the chips there are")
		}
	}
	return c, c.permitted(ctx)
}

// permitted waits up to a second for the permission to write, by writing what is
// there. The kernel refuses that for a new channel, which says that one may.
func (c channel) permitted(ctx context.Context) error {
	for try := 1; ; try++ {
		duty, err := c.number("duty_cycle")
		if err != nil {
			return drivers.Missing(err, "the chip has no such channel")
		}
		if err = c.write("duty_cycle", strconv.Itoa(duty)); err == nil || errors.Is(err, syscall.EINVAL) {
			return nil
		}
		if try == 20 || !errors.Is(err, fs.ErrPermission) {
			return err
		}
		t := time.NewTimer(50 * time.Millisecond)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// running reports whether the channel does something already.
func (c channel) running() (bool, error) {
	on, err := c.number("enable")
	return on == 1, err
}

// percent is the share of the time in which the channel is on. Another program may have turned round what on is.
func (c channel) percent(polarity string) (float64, error) {
	on, err := c.running()
	if err != nil || !on {
		return 0, err
	}
	period, err := c.number("period")
	if err != nil {
		return 0, err
	}
	duty, err := c.number("duty_cycle")
	if err != nil || period == 0 {
		return 0, err
	}
	if duty < 0 || duty > period {
		return 0, fmt.Errorf("it is on for %d ns of %d, which cannot be", duty, period)
	}
	is, err := drivers.ReadText(c.files, path.Join(c.folder, "polarity"))
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return 0, err
	case err == nil && is != polarity:
		duty = period - duty
	}
	return drivers.Round(100*float64(duty)/float64(period), 1), nil
}

// drive lets the channel run. The order is the kernel's: a duty never longer than
// the period, which comes before all else, and no change of polarity while it runs.
func (c channel) drive(o options, percent float64) error {
	duty, err := c.number("duty_cycle")
	if err != nil {
		return err
	}
	if duty > o.period {
		if err := c.write("duty_cycle", "0"); err != nil {
			return err
		}
	}
	if err := c.write("period", strconv.Itoa(o.period)); err != nil {
		return err
	}
	polarity, err := drivers.ReadText(c.files, path.Join(c.folder, "polarity"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if polarity != o.polarity && (err == nil || o.polarity != "normal") {
		if err := errors.Join(c.write("enable", "0"), c.write("polarity", o.polarity)); err != nil {
			return fmt.Errorf("active_low: this chip may not be able to: %w", err)
		}
	}
	duty = int(math.Round(float64(o.period) * percent / 100))
	if err := c.write("duty_cycle", strconv.Itoa(duty)); err != nil {
		return err
	}
	return c.write("enable", "1")
}

func (c channel) number(name string) (int, error) {
	f, err := drivers.ReadNumber(c.files, path.Join(c.folder, name))
	return int(f), err
}

func (c channel) write(name, text string) error {
	return c.files.WriteFile(path.Join(c.folder, name), []byte(text))
}
