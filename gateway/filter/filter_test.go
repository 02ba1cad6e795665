package filter

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hogar/gateway/home"
)

// node makes [{word: text}, …] of "median 5, delta 0.1"; a text of the form
// 0:1;2:3 is a list of points, min=1;max=2 a map.
func node(text string) *home.Node {
	n := &home.Node{Kind: home.NodeList, Path: []string{"filters"}}
	for i, part := range strings.Split(text, ", ") {
		word, value, _ := strings.Cut(part, " ")
		v := &home.Node{Kind: home.NodeScalar, Text: value}
		switch {
		case strings.Contains(value, ":"):
			v = &home.Node{Kind: home.NodeList}
			for point := range strings.SplitSeq(value, ";") {
				a, b, _ := strings.Cut(point, ":")
				v.Items = append(v.Items, &home.Node{Kind: home.NodeList, Items: []*home.Node{{Kind: home.NodeScalar, Text: a}, {Kind: home.NodeScalar, Text: b}}})
			}
		case strings.Contains(value, "="):
			v = &home.Node{Kind: home.NodeMap}
			for pair := range strings.SplitSeq(value, ";") {
				a, b, _ := strings.Cut(pair, "=")
				v.Pairs = append(v.Pairs, home.Pair{Key: a, Value: &home.Node{Kind: home.NodeScalar, Text: b}})
			}
		}
		v.Path = []string{"filters", fmt.Sprint(i), word}
		n.Items = append(n.Items, &home.Node{Kind: home.NodeMap, Path: []string{"filters", fmt.Sprint(i)}, Pairs: []home.Pair{{Key: word, Value: v}}})
	}
	return n
}

var temperature = home.Property{Name: "temperature", Type: home.TypeNumber}

