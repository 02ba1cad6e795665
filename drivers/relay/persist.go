package relay

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"hogar/drivers"
)

// doubts says what becomes of a released pin on this machine, where that is not what on_exit
// says. The kernel of Raspberry Pi OS leaves it as it is (persist_gpio_outputs of its drivers
// pinctrl-bcm2835 and pinctrl-rp1), but with dtparam=strict_gpiod; others make it an input. On what is no
// Raspberry Pi nothing is known.
func (o options) doubts(files drivers.Files) []string {
	if o.onExit == "off" || !drivers.IsPin(o.part.Pin) {
		return nil
	}
	model, err := drivers.ReadText(files, "sys/firmware/devicetree/base/model")
	if err != nil || !strings.HasPrefix(model, "Raspberry Pi") {
		return nil
	}
	why, module := "has no parameter persist_gpio_outputs", "pinctrl_bcm2835"
	for _, name := range []string{"pinctrl_rp1", "pinctrl_bcm2835"} {
		text, err := drivers.ReadText(files, "sys/module/"+name+"/parameters/persist_gpio_outputs")
		switch {
		case err == nil && (text == "Y" || text == "1"):
			return nil
		case err == nil:
			why, module = name+".persist_gpio_outputs is "+text, name
		case !errors.Is(err, fs.ErrNotExist):
			return nil
		}
	}
	return []string{fmt.Sprintf("on_exit: %s does not hold on this kernel, which makes an input of a pin that is released, also when the gateway is killed: %s. "+
		"Use Raspberry Pi OS's kernel without dtparam=strict_gpiod, or write %s.persist_gpio_outputs=y into cmdline.txt; "+
		"else the relay does what the resistors at its pin say", o.onExit, why, module)}
}
