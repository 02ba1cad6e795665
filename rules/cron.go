package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
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

// parseCron reads minute, hour, day, month and weekday (0 and 7 are Sunday).
func parseCron(s string, loc *time.Location) (cron, error) {
	fields := strings.Fields(s)
	if len(fields) != 5 {
		return cron{}, fmt.Errorf("%d fields; a cron line has five: minute, hour, day, month, weekday", len(fields))
	}
	c := cron{loc: loc, anyDay: fields[2][0] == '*', anyWeekday: fields[4][0] == '*',
		real: strings.ContainsAny(fields[1], "*/"), often: strings.ContainsAny(fields[0]+fields[1], "*/")}
	var errs [5]error
	c.minutes, errs[0] = parseField(fields[0], "minute", 0, 59, nil)
	c.hours, errs[1] = parseField(fields[1], "hour", 0, 23, nil)
	c.days, errs[2] = parseField(fields[2], "day", 1, 31, nil)
	c.months, errs[3] = parseField(fields[3], "month", 1, 12, monthWords)
	c.weekdays, errs[4] = parseField(fields[4], "weekday", 0, 7, dayWords)
	for _, err := range errs {
		if err != nil {
			return cron{}, err
		}
	}
	if c.weekdays&(1<<7) != 0 {
		c.weekdays |= 1
	}
	return c, nil
}

// parseField reads a list of *, n, a-b, each with an optional /step.
func parseField(s, name string, least, most int, words []string) (uint64, error) {
	var set uint64
	for part := range strings.SplitSeq(s, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return 0, fmt.Errorf("%s of the %s is no step", stepText, name)
			}
			step = n
		}
		from, to := least, most
		if span != "*" {
			first, last, isRange := strings.Cut(span, "-")
			from = fieldNumber(first, words)
			to = from
			if isRange {
				to = fieldNumber(last, words)
			} else if stepped {
				to = most
			}
		}
		if from < least || to > most || from > to {
			return 0, fmt.Errorf("%s is no %s: %d to %d", part, name, least, most)
		}
		for n := from; n <= to; n += step {
			set |= 1 << n
		}
	}
	return set, nil
}

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
