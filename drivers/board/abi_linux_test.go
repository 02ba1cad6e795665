package board

import (
	"testing"
	"unsafe"
)

// The numbers are those of a C program that includes linux/gpio.h and
// linux/i2c-dev.h.
func TestRequestsAreTheKernels(t *testing.T) {
	for name, c := range map[string]struct{ got, want uint }{
		"GPIO_GET_CHIPINFO_IOCTL":       {gpioChipInfo, 0x8044B401},
		"GPIO_V2_GET_LINEINFO_IOCTL":    {gpioLineInfo, 0xC100B405},
		"GPIO_V2_GET_LINE_IOCTL":        {gpioLine, 0xC250B407},
		"GPIO_V2_LINE_GET_VALUES_IOCTL": {gpioGetValues, 0xC010B40E},
		"GPIO_V2_LINE_SET_VALUES_IOCTL": {gpioSetValues, 0xC010B40F},
	} {
		if c.got != c.want {
			t.Errorf("%s = %#x, want %#x", name, c.got, c.want)
		}
	}
}

func TestLayout(t *testing.T) {
	pointer := unsafe.Sizeof(uintptr(0))
	for name, c := range map[string]struct{ got, want uintptr }{
		"gpiochip_info.label":             {unsafe.Offsetof(chipInfo{}.label), 32},
		"gpiochip_info.lines":             {unsafe.Offsetof(chipInfo{}.lines), 64},
		"gpio_v2_line_attribute.value":    {unsafe.Offsetof(lineAttr{}.value), 8},
		"gpio_v2_line_config_attribute":   {unsafe.Sizeof(lineConfigAttr{}), 24},
		"gpio_v2_line_config.num_attrs":   {unsafe.Offsetof(lineConfig{}.count), 8},
		"gpio_v2_line_config.attrs":       {unsafe.Offsetof(lineConfig{}.attrs), 32},
		"gpio_v2_line_request.consumer":   {unsafe.Offsetof(lineRequest{}.consumer), 256},
		"gpio_v2_line_request.config":     {unsafe.Offsetof(lineRequest{}.config), 288},
		"gpio_v2_line_request.num_lines":  {unsafe.Offsetof(lineRequest{}.count), 560},
		"gpio_v2_line_request.buffer":     {unsafe.Offsetof(lineRequest{}.buffer), 564},
		"gpio_v2_line_request.fd":         {unsafe.Offsetof(lineRequest{}.fd), 588},
		"gpio_v2_line_info.consumer":      {unsafe.Offsetof(lineInfo{}.consumer), 32},
		"gpio_v2_line_info.offset":        {unsafe.Offsetof(lineInfo{}.offset), 64},
		"gpio_v2_line_info.flags":         {unsafe.Offsetof(lineInfo{}.flags), 72},
		"gpio_v2_line_event.id":           {unsafe.Offsetof(lineEvent{}.id), 8},
		"gpio_v2_line_event.line_seqno":   {unsafe.Offsetof(lineEvent{}.count), 20},
		"i2c_msg.buf":                     {unsafe.Offsetof(i2cMessage{}.buffer), max(pointer, 4) + pointer%8},
		"i2c_msg":                         {unsafe.Sizeof(i2cMessage{}), 2*pointer + pointer%8},
		"i2c_rdwr_ioctl_data.nmsgs":       {unsafe.Offsetof(i2cTransfer{}.count), pointer},
		"i2c_rdwr_ioctl_data":             {unsafe.Sizeof(i2cTransfer{}), 2 * pointer},
		"GPIO_V2_LINE_FLAG_BIAS_DISABLED": {uintptr(linePullNone), 1 << 10},
		"GPIO_V2_LINE_FLAG_BIAS_PULL_UP":  {uintptr(linePullUp), 1 << 8},
		"GPIO_V2_LINE_FLAG_OUTPUT":        {uintptr(lineOutput), 1 << 3},
		"GPIO_V2_LINE_FLAG_EDGE_FALLING":  {uintptr(lineEdgeFalling), 1 << 5},
		"GPIO_V2_LINE_FLAG_ACTIVE_LOW":    {uintptr(lineActiveLow), 1 << 1},
	} {
		if c.got != c.want {
			t.Errorf("%s is %d, want %d", name, c.got, c.want)
		}
	}
}
