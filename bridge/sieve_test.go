package bridge

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// The frames here are written by hand, as AMQP 0-9-1 has them in 4.2.3 and 4.2.6.

func wireFrame(kind byte, channel uint16, payload []byte) []byte {
	f := binary.BigEndian.AppendUint16([]byte{kind}, channel)
	f = binary.BigEndian.AppendUint32(f, uint32(len(payload)))
	return append(append(f, payload...), 0xCE)
}

// wireDeliver is basic.deliver with consumer tag "c", tag 7, exchange "e" and key "k".
func wireDeliver(channel uint16) []byte {
	return wireFrame(1, channel, []byte("\x00\x3c\x00\x3c\x01c\x00\x00\x00\x00\x00\x00\x00\x07\x00\x01e\x01k"))
}

// wireHeader is a content header with content_type, content_encoding, a table of headers, and message_id.
func wireHeader(channel uint16, body uint64, table string) []byte {
	p := binary.BigEndian.AppendUint64([]byte{0, 60, 0, 0}, body)
	p = append(p, 0xe0, 0x80) // the flags
	p = append(p, "\x04text\x05utf-8"...)
	p = binary.BigEndian.AppendUint32(p, uint32(len(table)))
	return wireFrame(2, channel, append(append(p, table...), "\x02id"...))
}

// wireBody is a body in frames.
func wireBody(channel uint16, body []byte, each int) (frames [][]byte) {
	for len(body) > 0 {
		n := min(each, len(body))
		frames = append(frames, wireFrame(3, channel, body[:n]))
		body = body[n:]
	}
	return frames
}

func wireNumber(key string, n uint64) string {
	return string(byte(len(key))) + key + "l" + string(binary.BigEndian.AppendUint64(nil, n))
}

type wireConn struct {
	net.Conn
	io.Reader
}

