package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func local(zone string, y int, m time.Month, d, hh, mm int) string {
	return atOn(day{y, m, d}, hh*60+mm, mustZone(zone)).In(mustZone(zone)).Format("2006-01-02 15:04 MST")
}

func TestAtOn(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{local("Europe/Berlin", 2026, 3, 29, 2, 30), "2026-03-29 03:00 CEST"},
		{local("America/New_York", 2026, 3, 8, 2, 30), "2026-03-08 03:00 EDT"},
		{local("America/Santiago", 2026, 9, 6, 0, 15), "2026-09-06 01:00 -03"},
		{local("Australia/Lord_Howe", 2026, 10, 4, 2, 15), "2026-10-04 02:30 +11"},
		{local("Europe/Berlin", 2026, 10, 25, 2, 30), "2026-10-25 02:30 CEST"},
		{local("Europe/Berlin", 2026, 10, 25, 3, 0), "2026-10-25 03:00 CET"},
		{local("America/New_York", 2026, 11, 1, 1, 30), "2026-11-01 01:30 EDT"},
		{local("Australia/Lord_Howe", 2026, 4, 5, 1, 45), "2026-04-05 01:45 +11"},
		{local("Europe/Berlin", 2026, 7, 1, 24, 0), "2026-07-02 00:00 CEST"},
		{local("Pacific/Apia", 2011, 12, 30, 12, 0), "2011-12-31 00:00 +14"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

// series lists the next n moments of a schedule in local time.
func series(s schedule, loc *time.Location, after string, n int) []string {
	t, err := time.ParseInLocation("2006-01-02 15:04", after, loc)
	if err != nil {
		panic(err)
	}
	var list []string
	for range n {
		t = s.next(t)
		list = append(list, t.In(loc).Format("01-02 15:04 MST"))
	}
	return list
}

func TestCron(t *testing.T) {
	berlin := mustZone("Europe/Berlin")
	for _, c := range []struct {
		line, after string
		want        []string
	}{
		{"30 2 * * *", "2026-03-28 00:00", []string{"03-28 02:30 CET", "03-29 03:00 CEST", "03-30 02:30 CEST"}},
		{"30 2 * * *", "2026-10-24 12:00", []string{"10-25 02:30 CEST", "10-26 02:30 CET"}},
		{"*/30 * * * *", "2026-10-25 01:45", []string{"10-25 02:00 CEST", "10-25 02:30 CEST", "10-25 02:00 CET", "10-25 02:30 CET", "10-25 03:00 CET"}},
		{"*/30 * * * *", "2026-03-29 01:15", []string{"03-29 01:30 CET", "03-29 03:00 CEST"}},
		{"*/5 8-18 * * 1-5", "2026-11-20 18:50", []string{"11-20 18:55 CET", "11-23 08:00 CET"}},
		{"0 12 13 * 5", "2026-11-01 00:00", []string{"11-06 12:00 CET", "11-13 12:00 CET", "11-20 12:00 CET"}},
		{"0 0 29 2 *", "2026-11-01 00:00", []string{"02-29 00:00 CET"}},
		{"0 9 * jan,jul sun", "2026-06-30 00:00", []string{"07-05 09:00 CEST"}},
		{"15,45 7 * * 7", "2026-11-21 00:00", []string{"11-22 07:15 CET", "11-22 07:45 CET"}},
	} {
		s, _, err := parseCron(c.line, berlin)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if diff := cmp.Diff(c.want, series(s, berlin, c.after, len(c.want))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.line, diff)
		}
	}
	for _, line := range []string{"* * * *", "60 * * * *", "* 5-3 * * *", "*/0 * * * *", "a * * * *", "* * 0 * *", "* * * foo *", "+1 * * * *", "1- * * * *"} {
		if _, _, err := parseCron(line, berlin); err == nil {
			t.Errorf("%s is accepted", line)
		}
	}
}

func TestSchedules(t *testing.T) {
	berlin := mustZone("Europe/Berlin")
	weekend, _ := parseDays("weekend")
	for _, c := range []struct {
		s     schedule
		after string
		want  []string
	}{
		{periodic{7 * time.Hour, berlin}, "2026-11-20 13:00", []string{"11-20 14:00 CET", "11-20 21:00 CET", "11-21 00:00 CET"}},
		{periodic{24 * time.Hour, berlin}, "2026-03-28 13:00", []string{"03-29 00:00 CET", "03-30 00:00 CEST"}},
		{periodic{time.Hour, berlin}, "2026-03-29 01:00", []string{"03-29 03:00 CEST"}},
		{daily{[]int{405, 1200}, weekend, berlin}, "2026-11-20 13:00", []string{"11-21 06:45 CET", "11-21 20:00 CET", "11-22 06:45 CET", "11-22 20:00 CET", "11-28 06:45 CET"}},
	} {
		if diff := cmp.Diff(c.want, series(c.s, berlin, c.after, len(c.want))); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.s, diff)
		}
	}
}

