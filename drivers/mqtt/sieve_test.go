package mqtt

import (
	"bufio"
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// published is a PUBLISH as MQTT 3.1.1 has it in 3.3, at QoS 1 with identifier 7.
func published(topic string, payload []byte) []byte {
	variable := append([]byte{byte(len(topic) >> 8), byte(len(topic))}, topic+"\x00\x07"...)
	n := len(variable) + len(payload)
	packet := []byte{0x32}
	for ; n >= 128; n >>= 7 {
		packet = append(packet, byte(n)|128)
	}
	return append(append(append(packet, byte(n)), variable...), payload...)
}

func newTestSieve(r io.Reader) *sieve {
	return &sieve{in: bufio.NewReaderSize(r, readAhead), mark: []byte("mark ")}
}

// TestSieve: a message that is too long passes without its payload, all others byte by byte.
func TestSieve(t *testing.T) {
	long := bytes.Repeat([]byte("x"), mostPacket)
	small, connack, suback := published("a/b", []byte("21.5")), []byte{0x20, 2, 0, 0}, []byte{0x90, 3, 0, 1, 1}
	edge := published("a", long[:mostPacket-5])
	in := slicesOf(connack, suback, small, published("a/long", long), small, edge, connack)
	want := slicesOf(connack, suback, small, published("a/long", []byte("mark 33554432")), small, edge, connack)
	for how, r := range map[string]io.Reader{"at once": bytes.NewReader(in), "in pieces": iotest.HalfReader(bytes.NewReader(in))} {
		got, err := io.ReadAll(newTestSieve(r))
		n := bytes.Count(got, []byte(pingresp))
		if got = bytes.ReplaceAll(got, []byte(pingresp), nil); !bytes.Equal(got, want) || err != nil || n < 100 {
			t.Errorf("%s: %d bytes, want %d; %d pingresps, error %v", how, len(got), len(want), n, err)
		}
	}
	if size, is := newTestSieve(nil).leftOut([]byte("mark 33554432")); size != 33554432 || !is {
		t.Error("the mark is not known again")
	}
	for _, broken := range [][]byte{{0x32, 0xff, 0xff, 0xff, 0xff, 1}, {0x90, 0xff, 0xff, 0xff, 0x7f, 1}} {
		if _, err := io.ReadAll(newTestSieve(bytes.NewReader(broken))); err == nil {
			t.Errorf("%x passes", broken)
		}
	}
}

func slicesOf(all ...[]byte) []byte { return bytes.Join(all, nil) }

// TestSieveNeedsNoMemory reads 250 MB.
func TestSieveNeedsNoMemory(t *testing.T) {
	const size = 250_000_000
	head := published("a", nil)[2:]
	packet := slicesOf([]byte{0x32, 0x85, 0xe5, 0x9a, 0x77}, head) // 5 + 250,000,000 bytes
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := io.Copy(io.Discard, newTestSieve(io.MultiReader(bytes.NewReader(packet), io.LimitReader(zeros{}, size))))
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; err != nil || n > 10_000 || grown > 1<<20 {
		t.Errorf("%d bytes passed, %d were allocated, error %v", n, grown, err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// FuzzMQTTSieve has any bytes pass: whole packets within the limit are unchanged.
func FuzzMQTTSieve(f *testing.F) {
	f.Add(published("a/b", []byte("21.5")))
	f.Add([]byte{0x32, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := io.ReadAll(newTestSieve(bytes.NewReader(in)))
		if err == nil && len(in) < 1000 && !bytes.HasPrefix(in, got) && !bytes.Contains(got, []byte("mark ")) {
			t.Errorf("%x became %x", in, got)
		}
	})
}

// TestLongMessages has a real broker keep a message of 100 MB, and send another: neither ends the
// connection, nor is one of them asked for again without end, and the others come.
func TestLongMessages(t *testing.T) {
	m := startMosquitto(t, "allow_anonymous true")
	writer := m.client("writer")
	long := bytes.Repeat([]byte(" "), 100_000_000)
	finish(t, writer.Publish("garden/soil", 1, true, long))
	h := &house{auto: always}
	c, log := connect(t, m.address, h)
	stop := run(t, c)
	connected(t, c)
	finish(t, writer.Publish("garden/soil", 1, false, long))
	for range 20 { // long, but not too long: they are read one after the other
		finish(t, writer.Publish("garden/soil", 1, false, long[:200_000]))
	}
	finish(t, writer.Publish("garden/soil", 1, false, "21.5"))
	eventually(t, "the reading behind them", func() bool { got := h.values(); return len(got) > 0 && got[len(got)-1] == "21.5" })
	stop()
	if n := c.Status().TooLarge; n != 2 {
		t.Errorf("%d were too long, want 2", n)
	}
	text := log.String()
	if got := []int{strings.Count(text, "mqtt broker connected"), strings.Count(text, "too long"), strings.Count(text, "trying again")}; !cmp.Equal(got, []int{1, 1, 0}) {
		t.Errorf("connected, told and lost %v times:\n%s", got, text)
	}
}
