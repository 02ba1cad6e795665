package simboard

import (
	"strings"
	"time"
)

// ssd1306 is a Solomon SSD1306 (datasheet rev. 1.1, §9 and §10): commands with
// their arguments, horizontal addressing in a window, display on and off, rows,
// inversion and orientation. Scrolling is left out.
type ssd1306 struct {
	memory       [8][128]byte
	on, inverted bool
	flipColumns  bool // segment remap is off: the picture is mirrored to how it is mounted
	flipRows     bool
	rows         int
	column, page [2]byte // the window: first and last
	x, y         byte
}

func (c *ssd1306) power() {
	*c = ssd1306{rows: 64, column: [2]byte{0, 127}, page: [2]byte{0, 7}, flipColumns: true, flipRows: true}
}

func (c *ssd1306) tx(_ time.Time, _ air, w, r []byte) error {
	for i := range r { // the status: bit 6 is off
		r[i] = 0x40
		if c.on {
			r[i] = 0
		}
	}
	if len(w) == 0 {
		return nil
	}
	switch w[0] {
	case 0x00:
		for w = w[1:]; len(w) > 0; {
			w = c.obey(w)
		}
	case 0x40:
		for _, b := range w[1:] {
			c.draw(b)
		}
	default:
		return errNack
	}
	return nil
}

// obey carries out the first command and returns what follows it.
func (c *ssd1306) obey(w []byte) []byte {
	command, arguments := w[0], w[1:]
	n := map[byte]int{0x20: 1, 0x21: 2, 0x22: 2, 0x81: 1, 0x8D: 1, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}[command]
	if len(arguments) < n {
		return nil
	}
	switch command {
	case 0x21:
		c.column = [2]byte{arguments[0] & 127, arguments[1] & 127}
		c.x = c.column[0]
	case 0x22:
		c.page = [2]byte{arguments[0] & 7, arguments[1] & 7}
		c.y = c.page[0]
	case 0xA8:
		c.rows = int(arguments[0]&63) + 1
	case 0xA0, 0xA1:
		c.flipColumns = command == 0xA0
	case 0xC0, 0xC8:
		c.flipRows = command == 0xC0
	case 0xA6, 0xA7:
		c.inverted = command == 0xA7
	case 0xAE, 0xAF:
		c.on = command == 0xAF
	}
	return arguments[n:]
}

// draw writes a column of eight dots and goes on (§10.1.3).
func (c *ssd1306) draw(b byte) {
	c.memory[c.y][c.x] = b
	if c.x++; c.x > c.column[1] || c.x > 127 {
		c.x = c.column[0]
		if c.y++; c.y > c.page[1] || c.y > 7 {
			c.y = c.page[0]
		}
	}
}

// show is what one sees, a line of # and . for each row of dots.
func (c *ssd1306) show() string {
	var b strings.Builder
	for y := range c.rows {
		for x := range 128 {
			atX, atY := x, y
			if c.flipColumns {
				atX = 127 - x
			}
			if c.flipRows {
				atY = c.rows - 1 - y
			}
			lit := c.memory[atY/8][atX]>>(atY%8)&1 == 1
			if c.on && lit != c.inverted {
				b.WriteByte('#')
				continue
			}
			b.WriteByte('.')
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Screen is what a device's display shows, a line of # and . for each row of dots;
// "" when it has none.
func (b *Board) Screen(device string) string {
	for _, s := range b.parts[device] {
		on := b.buses[s.part.Bus]
		if on == nil {
			continue
		}
		at := on.chips[s.part.Address]
		if c, ok := at.chip.(interface{ show() string }); ok {
			at.mu.Lock()
			defer at.mu.Unlock()
			return c.show()
		}
	}
	return ""
}
