package bridge

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// TestHistory publishes, and reads what was published out of the stream again, up
// to its end, for one of two gateways.
func TestHistory(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true}, &door{})
	h.until("connected", func() bool { return h.Status().Connected })
	other := runBridge(t, Options{Declare: true, URLs: []string{h.url}, Gateway: "other"}, &door{})
	other.reading("a", "x", 1)
	var want []uint64
	for i := range 700 {
		h.reading("a", "x", uint64(i+1))
		want = append(want, uint64(i+1))
	}
	h.event(home.Event{Kind: home.KindEvent, Device: "b", Property: "action", Value: home.TextOf("press"), DSeq: 1, Flags: home.FlagPublished | home.FlagLate})
	want = append(want, 701)
	for _, one := range []*house{h, other} {
		one.until("all is confirmed", func() bool { return one.journal.Cursor() == one.journal.Last() })
	}
	o := Options{URLs: []string{h.url}, Gateway: "casa"}
	read := func(since time.Time) (seqs []uint64, last home.Event) {
		t.Helper()
		for ev, err := range History(t.Context(), o, since) {
			if err != nil {
				t.Fatal(err)
			}
			seqs, last = append(seqs, ev.Seq), ev
		}
		return seqs, last
	}
	got, last := read(time.Now().Add(-time.Hour))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if last.Kind != home.KindEvent || last.Value != home.TextOf("press") || !last.Late() || time.Since(last.At) > time.Minute {
		t.Errorf("%+v", last)
	}
	o.Gateway = "nobody"
	if got, _ := read(time.Now().Add(-time.Hour)); len(got) > 0 {
		t.Errorf("%d of nobody", len(got))
	}
}

// TestHistoryIsNoStream: what cannot be read by time says so.
func TestHistoryIsNoStream(t *testing.T) {
	t.Parallel()
	h := runBridge(t, Options{Declare: true, History: "classic"}, &door{})
	h.until("connected", func() bool { return h.Status().Connected })
	h.reading("a", "x", 1)
	h.until("it is confirmed", func() bool { return h.journal.Cursor() == h.journal.Last() })
	for _, err := range History(t.Context(), Options{URLs: []string{h.url}, Gateway: "casa"}, time.Now()) {
		if err == nil || !strings.Contains(err.Error(), "is no stream") {
			t.Fatalf("%v", err)
		}
	}
	c := dialClient(t, h.url)
	h.until("the message is still there", func() bool { return waiting(t, c, "hogar.history") == 1 })
}
