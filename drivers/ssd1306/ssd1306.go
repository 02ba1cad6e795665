// Package ssd1306 shows text on a small OLED display with Solomon's SSD1306 (or
// SSD1309, or another that understands the same) or Sino Wealth's SH1106 on I2C.
//
//	hall.display: {driver: ssd1306, address: 0x3c, text: "cellar {cellar} °C\nbath {bath} %"}
//
// What is shown is a template. Each name in braces is a text property of the
// display, which rules and commands set:
//
//	set: {hall.display.cellar: = text(round(cellar.climate.temperature, 1))}
//
// Options:
//
//	text     the template, default {text}; lines are parted by a line's end, \n between double quotes. A
//	         property that was never set shows as -, what does not fit is cut
//	bus      default I2C1
//	address  0x3c (default) or 0x3d; some boards have 0x78 or 0x7a printed on them, which is the same with a bit more
//	chip     ssd1306 (default), or sh1106, which many displays of 1.3 inches have: with the wrong one the picture is
//	         two dots off, with noise at an edge. Neither can be asked which it is
//	size     128x64 (default) or 128x32
//	scale    1 (default: 21 characters in 8 or 4 lines) or 2 (10 characters in 4 or 2 lines)
//	rotate   true turns the picture upside down; default false
//	contrast 0 to 255, default 127; a lower one lets the display live longer
//	on_exit  off (default) or keep: what happens to the picture when the gateway stops
//
// Wiring: VCC to 3.3 V (pin 1), GND to pin 9, SDA to GPIO2 (pin 3), SCL to GPIO3
// (pin 5); dtparam=i2c_arm=on. One picture is 1 kB: 0.1 s of a bus at 100 kHz,
// which others may come in between after each line.
//
// The whole picture is drawn again every minute with all settings, so that a display that
// lost its supply comes back; periph's driver only sends what has changed, and knows
// address 0x3c alone. The chip cannot be asked what it shows: the
// reading is what it was sent and has acknowledged. Datasheets: SSD1306, rev. 1.1 (§9 and 10,
// and the application note for the charge pump); SH1106, version 2.3 (commands 2, 3, 12 and 17).
package ssd1306

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

const width = 128

type options struct {
	part     drivers.Part
	paged    bool // an SH1106: it is told where each line begins
	pages    int  // lines of eight dots
	scale    int
	rotate   bool
	contrast byte
	clear    bool // when closed
	template string
	names    []string // in the template
}

var placeholder = regexp.MustCompile(`\{[^{}\s]*\}`)

// New decodes the options of a display.
func New(d *home.Decoder) drivers.Spec {
	chip := d.Word("chip", "ssd1306", "ssd1306", "sh1106")
	o := options{
		part:     drivers.ChipPart(d, chip),
		paged:    chip == "sh1106",
		pages:    map[string]int{"128x64": 8, "128x32": 4}[d.Word("size", "128x64", "128x64", "128x32")],
		scale:    d.Int("scale", 1, 1, 2),
		rotate:   d.Bool("rotate", false),
		contrast: byte(d.Int("contrast", 127, 0, 255)),
		clear:    d.Word("on_exit", "off", "off", "keep") == "off",
		template: d.Text("text", "{text}"),
	}
	spec := drivers.Spec{
		Parts: []drivers.Part{o.part},
		Every: time.Minute,
	}
	for _, name := range placeholder.FindAllString(o.template, -1) {
		name = name[1 : len(name)-1]
		if err := home.CheckWord(name); err != nil {
			d.Fault("text", "", "text: %v", err)
		}
		if !slices.Contains(o.names, name) {
			o.names = append(o.names, name)
			spec.Properties = append(spec.Properties, home.Property{Name: name, Type: home.TypeText, Settable: true})
		}
	}
	if len(o.names) == 0 {
		d.Fault("text", "as in text: \"cellar {cellar} °C\"", "text names no property in braces, so that nothing could be shown on it")
	}
	last := make(map[string]string)
	spec.Open = func(_ context.Context, board drivers.Board) (drivers.Device, error) {
		bus, err := board.I2C(o.part.Bus)
		if err != nil {
			return nil, err
		}
		return &display{options: o, guard: drivers.NewGuard(bus, o.part), last: last}, nil
	}
	return spec
}

type display struct {
	options
	guard *drivers.Guard
	last  map[string]string // by property, what was set; kept from one Open to the next
}

var (
	_ drivers.Sensor   = (*display)(nil)
	_ drivers.Actuator = (*display)(nil)
)

// Sense draws what is to be shown once more.
func (d *display) Sense(ctx context.Context) ([]drivers.Reading, error) {
	if err := d.show(ctx, d.last); err != nil {
		return nil, err
	}
	var readings []drivers.Reading
	for _, name := range d.names {
		readings = append(readings, d.reading(name))
	}
	return readings, nil
}

