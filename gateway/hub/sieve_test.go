package hub

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/filter"
	"hogar/gateway/home"
)

// chain makes the filters of "delta 1, heartbeat 10m".
func chain(t testing.TB, text string) *filter.Chain {
	t.Helper()
	n := &home.Node{Kind: home.NodeList}
	for one := range strings.SplitSeq(text, ", ") {
		word, value, _ := strings.Cut(one, " ")
		n.Items = append(n.Items, &home.Node{Kind: home.NodeMap, Pairs: []home.Pair{{Key: word, Value: &home.Node{Kind: home.NodeScalar, Text: value}}}})
	}
	var faults home.Faults
	c := filter.Decode(n, temperature, &faults)
	if len(faults.List) > 0 {
		t.Fatal(faults.List)
	}
	return c
}

var temperature = home.Property{Name: "temperature", Type: home.TypeNumber, Unit: "°C"}

// meter is a part that counts measurements that are not told.
type meter struct {
	counter
	measured []string
}

func (m *meter) Measured(ev *home.Event) {
	m.measured = append(m.measured, ev.FullName()+" "+ev.Value.String())
}

func TestFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{}
		h, j := open(t, t.TempDir(), map[string]Part{"meter": m})
		stop := run(t, h, j)
		h.Expect(map[string]time.Duration{"probe": time.Minute})
		h.Filter("probe", []home.Property{temperature}, map[string]*filter.Chain{"temperature": chain(t, "delta 1, heartbeat 10m")})
		plain, raw := h.Follow(), h.FollowRaw()
		accept(t, h, home.Event{Kind: home.KindCatalog, Device: "probe", Catalog: &home.Catalog{Properties: []home.Property{temperature}}})
		accept(t, h, reading("probe", "temperature", 20))
		for range 12 { // told once, measured again and again: never stale
			time.Sleep(50 * time.Second)
			accept(t, h, reading("probe", "temperature", 20.4))
		}
		age := time.Since(h.Devices("#")[0].Readings[0].Time)
		time.Sleep(40 * time.Second) // the heartbeat is due in between
		accept(t, h, home.Event{Kind: home.KindStatus, Device: "probe", State: home.Offline, Reason: "gone"})
		accept(t, h, reading("probe", "temperature", 20.4)) // back, and not held back
		told := written(t, j)
		stop()
		want := []string{
			`catalog {"device":"probe","dseq":1,"properties":[{"property":"temperature","type":"number","unit":"°C"}]}`,
			`status {"device":"probe","dseq":2,"status":"online"}`,
			`reading {"device":"probe","dseq":3,"property":"temperature","unit":"°C","value":20}`,
			`reading {"device":"probe","dseq":4,"property":"temperature","unit":"°C","value":20}`,
			`status {"device":"probe","dseq":5,"reason":"gone","status":"offline"}`,
			`reading {"device":"probe","dseq":6,"property":"temperature","unit":"°C","unknown":"offline: gone","value":null}`,
			`status {"device":"probe","dseq":7,"status":"online"}`,
			`reading {"device":"probe","dseq":8,"property":"temperature","unit":"°C","value":20.4}`,
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("want -, got +\n%s", diff)
		}
		if age > time.Second {
			t.Errorf("the reading is %s old, although it was measured just now", age)
		}
		if n := h.o.Ledger.Counts().All.Filtered; len(m.measured) != 12 || n != 12 {
			t.Errorf("%d measurements were held back, %d counted: %q", len(m.measured), n, m.measured)
		}
		if got := fmt.Sprint(len(drain(t, plain)), " ", len(drain(t, raw))); got != "8 22" { // 14 came from the sensor
			t.Errorf("plain and raw followers saw %s events", got)
		}
	})
}

// drain reads all that a follower can see.
func drain(t *testing.T, f *Follower) []home.Event {
	t.Helper()
	var events []home.Event
	for {
		ev, _, _, ok := f.try()
		if !ok {
			return events
		}
		events = append(events, ev)
	}
}

// A value that has stayed is told without being late, though it was measured long
// ago, and after the measurements that said the same.
func TestDebounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{}
		h, j := open(t, t.TempDir(), map[string]Part{"meter": m})
		stop := run(t, h, j)
		h.Filter("probe", []home.Property{temperature}, map[string]*filter.Chain{"temperature": chain(t, "debounce 30s")})
		f := h.Follow()
		for _, v := range []float64{20, 21, 21, 21} {
			accept(t, h, reading("probe", "temperature", v))
			time.Sleep(12 * time.Second)
		}
		last := time.Now().Add(-12 * time.Second)
		stop()
		events := drain(t, f)
		got := events[len(events)-1]
		if got.Value != home.NumberOf(21) || got.Late() || !got.Time.Equal(last) {
			t.Errorf("told %s of %s, late %v; want 21 of %s", got.Value, got.Time, got.Late(), last)
		}
	})
}

// The sender is told when all that was taken is durable, also when what came last
// is held back, and once.
func TestReceiptOfFiltered(t *testing.T) {
	h, j := open(t, t.TempDir(), nil)
	h.Filter("probe", []home.Property{temperature}, map[string]*filter.Chain{"temperature": chain(t, "delta 1")})
	stop := run(t, h, j)
	accept(t, h, reading("probe", "temperature", 20))
	before := j.Last()
	accept(t, h, reading("other", "temperature", 1), reading("probe", "temperature", 20.1))
	if j.Durable() != j.Last() || j.Last() != before+2 { // with the other's status
		t.Errorf("told at %d durable of %d", j.Durable(), j.Last())
	}
	accept(t, h, reading("probe", "temperature", 20.1))
	accept(t, h)
	stop()
	refused := make(chan error, 2)
	h.handle(batch{events: []home.Event{reading("other", "temperature", 2), reading("probe", "temperature", 20.2)}, done: func(err error) { refused <- err }})
	if err := <-refused; !errors.Is(err, j.Close()) && err == nil {
		t.Error("a closed journal took it")
	}
	select {
	case err := <-refused:
		t.Errorf("told twice: %v", err)
	default:
	}
}
