package ledger

import "time"

// rateSpan is over how many ticks the rates are taken.
const rateSpan = 30

// rates remembers how much came and went, tick by tick.
type rates struct {
	in, out uint64 // since the start
	ticks   [rateSpan + 1]tick
	n       int // ticks so far
}

type tick struct {
	at      time.Time
	in, out uint64
}

// Flow is how fast events come and go.
type Flow struct {
	In, Out float64       // a second, over the last half a minute: accepted; confirmed or dropped
	Empty   time.Duration // machine time until nothing waits, if it goes on so; negative: never
}

// Tick takes note of what came and went so far. It is to be called once a second
// with the machine's time.
func (l *Ledger) Tick(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &l.rates
	r.ticks[r.n%len(r.ticks)] = tick{now, r.in, r.out}
	r.n++
}

// Flow returns the rates, and what follows from them.
func (l *Ledger) Flow() Flow {
	l.mu.Lock()
	defer l.mu.Unlock()
	var waiting int64
	for i := range l.accounts {
		waiting += l.accounts[i].waiting
	}
	r := &l.rates
	f := Flow{Empty: -time.Second}
	if r.n > 1 {
		newest, oldest := r.ticks[(r.n-1)%len(r.ticks)], r.ticks[max(0, r.n-len(r.ticks))%len(r.ticks)]
		if span := newest.at.Sub(oldest.at).Seconds(); span > 0 {
			f.In, f.Out = float64(newest.in-oldest.in)/span, float64(newest.out-oldest.out)/span
		}
	}
	switch {
	case waiting <= 0:
		f.Empty = 0
	case f.Out > f.In:
		f.Empty = time.Duration(float64(waiting) / (f.Out - f.In) * float64(time.Second))
	}
	return f
}