func (d *display) reading(name string) drivers.Reading {
	return drivers.Reading{Property: name, Value: home.TextOf(d.last[name]), Time: time.Now()}
}

// Set shows another text in one place.
func (d *display) Set(ctx context.Context, property string, value home.Value) ([]drivers.Reading, error) {
	if !slices.Contains(d.names, property) || value.Kind() != home.Text {
		return nil, fmt.Errorf("%v cannot set %s to %s: it has the texts %s", d.part, property, value, strings.Join(d.names, ", "))
	}
	next := maps.Clone(d.last)
	next[property] = value.Text()
	if err := d.show(ctx, next); err != nil {
		return nil, err
	}
	d.last[property] = value.Text()
	return []drivers.Reading{d.reading(property)}, nil
}

func (d *display) show(ctx context.Context, texts map[string]string) error {
	text := placeholder.ReplaceAllStringFunc(d.template, func(name string) string {
		if text, ok := texts[name[1:len(name)-1]]; ok {
			return text
		}
		return "-"
	})
	picture := draw(text, d.pages, d.scale)
	return d.guard.Do(ctx, func() error {
		if err := d.guard.Write(d.setUp()...); err != nil {
			return err
		}
		for n, page := range picture {
			if d.paged {
				if err := d.guard.Write(at(n)...); err != nil {
					return err
				}
			}
			if err := d.guard.Write(append([]byte{data}, page[:]...)...); err != nil {
				return err
			}
		}
		return d.guard.Write(commands, displayOn)
	})
}

// The byte before what is sent (§8.1.5.2), and commands (§9).
const (
	commands   = 0x00
	data       = 0x40
	displayOff = 0xAE
	displayOn  = 0xAF
)

// setUp are the commands before a picture. They end with the whole screen as the
// window, so that the data begin on top at the left.
func (d *display) setUp() []byte {
	wiring, columnsFrom, rowsFrom := byte(0x12), byte(0xA1), byte(0xC8)
	if d.pages == 4 {
		wiring = 0x02 // rows one after the other
	}
	if d.rotate {
		columnsFrom, rowsFrom = 0xA0, 0xC0
	}
	if d.paged {
		return []byte{
			commands,
			0xD5, 0x80, 0xA8, byte(8*d.pages - 1), 0xD3, 0, 0x40, // clock, rows, no offset, first line
			0xAD, 0x8B, // voltage converter (command 12)
			columnsFrom, rowsFrom, 0xDA, wiring, 0x81, d.contrast,
			0xD9, 0x1F, 0xDB, 0x40, 0xA4, 0xA6, // precharge and its voltage, the memory's picture, not inverted
		}
	}
	return []byte{
		commands,
		0xD5, 0x80, // clock
		0xA8, byte(8*d.pages - 1), // rows
		0xD3, 0, 0x40, // no offset, first line
		0x8D, 0x14, // charge pump
		0x20, 0, // along the lines, then down
		columnsFrom, rowsFrom,
		0xDA, wiring,
		0x81, d.contrast,
		0xD9, 0xF1, 0xDB, 0x40, // precharge and its voltage, as the application note has them for the pump
		0xA4, 0xA6, 0x2E, // the memory's picture, not inverted, not scrolling
		0x21, 0, width - 1,
		0x22, 0, byte(d.pages - 1),
	}
}

// at are the commands that say where a line of an SH1106 begins: its memory has 132 columns, of which
// the display shows those from the third on (commands 1, 2 and 17).
func at(page int) []byte {
	const margin = 2
	return []byte{commands, 0xB0 | byte(page), margin, 0x10}
}

// draw writes a text into pages of eight rows of dots.
func draw(text string, pages, scale int) [][width]byte {
	picture := make([][width]byte, pages)
	for row, line := range strings.Split(text, "\n") {
		if row*scale >= pages {
			break
		}
		x := 0
		for _, r := range strings.TrimSuffix(line, "\r") {
			if x+columns*scale > width {
				break
			}
			for _, column := range glyph(r) {
				for range scale {
					for part := range scale {
						picture[row*scale+part][x] = stretch(column, part, scale)
					}
					x++
				}
			}
			x += (cellWidth - columns) * scale
		}
	}
	return picture
}

// stretch is one page's part of a column whose dots are scale high.
func stretch(column byte, part, scale int) (dots byte) {
	for bit := range cellHeight {
		if column>>((part*cellHeight+bit)/scale)&1 == 1 {
			dots |= 1 << bit
		}
	}
	return dots
}

// Close switches the display off, unless it shall keep its picture.
func (d *display) Close() error {
	if !d.clear {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return d.guard.Do(ctx, func() error { return d.guard.Write(commands, displayOff) })
}
