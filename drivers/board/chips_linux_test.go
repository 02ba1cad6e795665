package board

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/drivers"
)

// expanders adds two port expanders of a kind to a board.
func expanders(t *testing.T, b *Board, k *fakeKernel) {
	t.Helper()
	for name, at := range map[string]string{"gpiochip11": "1-0020", "gpiochip12": "1-0021"} {
		device := filepath.Join("sys/devices/i2c-1", at, name)
		link := b.path("sys/bus/gpio/devices/" + name)
		if err := errors.Join(os.WriteFile(b.path("dev/"+name), nil, 0o600), os.MkdirAll(b.path(device), 0o755),
			os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(b.path(device), link)); err != nil {
			t.Fatal(err)
		}
		k.chips[name] = chip("mcp23017", 16)
	}
}

// TestLinesOfExpanders takes lines of chips by label and by place.
func TestLinesOfExpanders(t *testing.T) {
	b, k, _ := newTestBoard(t)
	expanders(t, b, k)
	for pin, offset := range map[string]uint32{"1-0020/3": 3, "1-0021/15": 15, "gpio-brcmstb/0": 0, "gpiochip11/4": 4} {
		mustTake(t, b, drivers.LineOptions{Pin: pin})
		if got := k.requests[len(k.requests)-1].offsets[0]; got != offset {
			t.Errorf("%s is line %d", pin, got)
		}
	}
	for pin, says := range map[string]string{
		"mcp23017/3":  "2 chips are called mcp23017: write the place of one instead, 1-0020 or 1-0021",
		"1-0020/16":   "1-0020 has the lines 0 to 15",
		"pcf8574/0":   "there is no GPIO chip pcf8574: is its overlay in config.txt? Found gpiochip0 (gpio-brcmstb), ",
		"mcp23017/03": "expected a name like GPIO17",
	} {
		if _, err := b.Line(drivers.LineOptions{Pin: pin}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", pin, err, says)
		}
	}
	if _, err := b.Line(drivers.LineOptions{Pin: "pcf8574/0"}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestLines lists the header first, and says who holds what.
func TestLines(t *testing.T) {
	b, k, _ := newTestBoard(t)
	expanders(t, b, k)
	k.held[3] = "hall.lamp"
	lines, err := b.Lines()
	if err != nil || len(lines) != 54+4+16+16 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	want := drivers.LineInfo{Chip: "pinctrl-rp1", Header: true, Line: 3, Used: true, Consumer: "hall.lamp"}
	if diff := cmp.Diff(want, lines[3]); diff != "" {
		t.Error(diff)
	}
	last := lines[len(lines)-1]
	if diff := cmp.Diff(drivers.LineInfo{Chip: "mcp23017", Place: "1-0021", Line: 15}, last); diff != "" || last.Pin() != "mcp23017/15" || lines[3].Pin() != "GPIO3" {
		t.Error(diff)
	}
}
