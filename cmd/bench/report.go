package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figure is one thing measured.
type figure struct {
	Name    string    `json:"name"`
	Value   float64   `json:"value"` // the median of Samples
	Unit    string    `json:"unit"`
	Goal    goal      `json:"goal,omitempty"`
	Target  float64   `json:"target,omitempty"`
	OK      *bool     `json:"ok,omitempty"` // nil: there is no target
	Samples []float64 `json:"samples"`      // one a round
}

// goal says on which side of its target a figure should be.
type goal string

const (
	atMost  goal = "at most"
	atLeast goal = "at least"
)

// judge sets Value and OK.
func (f *figure) judge() {
	f.Value = median(f.Samples)
	if f.Goal == "" {
		return
	}
	ok := f.Value <= f.Target
	if f.Goal == atLeast {
		ok = f.Value >= f.Target
	}
	f.OK = &ok
}

func median(samples []float64) float64 {
	s := slices.Sorted(slices.Values(samples))
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// report writes figures as they come.
type report struct {
	people   io.Writer
	machines *json.Encoder
	common   common
}

// common is the same in each line of a run.
type common struct {
	Time    time.Time `json:"time"`
	Version string    `json:"version"` // of hogar, from git describe
	Go      string    `json:"go"`
	OS      string    `json:"os"`
	CPUs    int       `json:"cpus"`
}

func newReport(people, machines io.Writer, version string) *report {
	c := common{time.Now().UTC().Truncate(time.Second), version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, runtime.NumCPU()}
	fmt.Fprintf(people, "hogar %s, %s %s, %d CPUs, medians\n\n", c.Version, c.Go, c.OS, c.CPUs)
	return &report{people, json.NewEncoder(machines), c}
}

// add judges f and writes it.
func (r *report) add(f figure) {
	f.judge()
	verdict := ""
	if f.OK != nil {
		word := map[bool]string{true: "ok", false: "MISSED"}[*f.OK]
		verdict = fmt.Sprintf("%s %s: %s", f.Goal, short(f.Target), word)
	}
	spread := ""
	if len(f.Samples) > 1 {
		spread = fmt.Sprintf("%s .. %s", short(slices.Min(f.Samples)), short(slices.Max(f.Samples)))
	}
	line := fmt.Sprintf("%-46s %9s %-11s %-19s %s", f.Name, short(f.Value), f.Unit, spread, verdict)
	fmt.Fprintln(r.people, strings.TrimRight(line, " "))
	_ = r.machines.Encode(struct { // the disk is full: Close says so
		common
		figure
	}{r.common, f})
}

// skip says why something is not measured here.
func (r *report) skip(name, why string) { fmt.Fprintf(r.people, "%-46s skipped: %s\n", name, why) }

// short writes a number with three digits that count, or all before the point.
func short(v float64) string {
	if v >= 100 || v <= -100 || v == 0 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// load tells how busy the machine is with other things.
func (r *report) load() {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return // only Linux has it
	}
	word, _, _ := strings.Cut(string(b), " ")
	if v, err := strconv.ParseFloat(word, 64); err == nil {
		r.add(figure{Name: "load of the machine, last minute", Unit: "processes", Samples: []float64{v}})
	}
}

// versionOf asks the binary; what it cannot say is "unknown".
func versionOf(ctx context.Context, binary string) string {
	out, err := exec.CommandContext(ctx, binary, "version").Output()
	if f := strings.Fields(string(out)); err == nil && len(f) > 1 {
		return f[1]
	}
	return "unknown"
}
