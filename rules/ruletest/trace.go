package ruletest

import (
	"fmt"
	"slices"
	"time"

	"hogar/rules"
)

// mostLines is how many lines of what happened a failure shows.
const mostLines = 60

// journal is what happened in a test, in the order of time.
type journal struct {
	zone  *time.Location
	lines []entry
	done  []entry // in order, up to when the clock was set last
}

type entry struct {
	at   time.Time
	text string
}

func (j *journal) add(at time.Time, text string) { j.lines = append(j.lines, entry{at, text}) }

// collect adds what the rules of an engine did.
func (j *journal) collect(e *rules.Engine) {
	if e == nil {
		return
	}
	for _, s := range e.Rules() {
		h, _ := e.History(s.Name)
		for _, q := range h.Quiet {
			text := fmt.Sprintf("%s not started: %s: %s", s.Name, q.Event, q.Why)
			if q.If != "" {
				text += " (" + q.If + ")"
			}
			j.add(q.At, text)
		}
		for _, run := range h.Past {
			j.run(s.Name, &run)
		}
	}
}

func (j *journal) run(rule string, run *rules.RunTrace) {
	text := fmt.Sprintf("%s started: %s", rule, run.Event)
	if run.If != "" {
		text += "; if: " + run.If
	}
	j.add(run.Began, text)
	for _, line := range run.Steps {
		j.add(line.At, rule+": "+line.Did)
	}
	if run.Ended.IsZero() {
		return
	}
	text = rule + " ended: " + run.State
	if run.Reason != "" {
		text += ": " + run.Reason
	}
	j.add(run.Ended, text)
}

// cut ends what is in order by the clock as it stood: it is set now.
func (j *journal) cut() {
	slices.SortStableFunc(j.lines, func(a, b entry) int { return a.at.Compare(b.at) })
	for _, l := range slices.Compact(j.lines) {
		if !slices.Contains(j.done, l) { // the rules remember it for longer
			j.done = append(j.done, l)
		}
	}
	j.lines = nil
}

// show returns the last lines, each with its time.
func (j *journal) show() []string {
	j.cut()
	var list []string
	lines := j.done
	if len(lines) > mostLines {
		list = append(list, fmt.Sprintf("… %d lines before", len(lines)-mostLines))
		lines = lines[len(lines)-mostLines:]
	}
	day := ""
	for _, l := range lines {
		at := l.at.In(j.zone)
		if d := at.Format("Mon 2006-01-02"); d != day {
			if day != "" {
				list = append(list, d)
			}
			day = d
		}
		list = append(list, at.Format("15:04:05")+"  "+l.text)
	}
	return list
}
