package simboard

import "time"

// driven is a chip that drives something: tell says of an output to what share
// of its full power.
type driven interface {
	drive(tell func(output int, share float64))
}

// pca9685 is an NXP PCA9685 (datasheet rev. 4, §7.3): modes, outputs with their
// full on and off, the prescaler that only takes a value asleep. Subaddresses,
// the call to all and the software reset are left out.
type pca9685 struct {
	reg     [256]byte
	pointer byte
	tell    func(output int, share float64)
}

const (
	pcaMode1    = 0x00
	pcaFirst    = 0x06
	pcaLast     = 0x45
	pcaAll      = 0xFA
	pcaPrescale = 0xFE
	pcaSleep    = 1 << 4
	pcaFull     = 1 << 4
)

func (c *pca9685) drive(tell func(output int, share float64)) { c.tell = tell }

func (c *pca9685) power() {
	c.reg = [256]byte{pcaMode1: 0x11, 0x01: 0x04, pcaPrescale: 0x1E}
	for r := pcaFirst + 3; r <= pcaLast; r += 4 {
		c.reg[r] = pcaFull // all outputs are off
	}
	c.show()
}

func (c *pca9685) feel(f Fault) {
	if f == Asleep {
		c.reg[pcaMode1] |= pcaSleep
		c.show()
	}
}

func (c *pca9685) tx(_ time.Time, _ air, w, r []byte) error {
	next := func() {
		if c.reg[pcaMode1]&(1<<5) != 0 {
			c.pointer++
		}
	}
	for i, value := range w {
		if i == 0 {
			c.pointer = value
			continue
		}
		c.write(c.pointer, value)
		next()
	}
	for i := range r {
		r[i] = c.reg[c.pointer]
		next()
	}
	if len(w) > 1 {
		c.show()
	}
	return nil
}

func (c *pca9685) write(at, value byte) {
	switch {
	case at == pcaPrescale:
		if c.reg[pcaMode1]&pcaSleep != 0 {
			c.reg[at] = max(value, 3)
		}
	case at >= pcaAll && at < pcaPrescale:
		for r := pcaFirst + int(at-pcaAll); r <= pcaLast; r += 4 {
			c.reg[r] = value
		}
	case at == pcaMode1:
		c.reg[at] = value &^ (1 << 7) // restart reads 0 when nothing was stopped
	case at <= pcaLast:
		c.reg[at] = value
	}
}

// show tells what the outputs do.
func (c *pca9685) show() {
	if c.tell == nil {
		return
	}
	for n := range 16 {
		b := c.reg[pcaFirst+4*n:][:4]
		on, off := int(b[1]&0xF)<<8|int(b[0]), int(b[3]&0xF)<<8|int(b[2])
		share := float64((off-on+4096)%4096) / 4096
		switch {
		case c.reg[pcaMode1]&pcaSleep != 0, b[3]&pcaFull != 0:
			share = 0
		case b[1]&pcaFull != 0:
			share = 1
		}
		c.tell(n, share)
	}
}
