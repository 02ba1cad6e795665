package main

import (
	"fmt"
	"strings"
)

// evidence is what the oracles have seen: all that the verdict rests on.
type evidence struct {
	taken   map[string]int          // by meter: Mosquitto took all up to this number
	place   map[string]map[int]int  // by meter: as which one the gateway was given it first
	acked   map[string]map[int]bool // by meter: the gateway acknowledged it to Mosquitto
	damaged map[string]map[int]bool // by meter: its record was damaged on the disk
	arrived []delivery              // in the order of the queue
	forgets bool                    // Mosquitto was killed or restarted: what it lost is not the gateway's
	faults  int
	starts  int // of the gateway, beside the first
}

// verdict is what is found against the gateway, and the figures of a run.
type verdict struct {
	accepted, delivered, duplicates           int
	holes                                     int // numbers of devices that no message has
	commands, unanswered, twice               int // twice: set again to the same value, after a kill
	lost, reordered, phantom, mangled, strays int
	gone                                      int // that Mosquitto lost
	complaints                                []string
	siege                                     string // what else was measured in a siege
}

// maxComplaints are told; all are counted.
const maxComplaints = 20

func (v *verdict) complain(format string, args ...any) {
	if len(v.complaints) < maxComplaints {
		v.complaints = append(v.complaints, fmt.Sprintf(format, args...))
	}
}

// passed reports whether nothing was found.
func (v *verdict) passed() bool { return len(v.complaints) == 0 }

// judge holds the invariants of delivery against the evidence.
func judge(e evidence) *verdict {
	v := &verdict{}
	order := newSequence(v, e)
	for _, d := range e.arrived {
		order.add(d)
	}
	v.delivered, v.duplicates = len(order.ids), order.again
	for device, last := range order.dseq {
		v.holes += int(last) - order.told[device]
	}
	v.judgeDuplicates(e.faults, e.starts)
	for meter, last := range e.taken {
		for n := 1; n <= last; n++ {
			acked, there := e.acked[meter][n], order.notes[meter][n]
			if acked {
				v.accepted++
			}
			switch {
			case there, e.damaged[meter][n]:
			case acked:
				v.lost++
				v.complain("lost: %s %d was acknowledged, and has not arrived", meter, n)
			case e.forgets:
				v.gone++
			default:
				v.lost++
				v.complain("lost: %s %d was neither acknowledged nor delivered, though Mosquitto has it", meter, n)
			}
		}
	}
	return v
}

// window is how many messages the gateway has under way, and so has to send again
// at most when a connection breaks.
const window = 128

// unsaved is how many more may come again after a kill: the journal writes down
// how far it is once for so many messages that were confirmed.
const unsaved = 256

// longRun is how many faults make a run long.
const longRun = 60

// judgeDuplicates allows for a window each fault, for what was not saved at each
// start, and for 5 % of a long run: in a short one a single fault in the middle of a
// backlog is as much.
func (v *verdict) judgeDuplicates(faults, starts int) {
	if v.duplicates > window*faults+unsaved*starts {
		v.complain("%d duplicates of %d faults and %d starts: more than %d for each fault and %d for each start", v.duplicates, faults, starts, window, unsaved)
	}
	if faults >= longRun && v.duplicates*20 > v.delivered {
		v.complain("%d duplicates of %d messages: more than 5 %%", v.duplicates, v.delivered)
	}
}

// sequence looks at the messages one after the other.
type sequence struct {
	v *verdict
	evidence
	ids   map[string]string // body by message id
	again int
	seq   int64
	dseq  map[string]int64 // the highest of each device
	told  map[string]int   // how many
	notes map[string]map[int]bool
	last  map[string]int // the place of the newest note of each meter
}

func newSequence(v *verdict, e evidence) *sequence {
	return &sequence{v: v, evidence: e, ids: make(map[string]string), dseq: make(map[string]int64), told: make(map[string]int),
		notes: make(map[string]map[int]bool), last: make(map[string]int)}
}

func (o *sequence) add(d delivery) {
	if body, known := o.ids[d.id]; known {
		o.again++
		if body != d.body {
			o.v.mangled++
			o.v.complain("%s came with two bodies:\n  %s\n  %s", d.id, body, d.body)
		}
		return
	}
	o.ids[d.id] = d.body
	if d.id == "" || !strings.HasSuffix(d.id, fmt.Sprintf("-%d", d.seq)) {
		o.v.strays++
		o.v.complain("message id %q does not end in its seq %d: %s %s", d.id, d.seq, d.key, d.body)
	}
	if d.seq <= o.seq {
		o.v.reordered++
		o.v.complain("reordered: seq %d came first after %d: %s", d.seq, o.seq, d.body)
	}
	o.seq = max(o.seq, d.seq)
	if d.dseq != 0 {
		o.told[d.device]++
		if d.dseq <= o.dseq[d.device] {
			o.v.reordered++
			o.v.complain("reordered: dseq %d of %s came first after %d", d.dseq, d.device, o.dseq[d.device])
		}
		o.dseq[d.device] = max(o.dseq[d.device], d.dseq)
	}
	if d.kind == "reading" && strings.HasPrefix(d.device, "meter") && d.text != "" {
		o.note(d)
	}
}

// note takes the reading of a meter.
func (o *sequence) note(d delivery) {
	n := parseNote(d.device, d.text)
	if n == 0 || o.place[d.device][n] == 0 {
		o.v.phantom++
		o.v.complain("phantom: nobody gave the gateway %s", d.body)
		return
	}
	if o.notes[d.device] == nil {
		o.notes[d.device] = make(map[int]bool)
	}
	if o.notes[d.device][n] {
		return // Mosquitto gave it to the gateway twice
	}
	at := o.place[d.device][n]
	if at < o.last[d.device] && !o.damaged[d.device][n] { // of a damaged one a later copy is the first
		o.v.reordered++
		o.v.complain("reordered: %s %d came first after one that was given to the gateway later", d.device, n)
	}
	o.last[d.device] = max(at, o.last[d.device])
	o.notes[d.device][n] = true
}
