package hub

import (
	"errors"

	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// Why an event was not recorded, as the ledger has it.
const (
	refusedFull    = "full"
	refusedFailed  = "failed"
	refusedTooLong = "too_long"
	refusedInvalid = "invalid"
	refusedClosed  = "stopping"
	refusedBusy    = "busy"
)

// sample counts an event that came in. Its class becomes the gateway's own when it
// has none, and none when it is not to be published: the ledger is about what is.
func (h *Hub) sample(ev *home.Event) {
	switch {
	case ev.Kind > home.KindCatalog && ev.Kind != home.KindPublish:
		ev.Class = home.ClassNone
		return
	case ev.Class == home.ClassNone:
		ev.Class = home.ClassGateway
	}
	h.o.Ledger.Sampled(ev.Class)
}

// count counts an event that the journal took, or refused with err.
func (h *Hub) count(ev *home.Event, err error) {
	switch {
	case ev.Class == home.ClassNone:
	case err == nil:
		h.o.Ledger.Accepted(ev.Class)
	default:
		h.o.Ledger.Refused(ev.Class, refusalOf(err))
	}
}

// Withdraw counts events of a class that were numbered, and that the disk did not
// take after all: what [journal.Options.OnRefuse] tells. Safe for concurrent use.
func (h *Hub) Withdraw(class uint8, n uint64, err error) {
	h.o.Ledger.Withdrawn(home.Class(class), n, refusalOf(err))
}

func refusalOf(err error) string {
	switch {
	case errors.Is(err, journal.ErrFull):
		return refusedFull
	case errors.Is(err, journal.ErrFailed):
		return refusedFailed
	case errors.Is(err, journal.ErrTooBig):
		return refusedTooLong
	case errors.Is(err, journal.ErrClosed):
		return refusedClosed
	case errors.Is(err, ErrBusy):
		return refusedBusy
	}
	return refusedInvalid // it has no JSON form
}