func (c wireConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// sieved returns what is read through a sieve, without heartbeats, and how many messages were cut.
func sieved(t testing.TB, r io.Reader, l limits) (out []byte, beats int, cut uint64, err error) {
	t.Helper()
	var n atomic.Uint64
	raw, err := io.ReadAll(newSieve(wireConn{Reader: r}, l, &n))
	for rest := raw; len(rest) > 0; {
		if len(rest) < 8 || uint64(len(rest)) < 8+uint64(binary.BigEndian.Uint32(rest[3:])) {
			return append(out, rest...), beats, n.Load(), errors.Join(err, io.ErrUnexpectedEOF)
		}
		size := 8 + int(binary.BigEndian.Uint32(rest[3:]))
		if rest[0] == 8 {
			beats++
		} else {
			out = append(out, rest[:size]...)
		}
		rest = rest[size:]
	}
	return out, beats, n.Load(), err
}

// TestSieve: what is over the limits is cut, and all else passes byte by byte.
func TestSieve(t *testing.T) {
	l := limits{body: 10, headers: 200}
	late := "\x04late" + "t\x01"
	long := strings.Repeat("\x01aV", 100)
	big := bytes.Repeat([]byte("x"), 90_000)
	join := func(list ...any) (all []byte) {
		for _, f := range list {
			switch f := f.(type) {
			case []byte:
				all = append(all, f...)
			case [][]byte:
				all = append(all, bytes.Join(f, nil)...)
			}
		}
		return all
	}
	ack := wireFrame(1, 1, []byte("\x00\x3c\x00\x50\x00\x00\x00\x00\x00\x00\x00\x09\x00"))
	small := join(wireDeliver(2), wireHeader(2, 10, late), wireBody(2, big[:10], 4))
	two := wireBody(1, big, 1000)
	for _, c := range []struct {
		name     string
		in, want []byte
		cut      uint64
	}{
		{"small", join(ack, small, ack), join(ack, small, ack), 0},
		{"no body", join(wireDeliver(1), wireHeader(1, 0, late), ack), join(wireDeliver(1), wireHeader(1, 0, late), ack), 0},
		{"one too long", join(wireDeliver(1), wireHeader(1, 11, late), wireBody(1, big[:11], 4), small),
			join(wireDeliver(1), wireHeader(1, 0, late+wireNumber(bodyBytesHeader, 11)), small), 1},
		{"among others", join(wireDeliver(1), wireHeader(1, 90_000, ""), two[:40], small, two[40:], small),
			join(wireDeliver(1), wireHeader(1, 0, wireNumber(bodyBytesHeader, 90_000)), small, small), 1},
		{"headers too long", join(wireDeliver(1), wireHeader(1, 10, long), wireBody(1, big[:10], 10), ack),
			join(wireDeliver(1), wireHeader(1, 10, wireNumber(headersBytesHeader, 300)), wireBody(1, big[:10], 10), ack), 1},
		{"both", join(wireDeliver(1), wireHeader(1, 20, long), wireBody(1, big[:20], 10), ack),
			join(wireDeliver(1), wireHeader(1, 0, wireNumber(headersBytesHeader, 300)+wireNumber(bodyBytesHeader, 20)), ack), 1},
		{"ended by a method", join(wireDeliver(1), wireHeader(1, 20, ""), wireBody(1, big[:10], 10), ack, small),
			join(wireDeliver(1), wireHeader(1, 0, wireNumber(bodyBytesHeader, 20)), ack, small), 1},
		{"no bigger number than a table can have", join(wireDeliver(1), wireHeader(1, 1<<63+5, "")),
			join(wireDeliver(1), wireHeader(1, 0, wireNumber(bodyBytesHeader, 1<<63-1))), 1},
	} {
		for how, r := range map[string]io.Reader{"at once": bytes.NewReader(c.in), "byte by byte": iotest.OneByteReader(bytes.NewReader(c.in))} {
			got, beats, cut, err := sieved(t, r, l)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil || cut != c.cut {
				t.Errorf("%s, %s: %d cut, error %v, (-want +got)\n%s", c.name, how, cut, err, diff)
			}
			if c.name == "among others" && beats < 90 {
				t.Errorf("%s: %d heartbeats stand for 90 frames that were thrown away", how, beats)
			}
		}
	}
}

// TestSieveOfABrokenHeader: lengths that cannot be end the connection.
func TestSieveOfABrokenHeader(t *testing.T) {
	good := wireHeader(1, 100, "\x04late"+"t\x01")
	broken := func(change func([]byte)) []byte {
		b := bytes.Clone(good)
		change(b)
		return b
	}
	for name, in := range map[string][]byte{
		"a string longer than the frame": broken(func(b []byte) { b[21] = 255 }),
		"a table longer than the frame":  broken(func(b []byte) { b[34] = 1 }),
		"a table longer than all limits": broken(func(b []byte) { b[32] = 0x7f }),
		"no end":                         broken(func(b []byte) { b[len(b)-1] = 0 }),
		"properties without end":         wireFrame(2, 1, append(make([]byte, 14), make([]byte, 5000)...)),
	} {
		if _, _, _, err := sieved(t, bytes.NewReader(in), limits{body: 10, headers: 200}); !errors.Is(err, errContent) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// FuzzSieve has frames of any kind pass, and bytes that are none: no content is longer than
// the limit afterwards, whole frames come out of whole frames, and what is within the limits is unchanged.
func FuzzSieve(f *testing.F) {
	f.Add([]byte("\x01\x02\x03"), uint8(1), true)
	f.Add([]byte("\x02\x1e\x03\x02\xff\x03\x01\x02\x09"), uint8(3), true)
	f.Add(wireHeader(1, 100, ""), uint8(0), false)
	f.Fuzz(func(t *testing.T, script []byte, each uint8, framed bool) {
		l := limits{body: 40, headers: 100}
		in, within := script, false
		if framed {
			in, within = fuzzedFrames(script, int(each)+1, l)
		}
		out, _, cut, err := sieved(t, bytes.NewReader(in), l)
		if !framed {
			return
		}
		if err != nil {
			t.Fatalf("error %v of %x", err, in)
		}
		if within && (!bytes.Equal(in, out) || cut > 0) {
			t.Fatalf("%d cut, though all is within the limits", cut)
		}
		open := map[uint16]uint64{}
		for rest := bufio.NewReader(bytes.NewReader(out)); ; {
			var head [7]byte
			if _, err := io.ReadFull(rest, head[:]); err != nil {
				break
			}
			payload := make([]byte, binary.BigEndian.Uint32(head[3:])+1)
			if _, err := io.ReadFull(rest, payload); err != nil || payload[len(payload)-1] != 0xCE {
				t.Fatalf("no frame: %x %x", head, payload)
			}
			channel := binary.BigEndian.Uint16(head[1:])
			switch head[0] {
			case 2:
				if open[channel] = binary.BigEndian.Uint64(payload[4:]); open[channel] > l.body {
					t.Fatalf("a body of %d bytes", open[channel])
				}
			case 3:
				if open[channel] -= uint64(len(payload) - 1); open[channel] > l.body {
					t.Fatal("a body that is longer than its header says")
				}
			}
		}
	})
}

// fuzzedFrames makes whole messages of a script: a channel, the length of a body and of a table each.
func fuzzedFrames(script []byte, each int, l limits) (in []byte, within bool) {
	within = true
	for ; len(script) >= 3; script = script[3:] {
		channel, body, table := uint16(script[0]%3), int(script[1]), strings.Repeat("\x01aV", int(script[2])/2)
		in = append(append(in, wireDeliver(channel)...), wireHeader(channel, uint64(body), table)...)
		in = append(in, bytes.Join(wireBody(channel, make([]byte, body), each), nil)...)
		within = within && uint64(body) <= l.body && uint32(len(table)) <= l.headers
	}
	return in, within
}

// BenchmarkSieve reads what a publisher reads (acknowledgements), and what a consumer does.
func BenchmarkSieve(b *testing.B) {
	ack := wireFrame(1, 1, []byte("\x00\x3c\x00\x50\x00\x00\x00\x00\x00\x00\x00\x09\x00"))
	command := append(append(wireDeliver(1), wireHeader(1, 60, "\x04late"+"t\x01")...), wireFrame(3, 1, make([]byte, 60))...)
	for name, one := range map[string][]byte{"acknowledgement": ack, "command": command} {
		for _, through := range []string{"sieve", "nothing"} {
			b.Run(fmt.Sprintf("%s through %s", name, through), func(b *testing.B) {
				all := bytes.Repeat(one, 1000)
				source := bytes.NewReader(all)
				var r io.Reader = source
				var n atomic.Uint64
				if through == "sieve" {
					r = newSieve(wireConn{Reader: source}, takenLimits, &n)
				}
				reader := bufio.NewReader(r) // as amqp091 has one
				b.ReportAllocs()
				for b.Loop() {
					if source.Len() == 0 {
						source.Reset(all)
					}
					if _, err := reader.Discard(len(one)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
