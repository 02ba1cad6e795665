package simboard

import "time"

// sh1106 is a Sino Wealth SH1106 (datasheet version 2.3): 132 columns of memory, of which a display shows 128 from
// the third on; one line at a time, whose column counts on to its end and stays there. It knows neither the addressing nor
// the window of an SSD1306, whose bytes it takes for other commands.
type sh1106 struct {
	memory      [8][132]byte
	on          bool
	inverted    bool
	flipColumns bool // as in ssd1306
	flipRows    bool
	rows        int
	x, y        byte
}

func (c *sh1106) power() { *c = sh1106{rows: 64, flipColumns: true, flipRows: true} }

func (c *sh1106) tx(_ time.Time, _ air, w, r []byte) error {
	for i := range r {
		r[i] = 0x08 // on or off is bit 6, as in ssd1306
		if !c.on {
			r[i] |= 0x40
		}
	}
	switch {
	case len(w) == 0:
	case w[0] == 0x00:
		for w = w[1:]; len(w) > 0; {
			w = c.obey(w)
		}
	case w[0] == 0x40:
		for _, b := range w[1:] {
			c.memory[c.y][c.x] = b
			c.x = min(c.x+1, 131)
		}
	default:
		return errNack
	}
	return nil
}

// obey carries out the first command and returns what follows it.
func (c *sh1106) obey(w []byte) []byte {
	command, arguments := w[0], w[1:]
	n := map[byte]int{0x81: 1, 0xA8: 1, 0xAD: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}[command]
	if len(arguments) < n {
		return nil
	}
	switch {
	case command <= 0x0F:
		c.x = min(c.x&0xF0|command, 131)
	case command <= 0x1F:
		c.x = min(c.x&0x0F|command<<4, 131)
	case command >= 0xB0 && command <= 0xB7:
		c.y = command & 7
	case command == 0xA8:
		c.rows = int(arguments[0]&63) + 1
	case command == 0xA0, command == 0xA1:
		c.flipColumns = command == 0xA0
	case command == 0xC0, command == 0xC8:
		c.flipRows = command == 0xC0
	case command == 0xA6, command == 0xA7:
		c.inverted = command == 0xA7
	case command == 0xAE, command == 0xAF:
		c.on = command == 0xAF
	}
	return arguments[n:]
}

// show is what one sees: what an SSD1306 would show that had those columns.
func (c *sh1106) show() string {
	seen := ssd1306{on: c.on, inverted: c.inverted, flipColumns: c.flipColumns, flipRows: c.flipRows, rows: c.rows}
	for y := range seen.memory {
		copy(seen.memory[y][:], c.memory[y][2:])
	}
	return seen.show()
}
