package simboard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// dhtFrame is what a DHT sensor sends, and the kernel decodes: humidity, temperature, and
// the lowest byte of the sum of these four.
type dhtFrame [5]byte

// dht22Frame is what a DHT22 sends: tenths in 16 bits each, the highest bit of the
// temperature as its sign (manual of the AM2302, which is the DHT22).
func dht22Frame(celsius, percent float64) dhtFrame {
	humidity := uint16(math.Round(min(max(percent, 0), 100) * 10))
	tenths := math.Round(min(max(celsius, -40), 80) * 10)
	temperature := uint16(math.Abs(tenths))
	if tenths < 0 {
		temperature |= 1 << 15
	}
	f := dhtFrame{byte(humidity >> 8), byte(humidity), byte(temperature >> 8), byte(temperature)}
	f[4] = f.sum()
	return f
}

// dht11Frame is what a DHT11 sends: a byte of whole units and a byte of tenths each, which
// here are 0. Below zero it sets the highest bit of the tenths.
func dht11Frame(celsius, percent float64) dhtFrame {
	whole := math.Round(min(max(celsius, -20), 60))
	f := dhtFrame{byte(math.Round(min(max(percent, 5), 95))), 0, byte(math.Abs(whole)), 0}
	if whole < 0 {
		f[3] = 1 << 7
	}
	f[4] = f.sum()
	return f
}

func (f dhtFrame) sum() byte { return f[0] + f[1] + f[2] + f[3] }

// harmed is the frame as a fault has it.
func (f dhtFrame) harmed(by Fault) dhtFrame {
	switch by {
	case Checksum:
		f[4]++
		return f
	case OverRange:
		f[0], f[1] = 0x03, 0xE9 // 100.1 %
	case Bogus:
		f = dhtFrame{0x00, 0x0A, 0x00, 0x01}
	case Clone: // two's complement
		if f[2]&0x80 != 0 {
			negative := -(uint16(f[2]&0x7F)<<8 | uint16(f[3]))
			f[2], f[3] = byte(negative>>8), byte(negative)
		}
	default:
		return f
	}
	f[4] = f.sum()
	return f
}

// decode is how the kernel understands a frame (dht11_decode in drivers/iio/humidity/dht11.c),
// in thousandths of a °C and of a %. A first byte of less than 4 means a DHT22. A DHT11's
// sign means nothing to the kernel: it gives the frame up.
func (f dhtFrame) decode() (celsius, percent int, err error) {
	if f[4] != f.sum() {
		return 0, 0, syscall.EIO
	}
	if f[0] < 4 {
		celsius = (int(f[2]&0x7F)<<8 + int(f[3])) * 100
		if f[2]&0x80 != 0 {
			celsius = -celsius
		}
		return celsius, (int(f[0])<<8 + int(f[1])) * 100, nil
	}
	if f[1] > 9 || f[3] > 9 {
		return 0, 0, syscall.EIO
	}
	return int(f[2])*1000 + int(f[3])*100, int(f[0])*1000 + int(f[1])*100, nil
}

// dhtKernel is the kernel's driver of a sensor, which asks it again only after 2 s.
type dhtKernel struct {
	ask  func() dhtFrame
	harm func(dhtFrame) dhtFrame // makes of a frame what a fault makes of it

	mu    sync.Mutex
	asked time.Time
	frame dhtFrame
}

func (k *dhtKernel) read() (celsius, percent int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := time.Now(); now.Sub(k.asked) >= 2*time.Second {
		k.asked, k.frame = now, k.ask()
	}
	return k.harm(k.frame).decode()
}

// dht is a DHT sensor at its pin, as the kernel's files show it.
func (b *Board) dht(s *seat, send func(celsius, percent float64) dhtFrame) {
	folder := b.files.folder("sys/bus/iio/devices/iio:device")
	b.files.text(s, folder+"/name", "dht11@0\n")
	pin, _ := strconv.Atoi(strings.TrimPrefix(s.part.Pin, "GPIO")) // it is one of the board's
	b.files.text(s, folder+"/of_node/gpios", string([]byte{0, 0, 0, 11, 0, 0, 0, byte(pin), 0, 0, 0, 0}))
	around := b.air(s)
	k := &dhtKernel{
		ask:  func() dhtFrame { return send(around("temperature"), around("humidity")) },
		harm: func(f dhtFrame) dhtFrame { return f.harmed(s.fault.is()) },
	}
	b.files.add(folder+"/in_temp_input", file{seat: s, read: func() (string, error) {
		celsius, _, err := k.read()
		return fmt.Sprintf("%d\n", celsius), err
	}})
	b.files.add(folder+"/in_humidityrelative_input", file{seat: s, read: func() (string, error) {
		_, percent, err := k.read()
		return fmt.Sprintf("%d\n", percent), err
	}})
}
