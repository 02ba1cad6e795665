package gateway

import (
	"testing"
	"testing/synctest"
	"time"

	"hogar/gateway/home"
)

// What waits is one number: commands and variables stand in the journal, too, and nobody waits
// for them to be sent.
func TestTheOutboxHasOneNumber(t *testing.T) {
	plan := planOf(t, withVars)
	synctest.Test(t, func(t *testing.T) {
		h := runHouse(t, plan, nil, nil)
		time.Sleep(time.Second)
		for range 5 {
			h.set(home.Vars, "guests", home.Toggle)
		}
		time.Sleep(time.Second)
		o, records := h.Sender.Outbox(), h.House.Status().Journal.Waiting
		if o.Waiting == 0 || int64(o.Waiting) != o.Ledger.All.Waiting || o.Waiting >= records || o.Oldest.IsZero() {
			t.Errorf("%d wait, %d in the ledger, of %d records; the oldest of %v", o.Waiting, o.Ledger.All.Waiting, records, o.Oldest)
		}
	})
}
