package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// arrival is the nth message of the gateway, with the mth note of a meter.
func arrival(seq int64, meter string, m int) delivery {
	text := note(meter, m)
	return delivery{id: fmt.Sprintf("j-%d", seq), seq: seq, dseq: seq, device: meter, property: "note", text: text, kind: "reading",
		body: fmt.Sprintf(`{"device":%q,"value":%q,"dseq":%d}`, meter, text, seq)}
}

func acknowledged(n int) map[string]map[int]bool {
	acked := map[string]map[int]bool{"meter00": {}}
	for i := 1; i <= n; i++ {
		acked["meter00"][i] = true
	}
	return acked
}

// The judge that passes everything would show nothing: it finds each fault there can be.
func TestJudge(t *testing.T) {
	const m = "meter00"
	again, mangled, older := arrival(2, m, 2), arrival(2, m, 2), arrival(4, m, 4)
	mangled.body += " "
	older.dseq = 1
	invented, foreign := arrival(4, m, 4), arrival(4, m, 4)
	invented.text = "4:00000000"
	foreign.id = "j-77"
	all := []delivery{arrival(1, m, 1), arrival(2, m, 2), arrival(3, m, 3)}
	with := func(more ...delivery) []delivery { return append(slices.Clone(all), more...) }
	tests := []struct {
		name string
		e    evidence
		want verdict
	}{
		{"all is well", evidence{acked: acknowledged(3), arrived: all}, verdict{accepted: 3, delivered: 3}},
		{"acknowledged and lost", evidence{acked: acknowledged(3), arrived: all[:2]}, verdict{accepted: 3, delivered: 2, lost: 1}},
		{"taken by mosquitto and lost", evidence{acked: acknowledged(2), arrived: all[:2]}, verdict{accepted: 2, delivered: 2, lost: 1}},
		{"lost by mosquitto", evidence{acked: acknowledged(2), arrived: all[:2], forgets: true}, verdict{accepted: 2, delivered: 2, gone: 1}},
		{"acknowledged is not lost by mosquitto", evidence{acked: acknowledged(3), arrived: all[:2], forgets: true},
			verdict{accepted: 3, delivered: 2, lost: 1}},
		{"damaged on the disk", evidence{acked: acknowledged(3), arrived: all[:2], damaged: map[string]map[int]bool{m: {3: true}}},
			verdict{accepted: 3, delivered: 2}},
		{"sent twice", evidence{acked: acknowledged(3), arrived: with(again), faults: 1}, verdict{accepted: 3, delivered: 3, duplicates: 1}},
		{"sent twice for no reason", evidence{acked: acknowledged(3), arrived: with(again)},
			verdict{accepted: 3, delivered: 3, duplicates: 1, complaints: []string{""}}},
		{"too many in a long run", evidence{acked: acknowledged(3), arrived: with(again), faults: longRun},
			verdict{accepted: 3, delivered: 3, duplicates: 1, complaints: []string{""}}},
		{"two bodies", evidence{acked: acknowledged(3), arrived: with(mangled), faults: 1},
			verdict{accepted: 3, delivered: 3, duplicates: 1, mangled: 1}},
		{"out of order", evidence{acked: acknowledged(3), arrived: []delivery{all[0], all[2], all[1]}},
			verdict{accepted: 3, delivered: 3, reordered: 3}}, // by seq, by dseq and by note
		{"numbers of the device out of order", evidence{acked: acknowledged(3), arrived: with(older)},
			verdict{accepted: 3, delivered: 4, reordered: 1}},
		{"a redelivery of mosquitto", evidence{acked: acknowledged(3), arrived: with(arrival(4, m, 1))}, verdict{accepted: 3, delivered: 4}},
		{"nobody sent it", evidence{acked: acknowledged(3), arrived: with(invented)}, verdict{accepted: 3, delivered: 4, phantom: 1}},
		{"nobody sent it yet", evidence{acked: acknowledged(3), arrived: with(arrival(4, m, 9))}, verdict{accepted: 3, delivered: 4, phantom: 1}},
		{"another's message id", evidence{acked: acknowledged(3), arrived: with(foreign)}, verdict{accepted: 3, delivered: 4, strays: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.e.taken = map[string]int{m: 3}
			test.e.place = map[string]map[int]int{m: {1: 1, 2: 2, 3: 3, 4: 4}}
			got := judge(test.e)
			w := test.want
			guilty := w.lost+w.reordered+w.phantom+w.mangled+w.strays+len(w.complaints) > 0
			if got.passed() == guilty {
				t.Errorf("passed is %v", got.passed())
			}
			figures := *got
			figures.complaints, w.complaints, figures.holes = nil, nil, 0
			if diff := cmp.Diff(w, figures, cmp.AllowUnexported(verdict{})); diff != "" {
				t.Errorf("(-want +got):\n%s\n%v", diff, got.complaints)
			}
		})
	}
}

