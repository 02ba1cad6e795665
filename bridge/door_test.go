package bridge

import (
	"sync"

	"hogar/gateway/home"
)

// door is a Door of functions; without one, every command is applied and every refusal recorded.
type door struct {
	submit func(home.Command, func(home.Outcome))
	mu     sync.Mutex
	taken  []home.Command
}

func (d *door) Submit(c home.Command, done func(home.Outcome)) {
	d.mu.Lock()
	d.taken = append(d.taken, c)
	d.mu.Unlock()
	if d.submit != nil {
		d.submit(c, done)
		return
	}
	done(home.Outcome{ID: c.ID, Device: c.Device, Set: c.Set, Result: home.Applied})
}

func (d *door) Refuse(c home.Command, problem, hint string, done func(home.Outcome)) {
	done(home.Outcome{ID: c.ID, Device: c.Device, Set: c.Set, Result: home.Rejected, Error: problem, Hint: hint})
}

func (d *door) commands() []home.Command {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]home.Command(nil), d.taken...)
}
