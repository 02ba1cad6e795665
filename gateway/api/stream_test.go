package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// shelf is a journal of readings with the numbers 1 to newest.
type shelf struct{ oldest, newest uint64 }

func (s *shelf) Kept() (oldest, newest uint64) { return s.oldest, s.newest }

func (s *shelf) Between(_ context.Context, after, to uint64) iter.Seq[home.Event] {
	return func(yield func(home.Event) bool) {
		for n := max(after+1, s.oldest); n <= to; n++ {
			if !yield(reading("hall", float64(n), n)) {
				return
			}
		}
	}
}

func (s *shelf) Range(ctx context.Context, from, to time.Time, want func(home.Kind, []byte) bool) iter.Seq[home.Event] {
	return func(yield func(home.Event) bool) {
		for ev := range s.Between(ctx, 0, s.newest) {
			ev.Time = from.Add(time.Duration(ev.Seq) * time.Minute)
			body, _ := ev.AppendJSON(nil)
			if ev.Time.Before(to) && (want == nil || want(ev.Kind, body)) && !yield(ev) {
				return
			}
		}
	}
}

// read is what a stream says until the house ends: numbers, and what is no event.
func read(t *testing.T, s *Server, query string, header ...string) string {
	t.Helper()
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/events?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var said []string
	for frame := range strings.SplitSeq(strings.TrimSpace(string(body)), "\n\n") {
		first, rest, _ := strings.Cut(frame, "\n")
		if first == "event: lost" {
			first += strings.TrimPrefix(rest, "data:")
		}
		said = append(said, strings.TrimPrefix(first, "id: "))
	}
	return strings.Join(said, ",")
}

// After a lost connection the journal gives what was missed, and the hub the rest:
// each number once. The same when the hub has left some out.
func TestStreamGoesOn(t *testing.T) {
	for _, c := range []struct {
		name, query, last, want string
		oldest, newest          uint64
		live                    []followed
	}{
		{"from now", "", "", "8,9", 1, 7, []followed{{reading("hall", 8, 8), 0}, {reading("hall", 9, 9), 0}}},
		{"missed three", "", "4", "5,6,7,8", 1, 7, []followed{{reading("hall", 7, 7), 0}, {reading("hall", 8, 8), 0}}},
		{"by query", "after=5", "", "6,7,8", 1, 7, []followed{{reading("hall", 8, 8), 0}}},
		{"missed nothing", "", "7", "8", 1, 7, []followed{{reading("hall", 8, 8), 0}}},
		{"too slow for the hub", "", "6", "7,8,9,10", 1, 7, []followed{{reading("hall", 10, 10), 2}}},
		{"not in the journal any more", "", "2", "event: lost 3,6,7,8", 6, 7, []followed{{reading("hall", 8, 8), 0}}},
		{"another journal", "", "900", "event: lost 1,8", 1, 7, []followed{{reading("hall", 8, 8), 0}}},
		{"not recorded", "", "7", "event: reading,8", 1, 7, []followed{{reading("hall", 1, 0), 0}, {reading("hall", 8, 8), 0}}},
	} {
		for _, rate := range []string{"", "rate=50&"} {
			f := &fake{events: make(chan followed, len(c.live))}
			for _, ev := range c.live {
				f.events <- ev
			}
			close(f.events)
			s := &Server{House: f, Door: f, Past: &shelf{c.oldest, c.newest}}
			var header []string
			if c.last != "" {
				header = []string{"Last-Event-ID", c.last}
			}
			want := c.want
			if rate != "" { // of one property only the newest of a batch is told
				want = newestOf(want)
			}
			if got := read(t, s, rate+c.query, header...); got != want {
				t.Errorf("%s, %q: %s, want %s", c.name, rate, got, want)
			}
		}
	}
}

// newestOf leaves the last number of each row of numbers.
func newestOf(list string) string {
	words := strings.Split(list, ",")
	if strings.HasPrefix(words[0], "event: lost") {
		return words[0] + "," + words[len(words)-1]
	}
	return words[len(words)-1]
}

