package board

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/physic"

	"hogar/drivers"
)

func TestBusIsSharedAndLent(t *testing.T) {
	b, k, _ := newTestBoard(t)
	one, err := b.I2C("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"I2C1", "/dev/i2c-1", "/dev/./i2c-1"} {
		if again, err := b.I2C(name); err != nil || again != one {
			t.Errorf("I2C(%s) = %v, %v; want the bus that is open", name, again, err)
		}
	}
	if _, can := one.(io.Closer); can {
		t.Error("a borrower can close the bus")
	}
	if diff := cmp.Diff(map[uint]uintptr{i2cTimeout: 50, i2cRetries: 1}, k.told); diff != "" {
		t.Errorf("limits: want -, got +\n%s", diff)
	}
	if one.String() != "I2C1" {
		t.Errorf("the bus calls itself %s", one)
	}
}

func TestTransfer(t *testing.T) {
	b, k, _ := newTestBoard(t)
	bus, err := b.I2C("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	type transfer struct {
		Address uint16
		W, R    []byte
	}
	var seen []transfer
	k.tx = func(address uint16, w, r []byte) error {
		for i := range r {
			r[i] = byte(0xa0 + i)
		}
		seen = append(seen, transfer{address, w, r})
		return nil
	}
	read := make([]byte, 3)
	for _, c := range []transfer{{0x76, []byte{0xf7}, read}, {0x23, []byte{1, 2}, nil}, {0x48, nil, read[:1]}, {0x48, nil, nil}} {
		if err := bus.Tx(c.Address, c.W, c.R); err != nil {
			t.Fatal(err)
		}
	}
	want := []transfer{{0x76, []byte{0xf7}, []byte{0xa0, 0xa1, 0xa2}}, {0x23, []byte{1, 2}, nil}, {0x48, nil, []byte{0xa0}}}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestTransferFaults(t *testing.T) {
	b, k, _ := newTestBoard(t)
	bus, err := b.I2C("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	for _, errno := range []syscall.Errno{syscall.ENXIO, syscall.EREMOTEIO, syscall.ETIMEDOUT} {
		k.tx = func(uint16, []byte, []byte) error { return errno }
		err := bus.Tx(0x76, []byte{0xd0}, make([]byte, 1))
		if !errors.Is(err, errno) || !strings.Contains(err.Error(), "I2C1: transfer with 0x76: ") {
			t.Errorf("Tx = %v, want %v recognisable", err, errno)
		}
	}
	k.tx = func(uint16, []byte, []byte) error { t.Error("the kernel was asked"); return nil }
	for name, err := range map[string]error{
		"address": bus.Tx(0x80, []byte{1}, nil),
		"write":   bus.Tx(0x50, make([]byte, 8193), nil),
		"read":    bus.Tx(0x50, nil, make([]byte, 8193)),
		"speed":   bus.SetSpeed(400 * physic.KiloHertz),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "I2C1: ") {
			t.Errorf("%s: %v, want it refused", name, err)
		}
	}
}

