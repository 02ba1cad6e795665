package rules

import (
	"slices"
	"strings"
	"time"

	"hogar/rules/expr"
)

// day is a day of the local calendar.
type day struct {
	year  int
	month time.Month
	day   int
}

func dayOf(t time.Time) day {
	y, m, d := t.Date()
	return day{y, m, d}
}

// add returns the day n days later.
func (d day) add(n int) day { return dayOf(time.Date(d.year, d.month, d.day+n, 12, 0, 0, 0, time.UTC)) }

func (d day) weekday() time.Weekday {
	return time.Date(d.year, d.month, d.day, 12, 0, 0, 0, time.UTC).Weekday()
}

// atOn returns the moment at which the local clock shows minute (of the day, up
// to 1440). A time that the clock skips is the end of the skip; of a time that
// comes twice it is the first. (time.Date does neither reliably.)
func atOn(d day, minute int, loc *time.Location) time.Time {
	wall := time.Date(d.year, d.month, d.day, 0, minute, 0, 0, time.UTC)
	early, late := offset(wall.Add(-24*time.Hour), loc), offset(wall.Add(24*time.Hour), loc)
	for _, o := range []time.Duration{max(early, late), min(early, late)} { // the greater offset is the earlier moment
		t := wall.Add(-o)
		if offset(t, loc) == o {
			return t
		}
	}
	start, _ := wall.Add(-early).In(loc).ZoneBounds() // skipped: by the old offset it lies behind the change
	return start.UTC()
}

func offset(t time.Time, loc *time.Location) time.Duration {
	_, seconds := t.In(loc).Zone()
	return time.Duration(seconds) * time.Second
}

// week is a set of weekdays; 0 is every day.
type week uint8

func (w week) has(d time.Weekday) bool { return w == 0 || w&(1<<d) != 0 }

var dayWords = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// parseDays reads mon, mon-fri, weekend.
func parseDays(s string) (week, bool) {
	if s == "weekend" {
		return 1<<time.Saturday | 1<<time.Sunday, true
	}
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	from, to := slices.Index(dayWords, strings.TrimSpace(first)), slices.Index(dayWords, strings.TrimSpace(last))
	if from < 0 || to < 0 {
		return 0, false
	}
	var w week
	for d := from; ; d = (d + 1) % 7 {
		w |= 1 << d
		if d == to {
			return w, true
		}
	}
}

// daily is the same times of the day on some days of the week.
type daily struct {
	minutes []int // ascending
	days    week
	loc     *time.Location
}

func (s daily) next(after time.Time) time.Time {
	for d, n := dayOf(after.In(s.loc)).add(-1), 0; n < 10; d, n = d.add(1), n+1 {
		if !s.days.has(d.weekday()) {
			continue
		}
		for _, minute := range s.minutes {
			if t := atOn(d, minute, s.loc); t.After(after) {
				return t
			}
		}
	}
	return time.Time{}
}

// periodic counts from local midnight, and begins anew at each midnight.
type periodic struct {
	every time.Duration
	loc   *time.Location
}

func (s periodic) next(after time.Time) time.Time {
	today := dayOf(after.In(s.loc))
	midnight, tomorrow := atOn(today, 0, s.loc), atOn(today.add(1), 0, s.loc)
	if after.Before(midnight) {
		return midnight
	}
	t := midnight.Add((after.Sub(midnight)/s.every + 1) * s.every)
	if t.After(tomorrow) {
		return tomorrow
	}
	return t
}

// LocalTime reads a time of a house's clock: 06:45 is the next such time that is
// not before after; 2026-07-02 06:45 is that moment. Of a time that comes twice
// it is the first, of one that is skipped the end of the skip.
func LocalTime(text string, after time.Time, loc *time.Location) (time.Time, bool) {
	date, clock, dated := strings.Cut(text, " ")
	if !dated {
		clock = date
	}
	minute, ok := expr.ParseTime(strings.TrimSpace(clock))
	if !ok || minute == 24*60 {
		return time.Time{}, false
	}
	if !dated {
		return daily{minutes: []int{minute}, loc: loc}.next(after.Add(-time.Microsecond)), true
	}
	d, err := time.Parse(time.DateOnly, date)
	return atOn(dayOf(d), minute, loc), err == nil
}
