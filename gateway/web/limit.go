package web

import (
	"context"
	"slices"
	"sync"
	"time"
)

// limiter decides which password is looked at, and when. One is looked at at a time,
// because that costs time on purpose; an address has one that waits for its turn. First
// come those from addresses without a wrong password, and of them the newest: so the right
// one, from another address, does not wait behind guesses.
type limiter struct {
	mu    sync.Mutex
	from  misses          // by address
	users misses          // by the name that was given, known or not
	under map[string]bool // addresses of which a password waits or is looked at
	busy  bool
	queue []*guess
}

// misses are wrong passwords.
type misses map[string]miss

type miss struct {
	count int
	last  time.Time
}

// guess is a password that has come.
type guess struct {
	from, user string
	misses     int       // of its address
	turn       chan bool // true: it is its turn; false: it has to give way. Has room for one
}

const (
	freeMisses = 5                // wrong passwords that cost an address nothing
	manyMisses = 20               // wrong ones for one user, after which an address has one of those
	maxWait    = time.Minute      // the longest time between two passwords of an address
	forgetting = 15 * time.Minute // after which misses are forgotten
	maxSenders = 1000
	maxQueue   = 8 // passwords that wait for their turn
	maxOfUser  = 4 // of those, for one user
	busyWait   = time.Second
)

// begin returns when it is a password's turn. Without it, it has to be sent again after a
// wait. end has to be called with what begin returns.
func (l *limiter) begin(ctx context.Context, from, user string) (g *guess, wait time.Duration) {
	g = &guess{from: from, user: user, turn: make(chan bool, 1)}
	if wait = l.join(g); wait > 0 {
		return nil, wait
	}
	select {
	case mine := <-g.turn:
		if !mine {
			return nil, busyWait
		}
	case <-ctx.Done():
		l.leave(g)
		return nil, busyWait
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait = l.wait(from, user); wait > 0 {
		l.pass(g)
		return nil, wait
	}
	return g, 0
}

// end takes down how a password was, and gives the turn to the next.
func (l *limiter) end(g *guess, right bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if right {
		delete(l.from, g.from)
	} else {
		l.from = l.from.add(g.from)
		l.users = l.users.add(g.user)
	}
	l.pass(g)
}

// join takes the turn or a place in the queue, or says how long to wait.
func (l *limiter) join(g *guess) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait = l.wait(g.from, g.user); wait > 0 {
		return wait
	}
	if l.under[g.from] {
		return busyWait
	}
	if l.under == nil {
		l.under = make(map[string]bool)
	}
	l.under[g.from], g.misses = true, l.from[g.from].count
	if !l.busy {
		l.busy = true
		g.turn <- true
		return 0
	}
	l.queue = append(l.queue, g)
	l.bound(maxOfUser, func(o *guess) bool { return o.user == g.user })
	l.bound(maxQueue, func(*guess) bool { return true })
	return 0
}

// bound has of some guesses the one give way that would come last, when there are more
// than most. The lock is held.
func (l *limiter) bound(most int, of func(*guess) bool) {
	var last *guess
	n := 0
	for _, g := range l.queue { // the oldest first
		if of(g) {
			if n++; last == nil || g.misses > last.misses {
				last = g
			}
		}
	}
	if n > most {
		l.drop(last)
		last.turn <- false
	}
}

// drop takes a guess out of the queue; false when it is not there. The lock is held.
func (l *limiter) drop(g *guess) bool {
	i := slices.Index(l.queue, g)
	if i < 0 {
		return false
	}
	l.queue = slices.Delete(l.queue, i, i+1)
	delete(l.under, g.from)
	return true
}

// leave gives up a guess whose sender has gone.
func (l *limiter) leave(g *guess) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.drop(g) && <-g.turn { // it was its turn just now
		l.pass(g)
	}
}

// pass ends the turn of g and gives it to the next. The lock is held.
func (l *limiter) pass(g *guess) {
	delete(l.under, g.from)
	var next *guess
	for _, o := range l.queue {
		if next == nil || o.misses <= next.misses {
			next = o
		}
	}
	if l.busy = next != nil; l.busy {
		l.queue = slices.Delete(l.queue, slices.Index(l.queue, next), slices.Index(l.queue, next)+1)
		next.turn <- true
	}
}

// wait is how long an address has to wait before its next password for a user. One that
// has not sent a wrong one never waits. The lock is held.
func (l *limiter) wait(from, user string) time.Duration {
	m, free := l.from.of(from), freeMisses
	if l.users.of(user).count >= manyMisses {
		free = 1
	}
	if m.count < free {
		return 0
	}
	return time.Until(m.last.Add(min(time.Second<<min(m.count-free, 10), maxWait)))
}

// of returns the misses that are not forgotten.
func (all misses) of(key string) miss {
	if m := all[key]; time.Since(m.last) <= forgetting {
		return m
	}
	return miss{}
}

// add counts one more; of too many keys the oldest is forgotten.
func (all misses) add(key string) misses {
	if all == nil {
		all = make(misses)
	}
	all[key] = miss{all.of(key).count + 1, time.Now()}
	if len(all) <= maxSenders {
		return all
	}
	oldest, last := "", time.Now()
	for one, m := range all {
		if one != key && !m.last.After(last) {
			oldest, last = one, m.last
		}
	}
	delete(all, oldest)
	return all
}
