package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// cron is a line of five fields, each a set of numbers.
type cron struct {
	minutes, hours, days, months, weekdays uint64
	anyDay, anyWeekday                     bool // the field begins with *: only the other one counts
	real                                   bool // the hour has * or a step: it follows real time
	often                                  bool // so has the minute, or the hour: it follows the clock wherever it is set
	loc                                    *time.Location
}

var monthWords = []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// mostCron is how long a line may be, in bytes.
const mostCron = 1000

// cronFields are the fields of a line, in its order.
var cronFields = []struct {
	name        string
	least, most int
	words       []string
}{
	{"minute", 0, 59, nil}, {"hour", 0, 23, nil}, {"day", 1, 31, nil}, {"month", 1, 12, monthWords}, {"weekday", 0, 7, dayWords},
}

// parseCron reads minute, hour, day, month and weekday (0 and 7 are Sunday). With an
// error it returns how many characters of s stand before what is wrong.
func parseCron(s string, loc *time.Location) (c cron, offset int, err error) {
	fields := strings.Fields(s)
	if len(fields) != len(cronFields) || len(s) > mostCron {
		return cron{}, 0, fmt.Errorf("%d fields in %d bytes; a cron line has five: minute, hour, day, month, weekday", len(fields), len(s))
	}
	c = cron{loc: loc, anyDay: fields[2][0] == '*', anyWeekday: fields[4][0] == '*',
		real: strings.ContainsAny(fields[1], "*/"), often: strings.ContainsAny(fields[0]+fields[1], "*/")}
	at := 0
	for i, set := range []*uint64{&c.minutes, &c.hours, &c.days, &c.months, &c.weekdays} {
		at += strings.Index(s[at:], fields[i])
		if *set, err = parseField(fields[i], i); err != nil {
			return cron{}, utf8.RuneCountInString(s[:at]), err
		}
		at += len(fields[i])
	}
	if c.weekdays&(1<<7) != 0 {
		c.weekdays |= 1
	}
	return c, 0, nil
}

// parseField reads a list of *, n, a-b, each with an optional /step.
func parseField(s string, field int) (uint64, error) {
	f := cronFields[field]
	var set uint64
	for part := range strings.SplitSeq(s, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			if step = fieldNumber(stepText, nil); step < 1 || step > f.most-f.least+1 {
				return 0, fmt.Errorf("'%s' has the step '%s': a step of the %s is a number from 1 to %d", part, stepText, f.name, f.most-f.least+1)
			}
		}
		from, to := f.least, f.most
		if span != "*" {
			first, last, isRange := strings.Cut(span, "-")
			from = fieldNumber(first, f.words)
			to = from
			if isRange {
				to = fieldNumber(last, f.words)
			} else if stepped {
				to = f.most
			}
		}
		switch {
		case from < f.least || from > f.most || to < f.least || to > f.most:
			return 0, fmt.Errorf("'%s' is no %s: %d to %d", part, f.name, f.least, f.most)
		case from > to:
			return 0, fmt.Errorf("'%s' of the %s goes backwards: write %d-%d,%d-%d", part, f.name, from, f.most, f.least, to)
		}
		for n := from; n <= to; n += step {
			set |= 1 << n
		}
	}
	return set, nil
}

// fieldNumber reads a number, or one of words; -1: it is neither.
func fieldNumber(s string, words []string) int {
	if i := slices.Index(words, strings.ToLower(s)); i >= 0 && s != "" {
		return i
	}
	n, err := strconv.Atoi(s)
	if err != nil || s[0] == '+' || s[0] == '-' {
		return -1
	}
	return n
}

// on reports whether the line has times on d. As in every cron, of a day and a
// weekday that are both restricted one suffices.
func (c cron) on(d day) bool {
	if c.months&(1<<d.month) == 0 {
		return false
	}
	byDay, byWeek := c.days&(1<<d.day) != 0, c.weekdays&(1<<d.weekday()) != 0
	if c.anyDay || c.anyWeekday {
		return byDay && byWeek
	}
	return byDay || byWeek
}

func (c cron) next(after time.Time) time.Time {
	d := dayOf(after.In(c.loc)).add(-1)
	for range 366 * 29 { // 29 February on one weekday comes back after 28 years, or 40 over 2100
		if c.on(d) {
			if t := c.nextOn(d, after); !t.IsZero() {
				return t
			}
		}
		d = d.add(1)
	}
	return time.Time{}
}

func (c cron) nextOn(d day, after time.Time) time.Time {
	if c.real {
		return c.realOn(d, after)
	}
	for h := range 24 {
		if c.hours&(1<<h) == 0 {
			continue
		}
		for m := range 60 {
			if c.minutes&(1<<m) == 0 {
				continue
			}
			if t := atOn(d, h*60+m, c.loc); t.After(after) {
				return t
			}
		}
	}
	return time.Time{}
}

// realOn walks the real minutes of the day: none is skipped, and the hour that
// comes twice has its times twice.
func (c cron) realOn(d day, after time.Time) time.Time {
	t, end := atOn(d, 0, c.loc), atOn(d.add(1), 0, c.loc)
	if !end.After(after) {
		return time.Time{}
	}
	if after.After(t) {
		t = after.Truncate(time.Minute)
	}
	for ; t.Before(end); t = t.Add(time.Minute) {
		local := t.In(c.loc)
		if c.hours&(1<<local.Hour()) != 0 && c.minutes&(1<<local.Minute()) != 0 && t.After(after) {
			return t
		}
	}
	return time.Time{}
}
