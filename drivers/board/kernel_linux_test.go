package board

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"hogar/drivers"
)

// fakeKernel answers what a board asks of device files that are plain files here.
type fakeKernel struct {
	t      *testing.T
	chips  map[string]chipInfo // by the name of the device file
	held   map[uint32]string   // offset to consumer
	bits   uint64              // what a line reads
	output bool                // the lines drive their pins already
	refuse error               // of the next line request
	tx     func(address uint16, w, r []byte) error
	funcs  uintptr
	slave  error // of choosing an address
	rough  error // what the pins' driver says to debouncing
	smbus  func(smbusRequest) error

	requests []lineRequest
	configs  []lineConfig
	told     map[uint]uintptr
	edges    *os.File // where the last line's events are written
}

func (k *fakeKernel) ask(fd uintptr, request uint, about unsafe.Pointer) error {
	switch request {
	case gpioChipInfo:
		chip, ok := k.chips[nameOf(k.t, fd)]
		if !ok {
			return syscall.ENOTTY
		}
		*(*chipInfo)(about) = chip
	case gpioLineInfo:
		info := (*lineInfo)(about)
		if who, ok := k.held[info.offset]; ok {
			copy(info.consumer[:], who)
			info.flags |= lineUsed
		}
		if k.output {
			info.flags |= lineOutput
		}
	case gpioSetConfig:
		k.configs = append(k.configs, *(*lineConfig)(about))
	case gpioLine:
		return k.request((*lineRequest)(about))
	case gpioGetValues:
		(*lineValues)(about).bits = k.bits
	case gpioSetValues:
		k.bits = (*lineValues)(about).bits
	case i2cFuncs:
		*(*uintptr)(about) = k.funcs
	case i2cSMBus:
		return k.smbus(*(*smbusRequest)(about))
	case i2cRdwr:
		return k.transfer((*i2cTransfer)(about))
	default:
		return syscall.ENOTTY
	}
	return nil
}

func (k *fakeKernel) tell(_ uintptr, request uint, number uintptr) error {
	k.told[request] = number
	if request == i2cSlave {
		return k.slave
	}
	return nil
}

// request answers with the reading end of a pipe: like a line it blocks until
// there is an event.
func (k *fakeKernel) request(r *lineRequest) error {
	if k.refuse != nil {
		return k.refuse
	}
	if k.rough != nil && r.config.attrs[0].attr.id == attrDebounce {
		return k.rough
	}
	if _, taken := k.held[r.offsets[0]]; taken {
		return syscall.EBUSY
	}
	k.requests = append(k.requests, *r)
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return err
	}
	k.edges = os.NewFile(uintptr(ends[1]), "edges")
	k.t.Cleanup(func() { k.edges.Close() })
	r.fd = int32(ends[0])
	return nil
}

// transfer takes the messages apart as the kernel would.
func (k *fakeKernel) transfer(t *i2cTransfer) error {
	var w, r []byte
	var address uint16
	for _, m := range unsafe.Slice(t.messages, t.count) {
		address = m.address
		if m.flags&i2cRead != 0 {
			r = unsafe.Slice(m.buffer, m.length)
		} else {
			w = unsafe.Slice(m.buffer, m.length)
		}
	}
	return k.tx(address, w, r)
}

// edge tells the line that was requested last of an edge.
func (k *fakeKernel) edge(e lineEvent) {
	k.t.Helper()
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&e)), unsafe.Sizeof(e))
	if _, err := k.edges.Write(raw); err != nil {
		k.t.Fatal(err)
	}
}

// nameOf tells the name of an open file.
func nameOf(t *testing.T, fd uintptr) string {
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(path)
}

// newTestBoard has a Pi 5's chips, the link from the former number included, and
// one I2C bus.
func newTestBoard(t *testing.T) (*Board, *fakeKernel, *bytes.Buffer) {
	t.Helper()
	root := t.TempDir()
	dev := filepath.Join(root, "dev")
	if err := os.Mkdir(dev, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gpiochip0", "gpiochip10", "i2c-1"} {
		if err := os.WriteFile(filepath.Join(dev, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("gpiochip10", filepath.Join(dev, "gpiochip00")); err != nil {
		t.Fatal(err)
	}
	k := &fakeKernel{
		t: t, funcs: i2cFuncI2C, told: map[uint]uintptr{}, held: map[uint32]string{},
		chips: map[string]chipInfo{"gpiochip0": chip("gpio-brcmstb", 4), "gpiochip10": chip("pinctrl-rp1", 54)},
	}
	log := new(bytes.Buffer)
	b, err := New(Options{Root: root, Log: textLog(log)})
	if err != nil {
		t.Fatal(err)
	}
	b.kernel = k
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, k, log
}

func chip(label string, lines uint32) chipInfo {
	info := chipInfo{lines: lines}
	copy(info.label[:], label)
	return info
}

func mustTake(t *testing.T, b *Board, o drivers.LineOptions) drivers.Line {
	t.Helper()
	l, err := b.Line(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
