package bridge

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestReceiptsGoFirst has the records of commands wait for receipts: not without
// any, until the last is out, and never for long.
func TestReceiptsGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceipts()
		waited := func() time.Duration {
			began := time.Now()
			r.first(t.Context())
			return time.Since(began)
		}
		if got := waited(); got != 0 {
			t.Errorf("without receipts: waited %s", got)
		}
		for range 2 {
			if !r.put(reply{}) {
				t.Fatal("there is no room")
			}
		}
		if got := waited(); got != giveWay {
			t.Errorf("receipts that do not move: waited %s", got)
		}
		go func() { // the replier
			for range 2 {
				<-r.queue
				time.Sleep(time.Millisecond)
				r.over(true)
			}
		}()
		if got := waited(); got != 2*time.Millisecond {
			t.Errorf("two receipts of a millisecond each: waited %s", got)
		}
		if got := waited(); got != 0 {
			t.Errorf("when they are out: waited %s", got)
		}
	})
}

// TestReceiptsAreBounded drops receipts where too many wait, and forgets those.
func TestReceiptsAreBounded(t *testing.T) {
	r := newReceipts()
	for range repliesMost {
		r.put(reply{})
	}
	if r.put(reply{}) {
		t.Error("there is room for more than there should be")
	}
	if got := r.left.Load(); got != repliesMost {
		t.Errorf("%d are left", got)
	}
}
