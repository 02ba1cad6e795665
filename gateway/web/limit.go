package web

import (
	"sync"
	"time"
)

// limiter slows down who sends wrong passwords.
type limiter struct {
	turn sync.Mutex // one password at a time

	mu sync.Mutex
	of map[string]misses // by address
}

type misses struct {
	count int
	last  time.Time
}

const (
	freeMisses = 5                // wrong passwords that cost nothing
	maxWait    = time.Minute      // the longest time between two passwords
	forgetting = 15 * time.Minute // after which misses are forgotten
	maxSenders = 1000
)

// wait is how long the address has to wait before its next password.
func (l *limiter) wait(from string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.of[from]
	if m.count < freeMisses {
		return 0
	}
	wait := min(time.Second<<min(m.count-freeMisses, 10), maxWait)
	return time.Until(m.last.Add(wait))
}

// note takes down how a password was.
func (l *limiter) note(from string, right bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if right {
		delete(l.of, from)
		return
	}
	if l.of == nil {
		l.of = make(map[string]misses)
	}
	for one, m := range l.of {
		if time.Since(m.last) > forgetting || len(l.of) > maxSenders {
			delete(l.of, one)
		}
	}
	l.of[from] = misses{l.of[from].count + 1, time.Now()}
}