// A device's number that no message has is a hole.
func TestHoles(t *testing.T) {
	v := judge(evidence{arrived: []delivery{arrival(1, "meter00", 1), arrival(4, "meter00", 2)}, taken: map[string]int{"meter00": 2},
		place: map[string]map[int]int{"meter00": {1: 1, 2: 2}}})
	if v.holes != 2 {
		t.Errorf("%d holes between 1 and 4", v.holes)
	}
}

func TestNote(t *testing.T) {
	for text, want := range map[string]int{note("a", 7): 7, note("b", 7): 0, note("a", 0): 0, "7": 0, "": 0, "8" + note("a", 7)[1:]: 0} {
		if got := parseNote("a", text); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

func TestScheduleIsThatOfTheSeed(t *testing.T) {
	ignore := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".kind" }, cmp.Ignore())
	one, same, other := schedule(1, 300, kinds()), schedule(1, 300, kinds()), schedule(2, 300, kinds())
	if diff := cmp.Diff(one, same, ignore); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(one, other, ignore) {
		t.Error("two seeds have one schedule")
	}
	seen := make(map[string]bool)
	for _, f := range append(one, other...) {
		seen[f.Kind] = true
		if f.Hold < f.kind.from || f.Hold > f.kind.to {
			t.Errorf("%s holds for %s", f.Kind, f.Hold)
		}
	}
	for _, k := range kinds() {
		if !seen[k.name] {
			t.Errorf("%s is not among 600 faults", k.name)
		}
	}
}

// Faults that all need the same wait for each other.
func TestScheduleOfOneResource(t *testing.T) {
	slow := []kind{{name: "kill RabbitMQ", weight: 1, uses: theRabbit, slow: true}}
	if got := len(schedule(1, 50, slow)); got != 50 {
		t.Errorf("%d faults", got)
	}
}

// A run whose folder cannot be made says so.
func TestRigWithoutAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newRig(t.Context(), &brokers{}, "hogar", filepath.Join(file, "dir"), 1); err == nil {
		t.Error("it was made below a file")
	}
}

type diary struct{ lines *[]string }

func (d diary) given(topic string, payload []byte) {
	*d.lines = append(*d.lines, fmt.Sprintf("given %s %d", topic, len(payload)))
}

func (d diary) accepted(topic string, payload []byte) {
	*d.lines = append(*d.lines, fmt.Sprintf("accepted %s %d", topic, len(payload)))
}

// The tap hears of an acknowledgement, however the bytes are cut.
func TestTap(t *testing.T) {
	publish := []byte{0x32, 9, 0, 2, 'm', '/', 0, 7, 'x', 'y', 'z'} // QoS 1, packet 7
	long := append([]byte{0x32, 0xca, 0x01, 0, 2, 'l', '/', 0, 8}, bytes.Repeat([]byte("x"), 196)...)
	ack := []byte{0xd0, 0, 0x40, 2, 0, 7, 0x40, 2, 0, 8, 0x40, 2, 0, 9}
	for _, piece := range []int{1, 3, 1000} {
		var got []string
		s := &exchange{open: make(map[uint16]published), witness: diary{&got}}
		write := func(p *packets, b []byte) {
			for chunk := range slices.Chunk(b, piece) {
				_, _ = p.Write(slices.Clone(chunk))
			}
		}
		write(&packets{take: s.down}, append(publish, long...))
		write(&packets{take: s.up}, ack)
		if diff := cmp.Diff([]string{"given m/ 3", "given l/ 196", "accepted m/ 3", "accepted l/ 196"}, got); diff != "" {
			t.Errorf("in pieces of %d: %s", piece, diff)
		}
	}
}

