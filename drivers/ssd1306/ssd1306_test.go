package ssd1306

import (
	"encoding/hex"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
	"hogar/drivers/drivertest"
	"hogar/drivers/simboard"
	"hogar/drivers/simboard/world"
	"hogar/gateway/home"
)

func TestContract(t *testing.T) {
	wrong := []string{"chip: sh1107", "address: 0x78", "size: 64x48", "scale: 3", "contrast: 256", "on_exit: on", "rotate: 2", "text: hogar", "text: {Cellar}"}
	for _, options := range []string{"text: cellar {cellar} °C bath {bath} %", "address: 0x3d, size: 128x32, scale: 2, rotate: true, on_exit: keep", "chip: sh1106, text: {a}"} {
		t.Run(options, func(t *testing.T) {
			drivertest.Run(t, drivertest.Case{Driver: New, Options: options, Wrong: wrong,
				Unseen: []simboard.Fault{simboard.Stuck}}) // it is only written to
		})
	}
}

func TestShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := drivertest.NewRig(t, New, "size: 128x32, on_exit: off, text: 1°{text}")
		dev := rig.Open(t)
		if _, err := dev.(drivers.Sensor).Sense(t.Context()); err != nil {
			t.Fatal(err)
		}
		corner := func(rows, columns int) string {
			lines := strings.Split(rig.Board.Screen(drivertest.Device), "\n")
			for i := range rows {
				lines[i] = lines[i][:columns]
			}
			return strings.Join(lines[:rows], "\n")
		}
		want := strings.Join([]string{
			"..#.....##......",
			".##....#..#.....",
			"..#....#..#.....",
			"..#.....##..####",
			"..#.............",
			"..#.............",
			".###............",
			"................"}, "\n")
		if diff := cmp.Diff(want, corner(8, 16)); diff != "" {
			t.Errorf("before it is set:\n%s", diff)
		}
		if _, err := dev.(drivers.Actuator).Set(t.Context(), "text", home.TextOf("\nñ")); err != nil {
			t.Fatal(err)
		}
		want = strings.Join([]string{
			"..#..", ".##..", "..#..", "..#..", "..#..", "..#..", ".###.", ".....",
			"..#.#", // the tilde
			".#.#.", "#.##.", "##..#", "#...#", "#...#", "#...#", "....."}, "\n")
		if diff := cmp.Diff(want, corner(16, 5)); diff != "" {
			t.Errorf("second line:\n%s", diff)
		}
		// What lost its supply is drawn again.
		shown := rig.Board.Screen(drivertest.Device)
		_ = rig.Board.Fault(drivertest.Device, simboard.Absent)
		_, _ = dev.(drivers.Sensor).Sense(t.Context())
		_ = rig.Board.Fault(drivertest.Device, simboard.NoFault)
		readings, err := dev.(drivers.Sensor).Sense(t.Context())
		if err != nil || readings[0].Value != home.TextOf("\nñ") || rig.Board.Screen(drivertest.Device) != shown {
			t.Errorf("after a loss of its supply: %v, %v", readings, err)
		}
		_ = dev.Close()
		if got := rig.Board.Screen(drivertest.Device); strings.Contains(got, "#") {
			t.Errorf("closed it shows\n%s", got)
		}
	})
}

// TestTheOtherChip: both chips show the same, each with its own way; with the other's it is two dots off. The bytes of the first are
// ESPHome's ssd1306_base.cpp, of the second where a line begins in its and u8g2's drivers: B0, 02, 10.
func TestTheOtherChip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screens := make(map[string]string)
		for _, rotate := range []string{"false", "true"} {
			for _, chip := range []string{"ssd1306", "sh1106"} {
				rig := drivertest.NewRig(t, New, "text: a{text}, chip: "+chip+", rotate: "+rotate)
				if _, err := rig.Open(t).(drivers.Actuator).Set(t.Context(), "text", home.TextOf("Wg")); err != nil {
					t.Fatal(err)
				}
				screens[chip] = rig.Board.Screen(drivertest.Device)
			}
			if screens["ssd1306"] != screens["sh1106"] || !strings.Contains(screens["sh1106"], "#") {
				t.Errorf("rotate %s: %s", rotate, cmp.Diff(screens["ssd1306"], screens["sh1106"]))
			}
		}
		spec, _ := drivertest.Decode(New, "text: a{text}")
		part := spec.Parts[0]
		part.Chip = "sh1106"
		b, err := simboard.New(world.New(world.Options{}), time.Now, map[string][]drivers.Part{"hall.display": {part}})
		if err != nil {
			t.Fatal(err)
		}
		dev, err := spec.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dev.(drivers.Sensor).Sense(t.Context()); err != nil || b.Screen("hall.display") == screens["ssd1306"] {
			t.Errorf("an SH1106 that is taken for an SSD1306 shows the same: %v", err)
		}
		for page, want := range map[int]string{0: "00b00210", 7: "00b70210"} {
			if got := hex.EncodeToString(at(page)); got != want {
				t.Errorf("line %d begins with %s, want %s", page, got, want)
			}
		}
	})
}

func TestScale(t *testing.T) {
	small, large := draw("Ag", 8, 1), draw("Ag", 8, 2)
	dot := func(p [][width]byte, x, y int) bool { return p[y/8][x]>>(y%8)&1 == 1 }
	for x := range width / 2 {
		for y := range 32 {
			for dx := range 2 {
				for dy := range 2 {
					if dot(large, 2*x+dx, 2*y+dy) != dot(small, x, y) {
						t.Fatalf("at %d, %d", x, y)
					}
				}
			}
		}
	}
}

// Whatever the text, it is drawn inside the screen; every character has a picture.
func FuzzDraw(f *testing.F) {
	f.Add("kitchen 21.4 °C\nBaño: 60 %", 1)
	f.Add(strings.Repeat("W", 100)+strings.Repeat("\n", 100), 2)
	f.Fuzz(func(t *testing.T, text string, scale int) {
		scale = 1 + scale&1
		if p := draw(text, 4, scale); len(p) != 4 {
			t.Errorf("%d pages", len(p))
		}
		for _, r := range text {
			if g := glyph(r); r > ' ' && g == ([columns]byte{}) {
				t.Errorf("%q has no picture", r)
			}
		}
	})
}