// TestSun compares with what PyEphem 4.1.4 (the theory VSOP87, not NOAA's
// formulas) gives for the sun's centre at -0.8333 and -6 degrees: dawn, sunrise,
// noon, sunset, dusk.
func TestSun(t *testing.T) {
	for _, c := range []struct {
		zone  string
		place place
		day   string
		want  string
	}{
		{"Europe/London", place{51.5074, -0.1278}, "2024-12-21", "07:23:38 08:03:59 11:58:48 15:53:36 16:33:57"},
		{"Europe/London", place{51.5074, -0.1278}, "2026-03-20", "05:30:08 06:03:24 12:07:56 18:13:29 18:46:51"},
		{"Europe/London", place{51.5074, -0.1278}, "2026-06-21", "03:55:19 04:43:05 13:02:19 21:21:33 22:09:19"},
		{"Europe/London", place{51.5074, -0.1278}, "2026-10-25", "06:07:09 06:41:38 11:44:35 16:46:45 17:21:11"},
		{"America/New_York", place{40.7128, -74.006}, "2024-12-21", "06:45:48 07:16:48 11:54:25 16:32:01 17:03:01"},
		{"America/New_York", place{40.7128, -74.006}, "2026-03-20", "06:32:01 06:59:18 13:03:23 19:08:10 19:35:30"},
		{"America/New_York", place{40.7128, -74.006}, "2026-06-21", "04:51:35 05:25:01 12:57:53 20:30:44 21:04:10"},
		{"America/New_York", place{40.7128, -74.006}, "2026-10-25", "06:50:21 07:18:23 12:40:04 18:01:12 18:29:12"},
		{"Australia/Sydney", place{-33.8688, 151.2093}, "2024-12-21", "05:11:41 05:40:51 12:53:14 20:05:38 20:34:48"},
		{"Australia/Sydney", place{-33.8688, 151.2093}, "2026-03-20", "06:33:01 06:57:57 13:02:43 19:06:56 19:31:50"},
		{"Australia/Sydney", place{-33.8688, 151.2093}, "2026-06-21", "06:32:13 06:59:57 11:56:53 16:53:48 17:21:32"},
		{"Australia/Sydney", place{-33.8688, 151.2093}, "2026-10-25", "05:36:30 06:02:30 12:39:17 19:16:37 19:42:41"},
		{"Europe/Berlin", place{52.52, 13.405}, "2024-12-21", "07:33:27 08:15:09 12:04:39 15:54:09 16:35:50"},
		{"Europe/Berlin", place{52.52, 13.405}, "2026-03-20", "05:35:14 06:09:15 12:13:49 18:19:25 18:53:34"},
		{"Europe/Berlin", place{52.52, 13.405}, "2026-06-21", "03:52:51 04:43:05 13:08:11 21:33:16 22:23:30"},
		{"Europe/Berlin", place{52.52, 13.405}, "2026-10-25", "06:14:22 06:49:41 11:50:27 16:50:25 17:25:41"},
		{"America/Argentina/Cordoba", place{-31.42, -64.18}, "2024-12-21", "05:41:03 06:09:06 13:15:05 20:21:05 20:49:08"},
		{"America/Argentina/Cordoba", place{-31.42, -64.18}, "2026-03-20", "06:55:51 07:20:06 13:24:06 19:27:36 19:51:49"},
		{"America/Argentina/Cordoba", place{-31.42, -64.18}, "2026-06-21", "07:48:43 08:15:34 13:18:34 18:21:35 18:48:25"},
		{"America/Argentina/Cordoba", place{-31.42, -64.18}, "2026-10-25", "06:01:16 06:26:31 13:00:46 19:35:31 20:00:49"},
		{"Pacific/Auckland", place{-36.85, 174.76}, "2024-12-21", "05:27:26 05:58:13 13:19:00 20:39:48 21:10:35"},
		{"Pacific/Auckland", place{-36.85, 174.76}, "2026-03-20", "06:57:34 07:23:27 13:28:32 19:33:01 19:58:51"},
		{"Pacific/Auckland", place{-36.85, 174.76}, "2026-06-21", "07:04:42 07:33:41 12:22:40 17:11:38 17:40:38"},
		{"Pacific/Auckland", place{-36.85, 174.76}, "2026-10-25", "05:57:17 06:24:22 13:05:05 19:46:25 20:13:36"},
	} {
		loc := mustZone(c.zone)
		at, err := time.ParseInLocation("2006-01-02", c.day, loc)
		if err != nil {
			t.Fatal(err)
		}
		for i, what := range []string{"dawn", "sunrise", "noon", "sunset", "dusk"} {
			want, err := time.ParseInLocation("2006-01-02 15:04:05", c.day+" "+strings.Fields(c.want)[i], loc)
			got, ok := sunMoments[what].on(dayOf(at), c.place, loc)
			if err != nil || !ok {
				t.Fatal(err, ok)
			}
			if d := got.Sub(want).Abs(); d > 10*time.Second {
				t.Errorf("%s in %s on %s: %s, want %s", what, c.zone, c.day, got.In(loc).Format("15:04:05"), want.Format("15:04:05"))
			}
		}
	}
}

