package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseResults(t *testing.T) {
	out := `goos: linux
pkg: hogar/rules
BenchmarkStep/1000_rules/room.n0-2         	  435236	       267.3 ns/op	       0 B/op	       0 allocs/op
BenchmarkAppend/200ms 	 10	 1291 ns/op	 774329 records/s
--- BENCH: BenchmarkAppend
    bench_test.go:12: a line that is none
PASS
`
	got, err := parseResults([]byte(out))
	if err != nil {
		t.Fatal(err)
	}
	want := []result{
		{"BenchmarkStep/1000_rules/room.n0", map[string]float64{"ns/op": 267.3, "B/op": 0, "allocs/op": 0}},
		{"BenchmarkAppend/200ms", map[string]float64{"ns/op": 1291, "records/s": 774329}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(result{})); diff != "" {
		t.Error(diff)
	}
	if _, err := parseResults([]byte("BenchmarkX-2 10 fast ns/op\n")); err == nil {
		t.Error("a word was taken for a number")
	}
}

func TestParseMemory(t *testing.T) {
	status := "Name:\thogar\nVmHWM:\t  25000 kB\nVmRSS:\t   12500 kB\nRssAnon:\t    3125 kB\n"
	rollup := "00400000-7fff [rollup]\nRss:  12500 kB\nPss:               10000 kB\nPss_Anon: 1 kB\n"
	got, err := parseMemory([]byte(status), []byte(rollup))
	if want := (memory{resident: 12.8, anonymous: 3.2, highest: 25.6, share: 10.24}); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := parseMemory([]byte(status), nil); err == nil {
		t.Error("no error although there is no Pss")
	}
}

func TestParseStat(t *testing.T) {
	got, err := parseStat("42 (a ) b) S 1 42 42 0 -1 4194304 900 0 3 0 150 25 0 0 20 0 9 0 100 0 0\n")
	if want := 1750 * time.Millisecond; err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := parseStat("42 (hogar) S 1"); err == nil {
		t.Error("no error for a short line")
	}
}

func TestReport(t *testing.T) {
	var people, machines bytes.Buffer
	r := newReport(&people, &machines, "v1")
	r.common = common{Version: "v1"}
	people.Reset()
	r.add(figure{Name: "ratio", Goal: atLeast, Target: 0.6, Samples: []float64{0.7, 0.5, 0.9, 0.55}})
	r.add(figure{Name: "memory", Unit: "MB", Goal: atMost, Target: 16, Samples: []float64{17.25}})
	r.add(figure{Name: "rate", Unit: "msgs/s", Samples: []float64{1, 2, 12345.6}})
	want := []string{
		"ratio 0.625 0.5 .. 0.9 at least 0.6: ok",
		"memory 17.2 MB at most 16: MISSED",
		"rate 2 msgs/s 1 .. 12346",
	}
	var got []string
	for line := range strings.Lines(people.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var f figure
	if err := json.NewDecoder(&machines).Decode(&f); err != nil {
		t.Fatal(err)
	}
	ok := true
	first := figure{Name: "ratio", Value: 0.625, Goal: atLeast, Target: 0.6, OK: &ok, Samples: []float64{0.7, 0.5, 0.9, 0.55}}
	if diff := cmp.Diff(first, f); diff != "" {
		t.Error(diff)
	}
}