// TestStreamIsPaced has a property that changes a hundred times a second for three
// seconds, and a rare one: the reader is told four times a second, the newest each
// time, the last one in any case, and all that is no reading.
func TestStreamIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{events: make(chan followed, 1000)}
		s := &Server{House: f, Door: f}
		w := &recorder{ResponseRecorder: httptest.NewRecorder()}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/events?rate=4", nil))
		})
		seq := uint64(0)
		for range 300 {
			seq++
			f.events <- followed{reading("hall", float64(seq), seq), 0}
			if seq%50 == 0 {
				seq++
				f.events <- followed{home.Event{Kind: home.KindRule, Name: "night", State: "started", Seq: seq}, 0}
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		cancel()
		wg.Wait()
		body := w.Body.String()
		if n := strings.Count(body, "event: reading"); n < 12 || n > 13 {
			t.Errorf("%d readings in 3 s", n)
		}
		if n := strings.Count(body, "event: rule"); n != 6 {
			t.Errorf("%d events of rules, want 6", n)
		}
		if want := fmt.Sprintf("id: %d\nevent: reading", seq); !strings.Contains(body, want) {
			t.Errorf("the last one is not there: %s", body[max(0, len(body)-400):])
		}
		last := 0
		for line := range strings.Lines(body) {
			var id int
			if n, _ := fmt.Sscanf(line, "id: %d", &id); n == 1 {
				if id <= last {
					t.Errorf("number %d after %d", id, last)
				}
				last = id
			}
		}
	})
}

// recorder can be flushed and has no deadline.
type recorder struct{ *httptest.ResponseRecorder }

// The past: readings thinned out for a chart, and what happened last.
func TestPast(t *testing.T) {
	f := &fake{}
	s := &Server{House: f, Door: f, Past: &shelf{1, 1000}}
	at := func(query string) string { return ask(s, "GET", query, "").Body.String() }
	const day = "&from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z"
	got := at("/api/history?name=hall.t&points=2" + day)
	var h struct {
		Count  int
		Points [][2]float64
	}
	if err := json.Unmarshal([]byte(got), &h); err != nil {
		t.Fatal(err)
	}
	midnight := float64(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).UnixMilli())
	const minute = 60_000
	want := [][2]float64{{midnight + minute, 1}, {midnight + 719*minute, 719}, {midnight + 720*minute, 720}, {midnight + 1000*minute, 1000}}
	if diff := cmp.Diff(want, h.Points); diff != "" || h.Count != 1000 {
		t.Errorf("%d readings (-want +got):\n%s", h.Count, diff)
	}
	got = at("/api/events/past?limit=2" + day)
	if strings.Count(got, `"seq"`) != 2 || !strings.HasPrefix(got, `[{"seq":999,"kind":"reading","event":{"device":"hall"`) {
		t.Error(got)
	}
	for _, wrong := range []string{"/api/history?name=hall", "/api/history?name=a.b&from=x", "/api/history?name=a.b&points=0",
		"/api/events/past?kinds=x", "/api/events/past?limit=x", "/api/events/past?from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z",
		"/api/events?rate=0", "/api/events?kinds=x", "/api/events?after=x"} {
		if w := ask(s, "GET", wrong, ""); w.Code != 400 || !strings.Contains(w.Body.String(), `"title"`) {
			t.Errorf("%s: %d %s", wrong, w.Code, w.Body)
		}
	}
}

// Booleans and texts keep their changes.
func TestThin(t *testing.T) {
	th := thinner{width: 1000}
	for i := range 10 {
		th.add(Point{int64(i * 100), home.BooleanOf(i >= 5)})
	}
	th.add(Point{1100, home.Value{}})
	th.add(Point{1200, home.Value{}})
	th.add(Point{1300, home.TextOf("heat")})
	th.add(Point{1400, home.TextOf("heat")})
	got := fmt.Sprint(th.end())
	if want := "[{0 off} {500 on} {900 on} {1100 unknown} {1300 heat}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The first, least, greatest and last value of a part stay in the order of time, however
// far they are apart: 25 days are more milliseconds than 32 bits hold.
func TestThinOfAYear(t *testing.T) {
	const day = 24 * 3600 * 1000
	for _, days := range [][]int64{{1, 30, 60, 90}, {1, 90, 120, 300}, {0, 50, 51, 364}} {
		th := &thinner{width: 365 * day}
		for i, v := range []float64{5, 9, 1, 5} {
			th.add(Point{At: days[i] * day, Value: home.NumberOf(v)})
		}
		var got []int64
		for _, p := range th.end() {
			got = append(got, p.At/day)
		}
		if diff := cmp.Diff(days, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