func TestForward(t *testing.T) {
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	go func() {
		c, err := target.Accept()
		if err == nil {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := forward(l, target.Addr().String(), nil)
	c, err := net.Dial("tcp", f.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	b := make([]byte, 5)
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
		t.Errorf("%q %v", b, err)
	}
	f.close() // ends the connection, and returns
	if _, err := c.Read(b); err == nil {
		t.Error("the connection is still open")
	}
}

func TestLocks(t *testing.T) {
	l := newLocks()
	l.take(theLine | theDisk)
	if l.try(theLine) || l.try(theDisk|theRabbit) || !l.try(theRabbit) {
		t.Error("what is taken was given, or what is free was not")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() { l.take(theDisk); cancel() }()
	l.give(theLine | theDisk)
	if <-ctx.Done(); ctx.Err() != context.Canceled {
		t.Error("who waits is not woken")
	}
}

// The mutants fit the code as it is today.
func TestMutantsApply(t *testing.T) {
	for _, m := range mutants {
		if _, err := m.overlay(filepath.Join("..", ".."), t.TempDir()); err != nil {
			t.Error(err)
		}
	}
}

// outcome is a receipt as it arrives.
func outcome(id, result string) delivery {
	return delivery{kind: "outcome", body: fmt.Sprintf(`{"id":%q,"outcome":%q}`, id, result)}
}

func TestJudgeCommands(t *testing.T) {
	dial, lamp := order{taken: true, device: "dial0", value: 7}, order{taken: true, device: "lamp0"}
	unsure := lamp
	unsure.taken = false
	acts := func(device, value string, n int) map[string]map[string]int {
		return map[string]map[string]int{device: {value: n}}
	}
	tests := []struct {
		name    string
		order   order
		effects map[string]map[string]int
		told    []string
		kills   int
		guilty  bool
	}{
		{"obeyed", dial, acts("dial0", "7", 1), []string{"verified"}, 1, false},
		{"told twice, the same", dial, acts("dial0", "7", 1), []string{"applied", "applied"}, 1, false},
		{"no outcome", dial, acts("dial0", "7", 1), nil, 1, true},
		{"two outcomes", dial, acts("dial0", "7", 1), []string{"applied", "failed"}, 1, true},
		{"nothing happened", dial, nil, []string{"applied"}, 1, true},
		{"set again after a kill", dial, acts("dial0", "7", 2), []string{"applied"}, 1, false},
		{"set again for no reason", dial, acts("dial0", "7", 2), []string{"applied"}, 0, true},
		{"set thrice", dial, acts("dial0", "7", 3), []string{"applied"}, 9, true},
		{"a value that is unknown", dial, nil, []string{"unknown"}, 1, true},
		{"poison that acted", order{taken: true, device: "dial0", value: 7, dead: true}, acts("dial0", "7", 1), []string{"rejected"}, 1, true},
		{"poison", order{taken: true, device: "dial0", value: 7, dead: true}, nil, []string{"rejected"}, 1, false},
		{"toggled", lamp, acts("lamp0", "ON", 1), []string{"applied"}, 1, false},
		{"toggled twice", lamp, acts("lamp0", "ON", 2), []string{"applied"}, 1, true},
		{"cut in between", lamp, acts("lamp0", "ON", 1), []string{"unknown"}, 1, false},
		{"switched by nobody", lamp, acts("lamp0", "ON", 1), []string{"rejected"}, 1, true},
		{"never taken", unsure, nil, nil, 1, false},
		{"taken, and nobody knew", unsure, acts("lamp0", "ON", 1), []string{"applied"}, 1, false},
		{"never taken, and switched", unsure, acts("lamp0", "ON", 1), nil, 1, true},
		{"too late, and applied", order{taken: true, device: "lamp0", dead: true}, acts("lamp0", "ON", 1), []string{"applied"}, 1, true},
	}
	for _, test := range tests {
		var arrived []delivery
		for _, result := range test.told {
			arrived = append(arrived, outcome("c-7", result))
		}
		v := &verdict{}
		judgeCommands(v, map[string]order{"c-7": test.order}, test.effects, arrived, test.kills, false)
		if v.passed() == test.guilty {
			t.Errorf("%s: passed is %v: %v", test.name, v.passed(), v.complaints)
		}
	}
}
