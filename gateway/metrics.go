package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"hogar/gateway/home"
)

// meters count what happens, for Prometheus. They are a part of the hub, and begin
// anew with each start.
type meters struct {
	commands, runs counters
	took, arrived  *histogram
}

// Buckets of the histograms, in seconds.
var (
	tookBuckets    = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
	arrivedBuckets = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600}
)

func newMeters() *meters {
	return &meters{took: newHistogram("hogar_command_duration_seconds", tookBuckets),
		arrived: newHistogram("hogar_delivery_duration_seconds", arrivedBuckets)}
}

// histogram is one in a set of its own, so that it can be written alone.
type histogram struct {
	*metrics.PrometheusHistogram
	name string
	set  *metrics.Set
}

func newHistogram(name string, buckets []float64) *histogram {
	set := metrics.NewSet()
	return &histogram{set.NewPrometheusHistogramExt(name, buckets), name, set}
}

// counters are the lines of one metric, by their labels.
type counters struct {
	mu sync.Mutex
	of map[string]tally
}

// tally is one of them: what it is about, as a name that rights are asked of.
type tally struct {
	about string
	n     uint64
}

func (c *counters) add(about, labels string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[string]tally)
	}
	c.of[labels] = tally{about, c.of[labels].n + 1}
}

// each gives out, in order, the lines that may be seen.
func (c *counters) each(see func(about string) bool) func(line func(labels string, value uint64)) {
	return func(line func(labels string, value uint64)) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, labels := range slices.Sorted(maps.Keys(c.of)) {
			if one := c.of[labels]; see(one.about) {
				line(labels, one.n)
			}
		}
	}
}

// Apply counts an event.
func (m *meters) Apply(ev *home.Event, live bool) {
	switch {
	case !live:
	case ev.Kind == home.KindOutcome:
		m.commands.add("", labels("outcome", string(ev.Outcome.Result)))
		m.took.Update(float64(ev.Outcome.TookMS) / 1000)
	case ev.Kind == home.KindRule:
		m.runs.add(ev.Name, labels("rule", ev.Name, "state", ev.State))
	}
}

// Save and Restore keep nothing: Prometheus knows that counters begin anew.
func (m *meters) Save() (json.RawMessage, error) { return json.RawMessage("null"), nil }

// Restore implements the hub's part.
func (m *meters) Restore(json.RawMessage) error { return nil }

// sampleEvery is how often one event's way to the broker is timed, and sampleStep how
// exactly.
const (
	sampleEvery = time.Second
	sampleStep  = 10 * time.Millisecond
)

// timeDelivery times, once a second, how long the newest event takes from the journal to
// the broker's confirmation, until ctx ends.
func (g *gateway) timeDelivery(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		seq, began := g.journal.Last(), time.Now()
		if seq <= g.journal.Cursor() {
			continue
		}
		step := time.NewTicker(sampleStep)
		for slow := false; g.journal.Cursor() < seq; {
			if !slow && time.Since(began) > sampleEvery { // the broker is away
				slow = true
				step.Reset(sampleEvery / 10)
			}
			select {
			case <-step.C:
			case <-ctx.Done():
				step.Stop()
				return
			}
		}
		step.Stop()
		g.meters.arrived.UpdateDuration(began)
	}
}

// labels are pairs of a name and a value: {rule="night",state="done"}.
func labels(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(pairs[i] + "=" + strconv.Quote(strings.ToValidUTF8(pairs[i+1], "?")))
	}
	return b.String() + "}"
}

// family writes one metric with what it means.
type family struct {
	w io.Writer
}

func (f family) head(name, kind, help string) {
	_, _ = io.WriteString(f.w, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n")
}

func (f family) gauge(name, help string, value float64) {
	f.head(name, "gauge", help)
	metrics.WriteGaugeFloat64(f.w, name, value)
}

func (f family) counter(name, help string, value uint64) {
	f.head(name, "counter", help)
	metrics.WriteCounterUint64(f.w, name, value)
}

func (f family) histogram(help string, h *histogram) {
	f.head(h.name, "histogram", help)
	h.set.WritePrometheus(f.w)
}

// gauges writes a line for each label; of no line not even the head.
func (f family) gauges(name, help string, lines func(line func(labels string, value float64))) {
	first := true
	lines(func(labels string, value float64) {
		if first {
			f.head(name, "gauge", help)
			first = false
		}
		metrics.WriteGaugeFloat64(f.w, name+labels, value)
	})
}

func (f family) counters(name, help string, lines func(line func(labels string, value uint64))) {
	first := true
	lines(func(labels string, value uint64) {
		if first {
			f.head(name, "counter", help)
			first = false
		}
		metrics.WriteCounterUint64(f.w, name+labels, value)
	})
}

// serveMetrics answers Prometheus. Of devices and rules it has those that source may get.
func (g *gateway) serveMetrics(w http.ResponseWriter, _ *http.Request, source string) {
	var b bytes.Buffer
	f := family{&b}
	g.aboutHouse(f, func(device, property string) bool { return g.May(source, "get", device, property) })
	g.aboutDelivery(f)
	g.aboutProcess(f)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