func decode(t testing.TB, text string) *Chain {
	t.Helper()
	var faults home.Faults
	c := Decode(node(text), temperature, &faults)
	if len(faults.List) > 0 || c == nil {
		t.Fatalf("%s: %v", text, faults.List)
	}
	return c
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// play feeds a story like "0s 20, 1s 21, 90s ?, 2m" and shows what comes out. A
// time alone lets it pass, ? is unknown.
func play(t testing.TB, c *Chain, story string) string {
	t.Helper()
	var out []string
	show := func(s Sample, now time.Time) {
		line := fmt.Sprintf("%s %s", now.Sub(start), s.Value)
		if age := now.Sub(s.Time); age != 0 {
			line += " of " + s.Time.Sub(start).String()
		}
		if s.Unknown != "" {
			line += " (" + s.Unknown + ")"
		}
		out = append(out, line)
	}
	for step := range strings.SplitSeq(story, ", ") {
		when, what, measured := strings.Cut(step, " ")
		d, err := time.ParseDuration(when)
		if err != nil {
			t.Fatal(err)
		}
		now := start.Add(d)
		for !c.Next().IsZero() && !c.Next().After(now) {
			at := c.Next()
			for _, s := range c.Tick(at) {
				show(s, at)
			}
		}
		if !measured {
			continue
		}
		s := Sample{Time: now, Unknown: "null"}
		if what != "?" {
			s.Unknown = ""
			if err := s.Value.UnmarshalJSON([]byte(what)); err != nil {
				t.Fatal(err)
			}
		}
		if got, ok := c.Take(s, now); ok {
			show(got, now)
		}
	}
	return strings.Join(out, ", ")
}

func TestFilters(t *testing.T) {
	for _, test := range []struct{ filters, story, want string }{
		{"offset -0.3", "0s 20.3, 1s 0.1", "0s 20, 1s -0.2"},
		{"scale 0.1", "0s 3, 1s -7", "0s 0.3, 1s -0.7"},
		{"scale 1e308", "0s 100, 1s 1", "0s unknown (the filters made no number of it), 1s 1" + strings.Repeat("0", 308)},
		{"calibrate 100:98;0:2", "0s 50, 1s 0, 2s 110, 3s -10", "0s 50, 1s 2, 2s 107.6, 3s -7.6"},
		{"calibrate 0:0;10:20;20:20", "0s 5, 1s 10, 2s 15, 3s 30", "0s 10, 1s 20, 2s 20, 3s 20"},
		{"calibrate 4:5", "0s 10", "0s 11"},
		{"clamp min=0;max=10", "0s -1, 1s 5, 2s 11", "0s 0, 1s 5, 2s 10"},
		{"clamp max=10", "0s -1, 1s 11", "0s -1, 1s 10"},
		{"median 3", "0s 1, 1s 9, 2s 2, 3s 3, 4s 100", "0s 1, 1s 5, 2s 2, 3s 3, 4s 3"},
		{"moving_average 2", "0s 1, 1s 2, 2s 4", "0s 1, 1s 1.5, 2s 3"},
		{"delta 0.1", "0s 21.3, 1s 21.35, 2s 21.4, 3s 21.4, 4s 21.3", "0s 21.3, 2s 21.4, 4s 21.3"},
		{"delta 0", "0s 1, 1s 1, 2s 1.0001", "0s 1, 2s 1.0001"},
		{"delta 10%", "0s 100, 1s 109, 2s 110, 3s 100, 4s 0, 5s 0.1", "0s 100, 2s 110, 4s 0, 5s 0.1"},
		{"delta 1", "0s 1, 1s ?, 2s 1", "0s 1, 1s unknown (null), 2s 1"},
		{"throttle 10s", "0s 1, 5s 2, 10s 3, 19s 4, 25s 5", "0s 1, 10s 3, 25s 5"},
		{"throttle 10s", "0s 1, 1s ?, 2s 2", "0s 1, 1s unknown (null), 2s 2"},
		{"debounce 5s", "0s 1, 10s 2, 12s 3, 18s 3, 20s 1, 24s 3, 40s 3", "0s 1, 17s 3 of 12s"},
		{"debounce 5s", "0s 1, 10s 2, 14s ?, 30s 2", "0s 1, 14s unknown (null), 30s 2"},
		{"debounce 5s", "0s true, 1s false, 2s true, 20s true", "0s on"},
		{"heartbeat 10s", "0s 1, 25s, 26s 2, 37s", "0s 1, 10s 1 of 0s, 20s 1 of 0s, 26s 2, 36s 2 of 26s"},
		{"delta 1, heartbeat 10s", "0s 1, 9s 1.1, 15s", "0s 1, 10s 1 of 9s"},
		{"heartbeat 10s, offset 1", "0s 1, 12s", "0s 2, 10s 2 of 0s"},
		{"timeout 30s", "0s 1, 20s 1, 60s, 90s 2", "0s 1, 20s 1, 50s unknown (nothing measured for 30s), 1m30s 2"},
		{"delta 5, timeout 30s", "0s 1, 20s 2, 40s 3, 60s, 75s", "0s 1, 1m10s unknown (nothing measured for 30s)"},
		{"timeout 30s, heartbeat 10s", "0s 1, 50s", "0s 1, 10s 1 of 0s, 20s 1 of 0s, 30s unknown (nothing measured for 30s)"},
		{"skip 2", "0s 1, 1s 2, 2s 3, 3s ?, 4s 5", "2s 3, 3s unknown (null), 4s 5"},
		{"median 3, delta 2, heartbeat 1m", "0s 10, 10s 90, 20s 10, 30s 12, 40s 12, 100s", "0s 10, 10s 50, 20s 10, 30s 12, 1m30s 12 of 40s"},
	} {
		if got := play(t, decode(t, test.filters), test.story); got != test.want {
			t.Errorf("%s: %s\n got %s\nwant %s", test.filters, test.story, got, test.want)
		}
	}
}

// What says only on is off some time after the last on, whatever other filters do.
func TestOff(t *testing.T) {
	for _, test := range []struct{ filters, story, want string }{
		{"", "0s true, 10s true, 60s, 70s true, 75s false, 120s, 130s true, 131s ?, 200s", // each on begins anew; an off or unknown ends it
			"0s on, 10s on, 40s off, 1m10s on, 1m15s off, 2m10s on, 2m11s unknown (null)"},
		{"heartbeat 20s", "0s true, 75s", "0s on, 20s on of 0s, 30s off, 50s off of 0s, 1m10s off of 0s"},
	} {
		var c *Chain
		if test.filters != "" {
			var faults home.Faults
			c = Decode(node(test.filters), home.Property{Name: "motion", Type: home.TypeBoolean}, &faults)
		}
		if got := play(t, Off(c, 30*time.Second), test.story); got != test.want {
			t.Errorf("%s: %s\n got %s\nwant %s", test.filters, test.story, got, test.want)
		}
	}
}

func TestDecodeFaults(t *testing.T) {
	text := home.Property{Name: "mode", Type: home.TypeText}
	for _, test := range []struct {
		filters string
		of      home.Property
		want    string
	}{
		{"mediam 5", temperature, "filters.0.mediam: there is no filter 'mediam' (did you mean median?)"},
		{"median 0", temperature, "filters.0.median: median is '0', expected a whole number from 1 to 1000"},
		{"delta -1", temperature, "filters.0.delta: delta is '-1', expected a difference like 0.1 or 5%"},
		{"delta nan", temperature, "filters.0.delta: delta is 'nan', expected a difference like 0.1 or 5%"},
		{"throttle 5", temperature, "filters.0.throttle: throttle is '5', expected a duration like 200ms, 10s, 5m, 1h30m, 2d or 1w"},
		{"throttle 5s, delta 1", text, "filters.1.delta: delta is for numbers, and mode is a text"},
		{"clamp min=3;max=2", temperature, "filters.0.clamp: min is 3 and max is 2, expected min below max"},
		{"clamp mim=3", temperature, "filters.0.clamp: clamp has neither min nor max ({min: 0, max: 100}) | unknown key 'mim' (did you mean min?)"},
		{"calibrate 1:2;1:3", temperature, "filters.0.calibrate: two points measure 1"},
		{"calibrate 1:x", temperature, "a point is a list, expected [measured, true] ([[0, 0.4], [100, 98.7]])"},
		{"skip 1", home.Property{Name: "color", Type: home.TypeObject}, "filters: color is of type object, which has no filters"},
	} {
		var faults home.Faults
		Decode(node(test.filters), test.of, &faults)
		var got []string
		for _, f := range faults.List {
			got = append(got, f.Error())
		}
		if diff := cmp.Diff(test.want, strings.Join(got, " | ")); diff != "" {
			t.Errorf("%s: want -, got +\n%s", test.filters, diff)
		}
	}
	var faults home.Faults
	if c := Decode(nil, temperature, &faults); c != nil || len(faults.List) > 0 {
		t.Errorf("no filters are %v, %v", c, faults.List)
	}
	Decode(&home.Node{Kind: home.NodeScalar, Text: "median"}, temperature, &faults)
	Decode(&home.Node{Kind: home.NodeList, Items: []*home.Node{{Kind: home.NodeScalar, Text: "median"}}}, temperature, &faults)
	if len(faults.List) != 2 {
		t.Errorf("faults %v", faults.List)
	}
}

// Whatever the filters and the story: the first value after unknown passes, what is
// unknown passes, a number stays a number, time does not go back, and Tick ends.
func TestChains(t *testing.T) {
	filters := []string{"offset 1", "scale 2", "calibrate 0:1;10:12", "clamp min=-50;max=50", "median 3", "moving_average 4", "delta 3",
		"delta 20%", "throttle 7s", "debounce 5s", "heartbeat 9s", "timeout 20s"}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.SampledFrom(filters), 1, 5).Draw(t, "filters")
		var faults home.Faults
		c := Decode(node(strings.Join(list, ", ")), temperature, &faults)
		now, unknown := start, true
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 15_000).Draw(t, "ms")) * time.Millisecond)
			for _, s := range c.Tick(now) {
				if !s.Value.Known() {
					unknown = true
				} else if unknown {
					t.Fatalf("%v: %s is told of what is unknown", list, s.Value)
				}
			}
			if next := c.Next(); !next.IsZero() && !next.After(now) {
				t.Fatalf("%v: still due at %s after %s", list, next, now)
			}
			v := home.NumberOf(float64(rapid.IntRange(-100, 100).Draw(t, "value")))
			if rapid.IntRange(0, 9).Draw(t, "unknown") == 0 {
				v = home.Value{}
			}
			s, ok := c.Take(Sample{Value: v, Time: now}, now)
			switch {
			case !v.Known() && (!ok || s.Value.Known()):
				t.Fatalf("%v: unknown is told as %s, %v", list, s.Value, ok)
			case unknown && !ok:
				t.Fatalf("%v: the first value after unknown does not pass", list)
			case ok && v.Known() && s.Value.Kind() != home.Number:
				t.Fatalf("%v: %s became %s", list, v, s.Value)
			}
			unknown = !v.Known()
		}
	})
}

func BenchmarkTake(b *testing.B) {
	c := decode(b, "median 5, delta 0.1, heartbeat 10m")
	now := start
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Second)
		c.Take(Sample{Value: home.NumberOf(float64(i % 7)), Time: now}, now)
	}
}
