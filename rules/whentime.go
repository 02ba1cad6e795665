package rules

import (
	"slices"
	"strings"
	"time"

	"hogar/gateway/home"
	"hogar/rules/expr"
)

// whenTime reads at, sun, every and cron.
func (l *loader) whenTime(t *trigger, word string, n *home.Node, d *home.Decoder) {
	var days week
	if word == "at" || word == "sun" {
		days = l.days(d)
	}
	switch word {
	case "at":
		if minutes := l.minutes(n); len(minutes) > 0 {
			t.schedule = daily{minutes: minutes, days: days, loc: l.loc}
		}
	case "sun":
		if s, ok := l.sun(n); ok {
			s.days = days
			t.schedule = s
		}
	case "every":
		every := d.Duration("every", time.Minute, time.Second, 24*time.Hour)
		t.schedule = periodic{every: every, loc: l.loc}
	case "cron":
		text, ok := l.text(n, "cron", "a line of five fields in quotes")
		if !ok {
			return
		}
		c, offset, err := parseCron(text, l.loc)
		if err != nil {
			l.faults.Add(home.Fault{Path: n.Path, Offset: offset, Message: "cron: " + err.Error(), Hint: `such as "*/5 8-18 * * 1-5"`})
			return
		}
		if c.next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
			l.faults.At(n, "no such day has that month", "cron: %s never comes", text)
		}
		t.schedule = c
	}
}

func (l *loader) days(d *home.Decoder) week {
	var days week
	for _, n := range d.List("days") {
		w, ok := parseDays(n.Text)
		if !ok {
			l.faults.At(n, "write mon, mon-fri, weekend, or a list of them", "days has %s", n.Describe())
		}
		days |= w
	}
	return days
}

func (l *loader) minutes(n *home.Node) []int {
	items := []*home.Node{n}
	if n.Kind == home.NodeList {
		items = n.Items
	}
	var minutes []int
	for _, item := range items {
		text, ok := l.text(item, "at", "a time of day such as 06:45")
		if !ok {
			continue
		}
		m, ok := expr.ParseTime(text)
		if !ok || m == 24*60 {
			hint := "write a time of day, 00:00 to 23:59"
			if _, sun, _ := parseSun(text); sun > 0 || slices.Contains(sunWords, text) {
				hint = "write: {sun: " + text + "}"
			}
			l.faults.At(item, hint, "at is '%s'", text)
			continue
		}
		minutes = append(minutes, m)
	}
	slices.Sort(minutes)
	return slices.Compact(minutes)
}

func (l *loader) sun(n *home.Node) (sunDaily, bool) {
	text, ok := l.text(n, "sun", "a moment such as sunset - 20m")
	if !ok {
		return sunDaily{}, false
	}
	moment, shift, ok := parseSun(text)
	if !ok {
		word, _, _ := strings.Cut(text, " ")
		hint := near(word, sunWords)
		if hint == "" || slices.Contains(sunWords, word) {
			hint = "write one of " + strings.Join(sunWords, ", ") + ", and + 20m or - 20m behind it"
		}
		l.faults.At(n, hint, "sun is '%s'", text)
		return sunDaily{}, false
	}
	if shift.Abs() > mostShift {
		l.faults.At(n, "", "sun is '%s', expected %s at most before or behind it", text, home.FormatDuration(mostShift))
		return sunDaily{}, false
	}
	if l.o.Latitude == 0 && l.o.Longitude == 0 {
		l.faults.At(n, "write location: {latitude: …, longitude: …}", "sun needs the location of the house")
	}
	s := sunDaily{moment: moment, shift: shift, place: place{l.o.Latitude, l.o.Longitude}, loc: l.loc}
	l.warnPolar(n, text, s)
	return s, true
}

// warnPolar tells when the moment does not come on every day of a year.
func (l *loader) warnPolar(n *home.Node, text string, s sunDaily) {
	missing := 0
	for d, i := (day{2026, 1, 1}), 0; i < 365; d, i = d.add(1), i+1 {
		if _, ok := s.moment.on(d, s.place, s.loc); !ok {
			missing++
		}
	}
	if missing > 0 {
		l.faults.Add(home.Fault{Path: n.Path, Warning: true, Message: text + " does not come every day at this place",
			Hint: "the rule is not started on such days"})
	}
}