func TestSunAgrees(t *testing.T) {
	p, loc := place{52.52, 13.405}, mustZone("Europe/Berlin")
	for d, n := (day{2026, 1, 1}), 0; n < 365; d, n = d.add(1), n+1 {
		for _, what := range []string{"sunrise", "sunset", "dawn", "dusk"} {
			m := sunMoments[what]
			at, ok := m.on(d, p, loc)
			if !ok || dayOf(at.In(loc)) != d {
				t.Fatalf("%s on %v: %v %v", what, d, at, ok)
			}
			if e := p.elevation(at); e < m.elevation-0.01 || e > m.elevation+0.01 {
				t.Fatalf("%s on %v: elevation %v", what, d, e)
			}
		}
	}
}

func TestPolarDays(t *testing.T) {
	p, loc := place{69.65, 18.96}, mustZone("Europe/Oslo") // Tromsø
	for _, d := range []day{{2026, 6, 21}, {2026, 12, 21}} {
		if at, ok := sunMoments["sunset"].on(d, p, loc); ok {
			t.Errorf("sunset on %v: %s", d, at)
		}
	}
	s := sunDaily{moment: sunMoments["sunset"], place: p, loc: loc}
	next := s.next(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)).In(loc)
	if next.Month() != time.July || next.Day() < 24 || next.Day() > 28 {
		t.Errorf("the first sunset after the polar day: %s", next)
	}
	if at := (sunDaily{moment: sunMoments["noon"], place: p, loc: loc}).next(next); at.IsZero() {
		t.Error("no noon")
	}
}

func TestParseSun(t *testing.T) {
	for s, want := range map[string]time.Duration{"sunset": 0, "sunset - 20m": -20 * time.Minute, "dawn+1h30m": 90 * time.Minute, "noon + 1d": 24 * time.Hour} {
		if _, got, ok := parseSun(s); !ok || got != want {
			t.Errorf("%s: %v %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "sunsett", "sunset 20m", "sunset - 20", "sunset - - 20m", "20m"} {
		if _, _, ok := parseSun(s); ok {
			t.Errorf("%q is accepted", s)
		}
	}
}
