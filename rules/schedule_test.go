package rules

import (
	"strings"
	"testing"
	"time"

	"hogar/gateway/home"
)

// TestAbsurdTimes is what nobody means: each is refused with its place, and nothing more.
func TestAbsurdTimes(t *testing.T) {
	for _, c := range []struct {
		when   pairs
		offset int
		want   string
	}{
		{pairs{"cron", "*/9223372036854775807 * * * *"}, 0, "a step of the minute is a number from 1 to 60"},
		{pairs{"cron", "1/9223372036854775807 * * * *"}, 0, "a step of the minute"},
		{pairs{"cron", "* 3/2147483647 * * *"}, 2, "a step of the hour is a number from 1 to 24"},
		{pairs{"cron", "* * */2147483648 * *"}, 4, "a step of the day is a number from 1 to 31"},
		{pairs{"cron", "* * * 1-12/18446744073709551616 *"}, 6, "a step of the month"},
		{pairs{"cron", "* * * * */0"}, 8, "a step of the weekday"},
		{pairs{"cron", "*/-1 * * * *"}, 0, "a step of the minute"},
		{pairs{"cron", "*/ * * * *"}, 0, "a step of the minute"},
		{pairs{"cron", "*/2/2 * * * *"}, 0, "a step of the minute"},
		{pairs{"cron", "*  22-6 * * *"}, 3, "'22-6' of the hour goes backwards: write 22-23,0-6"},
		{pairs{"cron", "* * * * fri-mon"}, 8, "write 5-7,0-1"},
		{pairs{"cron", "61 * * * *"}, 0, "'61' is no minute: 0 to 59"},
		{pairs{"cron", "99999999999999999999 * * * *"}, 0, "is no minute"},
		{pairs{"cron", "* * 0 * *"}, 4, "'0' is no day: 1 to 31"},
		{pairs{"cron", "1,,2 * * * *"}, 0, "'' is no minute"},
		{pairs{"cron", "1- * * * *"}, 0, "'1-' is no minute"},
		{pairs{"cron", "*-5 * * * *"}, 0, "'*-5' is no minute"},
		{pairs{"cron", "1-2-3 * * * *"}, 0, "'1-2-3' is no minute"},
		{pairs{"cron", "* * 31 2 *"}, 0, "never comes"},
		{pairs{"cron", "* * 30,31 feb *"}, 0, "never comes"},
		{pairs{"cron", "0 0 31 4,6,9,11 *"}, 0, "never comes"},
		{pairs{"cron", strings.Repeat("1,", 1000) + "1 * * * *"}, 0, "5 fields in 2009 bytes"},
		{pairs{"cron", strings.Repeat("* ", 1000)}, 0, "1000 fields"},
		{pairs{"cron", ""}, 0, "0 fields"},
		{pairs{"at", "24:00"}, 0, "at is '24:00'"},
		{pairs{"at", "6:60"}, 0, "at is"},
		{pairs{"at", "99999999999999999999:00"}, 0, "at is"},
		{pairs{"at", "٠٦:٤٥"}, 0, "at is"},
		{pairs{"at", "-1:00"}, 0, "at is"},
		{pairs{"sun", "sunset + 25h"}, 0, "1d at most before or behind it"},
		{pairs{"sun", "sunset - 7000w"}, 0, "at most before or behind it"},
		{pairs{"sun", "sunset + 7625w53375d1281023h76861433m999999999s"}, 0, "sun is"},
		{pairs{"every", "0s"}, 0, "expected from 1s to 1d"},
		{pairs{"every", "7625w53375d1281023h76861433m10s"}, 0, "every is"},
		{pairs{"is", "hall.motion.occupancy", "for", "367d"}, 0, "expected from 0s to"},
		{pairs{"is", "age(hall.light.illuminance) > 7625w53375d1281023h76861433m10s"}, 30, ""},
	} {
		var faults home.Faults
		e := Load(node(pairs{"r", logs(c.when)}, "rules"), house, place0, &faults)
		if e != nil || len(faults.List) != 1 || !strings.Contains(faults.List[0].Message+faults.List[0].Hint, c.want) || faults.List[0].Offset != c.offset {
			t.Errorf("%v is accepted: %v, at %v: %v", c.when, e != nil, c.offset, faults.List)
		}
	}
	for _, line := range []string{"*/60 */24 */31 */12 */8", "0 0 29 2 *", "0 0 29 feb 0,7", "005 0 1 1 *", "0-59/60 23-23 * * sat-7"} {
		if _, _, err := parseCron(line, time.UTC); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// FuzzTimes reads every kind of time that a rule has. What is accepted has times in
// order, found soon, wherever the clock is, and an engine lives with it.
func FuzzTimes(f *testing.F) {
	for _, s := range []string{"cron|*/5 8-18 * * 1-5", "cron|1/9223372036854775807 * * * *", "cron|0 0 29 2 */7", "cron|30 2/24 * * *", "cron|0 0 31 2 *",
		"at|06:45", "at|24:00", "days|mon-fri", "sun|sunset - 20m", "sun|noon + 24h", "every|7h", "every|1s", "for|366d", "wait|999999999ms", "wait|7625w53375d1281023h76861433m",
		"rate|1000 per 24h", "if|now.time in 22:00..06:00", "if|now.hour % 0 == 1", "if|age(hall.light.illuminance) > 1w"} {
		f.Add(s, int64(1782936000))
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		word, value, _ := strings.Cut(text, "|")
		r := logs("hall.motion.occupancy")
		switch word {
		case "cron", "at", "sun", "every":
			r = logs(pairs{word, value})
		case "days":
			r = logs(pairs{"at", "06:45", "days", value})
		case "for":
			r = logs(pairs{"is", "hall.motion.occupancy", "for", value})
		case "wait":
			r = pairs{"when", "hall.motion.occupancy", "do", []any{pairs{"wait", value}, pairs{"wait", pairs{"until", "sun.up", "at_most", value}}}}
		case "if", "rate":
			r = append(r, word, value)
		}
		var faults home.Faults
		e := Load(node(pairs{"r", r}, "rules"), house, place0, &faults)
		if e == nil {
			if !faults.Failed() {
				t.Errorf("%q is refused without a fault", text)
			}
			return
		}
		at := time.Unix(unix%(253370764800), 0).UTC() // up to the year 9999
		if s := e.triggers[0].schedule; s != nil {
			for began, from := time.Now(), at; ; {
				next := s.next(from)
				if time.Since(began) > 10*time.Second {
					t.Fatalf("%q: a time behind %s is not found", text, from)
				}
				if next.IsZero() || from.Sub(at) > 10*24*time.Hour {
					break
				}
				if !next.After(from) {
					t.Fatalf("%q: behind %s comes %s", text, from, next)
				}
				from = next.Add(time.Hour)
			}
		}
		for _, after := range []time.Duration{0, time.Second, 40 * time.Hour, -3 * time.Hour, year, -20 * year} {
			at = at.Add(after)
			e.Step(event(at, []string{"hall.motion.occupancy", "on"}))
			e.Step(event(at, []string{"hall.motion.occupancy", "off"}))
		}
		if _, err := e.Save(); err != nil && at.Year() < lastYear {
			t.Errorf("%q at %s: %v", text, at, err)
		}
	})
}