// An adapter on USB that was pulled out is opened anew when it is back.
func TestUnpluggedBusIsOpenedAnew(t *testing.T) {
	b, k, _ := newTestBoard(t)
	first, err := b.I2C("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	k.tx = func(uint16, []byte, []byte) error { return syscall.ENODEV }
	for _, want := range []error{syscall.ENODEV, os.ErrClosed} {
		if err := first.Tx(0x76, []byte{1}, nil); !errors.Is(err, want) {
			t.Errorf("Tx = %v, want %v", err, want)
		}
	}
	k.tx = func(uint16, []byte, []byte) error { return nil }
	second, err := b.I2C("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Tx(0x76, []byte{1}, nil); err != nil {
		t.Errorf("Tx after plugging in: %v", err)
	}
}

func TestBusFaults(t *testing.T) {
	b, k, _ := newTestBoard(t)
	for name, says := range map[string]string{
		"I2C7":       "dtparam=i2c_arm=on",
		"/dev/nope":  "raspi-config",
		"SPI0":       "expected a name like I2C1 or a path like /dev/i2c-1",
		"I2C01":      "expected a name like I2C1",
		"":           "expected a name like I2C1",
		"I2C9999999": "expected a name like I2C1",
	} {
		if _, err := b.I2C(name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("I2C(%q) = %v, want %q", name, err, says)
		}
	}
	if hint := i2cHint(&fs.PathError{Op: "open", Path: "/dev/i2c-1", Err: syscall.EACCES}); !strings.Contains(hint, "group i2c") {
		t.Errorf("without permission: %q, want the group named", hint)
	}
	k.funcs = 0x0eff0008 // an SMBus adapter of a PC
	if _, err := b.I2C("I2C1"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "SMBus only") {
		t.Errorf("SMBus adapter: %v", err)
	}
	b.kernel = system{} // the real one, asked about a plain file
	if _, err := b.I2C("I2C1"); err == nil || !strings.Contains(err.Error(), "i2c-1 is no i2c adapter: ") {
		t.Errorf("plain file: %v", err)
	}
}

func TestRoot(t *testing.T) {
	if _, err := New(Options{Root: t.TempDir() + "/nowhere"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("New = %v, want that the root is missing", err)
	}
	if _, err := New(Options{Root: "/dev/null"}); err == nil || !strings.Contains(err.Error(), "not a folder") {
		t.Errorf("New = %v, want that the root is no folder", err)
	}
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.path("/dev/i2c-1"); got != "/dev/i2c-1" {
		t.Errorf("path %s", got)
	}
}

// TestProbe asks as i2cdetect does, and leaves alone what the kernel serves.
func TestProbe(t *testing.T) {
	for name, c := range map[string]struct {
		address uint16
		funcs   uintptr
		answer  error
		slave   error
		is      error
		read    uint8
		size    uint32
	}{
		"a chip":               {0x76, i2cFuncI2C | i2cFuncQuick, nil, nil, nil, 0, smbusQuick},
		"a memory":             {0x50, i2cFuncI2C | i2cFuncQuick | i2cFuncReadByte, nil, nil, nil, 1, smbusByte},
		"no quick writes":      {0x76, i2cFuncI2C, nil, nil, nil, 1, smbusByte},
		"nobody":               {0x76, i2cFuncI2C | i2cFuncQuick, syscall.ENXIO, nil, drivers.ErrAbsent, 0, smbusQuick},
		"nobody, on a Pi":      {0x76, i2cFuncI2C | i2cFuncQuick, syscall.EREMOTEIO, nil, drivers.ErrAbsent, 0, smbusQuick},
		"a bus that is stuck":  {0x76, i2cFuncI2C | i2cFuncQuick, syscall.ETIMEDOUT, nil, syscall.ETIMEDOUT, 0, smbusQuick},
		"served by the kernel": {0x76, i2cFuncI2C | i2cFuncQuick, nil, syscall.EBUSY, syscall.EBUSY, 0xFF, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, k, _ := newTestBoard(t)
			asked := smbusRequest{read: 0xFF}
			k.funcs, k.slave = c.funcs, c.slave
			k.smbus = func(r smbusRequest) error { asked = r; return c.answer }
			err := b.Probe("I2C1", c.address)
			if !errors.Is(err, c.is) || c.is == nil && err != nil {
				t.Errorf("the error is %v, want %v", err, c.is)
			}
			if asked.read != c.read || asked.size != c.size {
				t.Errorf("asked with %+v", asked)
			}
			if k.told[i2cSlave] != uintptr(c.address) {
				t.Errorf("asked %#x", k.told[i2cSlave])
			}
		})
	}
	// A chip that a Pi 5 does not see by a read (raspberrypi/bookworm-feedback issue 263: an MLX90614 at 0x5a); at a memory's addresses
	// nothing is written, nor where writing protects one.
	for address, want := range map[uint16]error{0x5a: nil, 0x5c: nil, 0x50: drivers.ErrAbsent, 0x57: drivers.ErrAbsent, 0x36: drivers.ErrAbsent} {
		b, k, _ := newTestBoard(t)
		k.funcs = i2cFuncI2C | i2cFuncQuick | i2cFuncReadByte
		k.smbus = func(r smbusRequest) error {
			if r.size == smbusByte {
				return syscall.EREMOTEIO
			}
			return nil
		}
		if err := b.Probe("I2C1", address); !errors.Is(err, want) {
			t.Errorf("at %#x: %v, want %v", address, err, want)
		}
	}
	b, _, _ := newTestBoard(t)
	if err := b.Probe("I2C7", 0x76); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a bus that is not there: %v", err)
	}
	if names, err := b.Buses(); err != nil || len(names) != 1 || names[0] != "I2C1" {
		t.Errorf("buses: %v, %v", names, err)
	}
}
