package main

import "sync"

// locks hands out resources, several at a time.
type locks struct {
	mu    sync.Mutex
	freed sync.Cond
	held  resource
}

func newLocks() *locks {
	l := &locks{}
	l.freed.L = &l.mu
	return l
}

// take waits until all of them are free.
func (l *locks) take(r resource) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.held&r != 0 {
		l.freed.Wait()
	}
	l.held |= r
}

// try takes them if they are free.
func (l *locks) try(r resource) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held&r != 0 {
		return false
	}
	l.held |= r
	return true
}

func (l *locks) give(r resource) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held &^= r
	l.freed.Broadcast()
}
