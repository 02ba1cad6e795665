package drivertest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"

	"hogar/drivers"
)

// rounds is how often a driver is used on a board that babbles.
const rounds = 150

// garbage: whatever a disturbed bus, a sensor or the kernel's files answer, a driver does not panic, ends in its time, and
// tells nothing that its device cannot be.
func garbage(t *testing.T, c Case) {
	rig := NewRig(t, c.Driver, c.Options)
	for seed := range uint64(rounds) {
		noise := rand.New(rand.NewPCG(seed, 7))
		board := babbling{rig.Board, &babble{noise, noise.Float64()}}
		ctx, cancel := context.WithTimeout(t.Context(), rig.timeout())
		begin := time.Now()
		useAll(ctx, t, c, rig, board)
		if took := time.Since(begin); took > 2*rig.timeout() { // opened and used
			t.Errorf("with the garbage of %d it took %v", seed, took)
		}
		cancel()
	}
	rig.works(t, rig.Open(t))
}

// useAll opens a device, and then asks it and sets it.
func useAll(ctx context.Context, t *testing.T, c Case, rig *Rig, board drivers.Board) {
	dev, err := rig.Spec.Open(ctx, board)
	if err != nil {
		return
	}
	defer dev.Close()
	if s, ok := dev.(drivers.Sensor); ok {
		if readings, err := s.Sense(ctx); err == nil {
			check(t, c, rig, readings)
		}
	}
	if a, ok := dev.(drivers.Actuator); ok {
		for _, p := range rig.Spec.Properties {
			for _, value := range trials(p) {
				if readings, err := a.Set(ctx, p.Name, value); err == nil {
					check(t, c, rig, readings)
				}
			}
		}
	}
}

// babble makes of a share of the answers noise.
type babble struct {
	*rand.Rand
	share float64
}

func (b babble) now() bool { return b.Float64() < b.share }

func (b babble) bytes(r []byte) {
	for i := range r {
		r[i] = byte(b.Uint32())
	}
}

// text is what a file of the kernel could show after a bug, or with a driver of another kind.
func (b babble) text() string {
	texts := []string{"", "\n", "85000\n", "-1000000\n", "-99999999999999999999\n", "NaN\n", "1e308\n", "-Inf\n", "0x10\n", "12 34\n",
		"21.5.3\n", "\x00\xff\n", "t=YES\n", "00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n",
		"50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n", "4b 01 : crc=e1 NO\nt=20687\n", "-3275800\n", "100100\n"}
	return texts[b.IntN(len(texts))]
}

// babbling is a board that answers noise now and then.
type babbling struct {
	drivers.Board
	babble *babble
}

func (b babbling) I2C(name string) (i2c.Bus, error) {
	bus, err := b.Board.I2C(name)
	return babblingBus{bus, b.babble}, err
}

func (b babbling) Files() drivers.Files { return babblingFiles{b.Board.Files(), b.babble} }

func (b babbling) Serial(path string, baud int) (drivers.Port, error) {
	port, err := b.Board.Serial(path, baud)
	return babblingPort{port, b.babble}, err
}

type babblingBus struct {
	i2c.Bus
	babble *babble
}

func (b babblingBus) Tx(addr uint16, w, r []byte) error {
	err := b.Bus.Tx(addr, w, r)
	if b.babble.now() {
		b.babble.bytes(r)
		return nil
	}
	return err
}

type babblingFiles struct {
	drivers.Files
	babble *babble
}

func (f babblingFiles) ReadFile(name string) ([]byte, error) {
	data, err := f.Files.ReadFile(name)
	if f.babble.now() {
		return []byte(f.babble.text()), nil
	}
	return data, err
}

type babblingPort struct {
	drivers.Port
	babble *babble
}

func (p babblingPort) Read(b []byte) (int, error) {
	n, err := p.Port.Read(b)
	if p.babble.now() {
		p.babble.bytes(b[:n])
	}
	return n, err
}
