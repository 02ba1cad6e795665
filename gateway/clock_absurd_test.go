package gateway

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// loopHouse heats for half of ten seconds as long as it is asked to, as a thermostat does, and has
// a rule for a time of each day.
const loopHouse = `
gateway: casa
location: {latitude: 40.4, longitude: -3.7, timezone: Europe/Madrid}
devices:
  hall.heater: {driver: relay, pin: GPIO17}
  hall.air:    {driver: bme280, every: 10s}
vars: {heats: on, turns: 0, ticks: 0, days: 0}
rules:
  heat:
    when: {started: true}
    do:
      - repeat: 1000
        while: vars.heats
        do:
          - set: {hall.heater.state: on}
          - wait: 5s
          - set: {hall.heater.state: off, vars.turns: = vars.turns + 1}
          - wait: 5s
  tick: {when: {every: 1s}, rate: 100 per 1m, do: [{set: {vars.ticks: = vars.ticks + 1}}]}
  day:  {when: {at: "03:00"}, do: [{set: {vars.days: = vars.days + 1}}]}
  dawn: {when: {sun: sunrise}, missed: run, do: [{log: dawn}]}
  cron: {when: {cron: "*/1 * * * *"}, missed: run, do: [{log: minute}]}
`

// commandIn switches the heater on by a command that lives for so long, as its sender's clock,
// which shows what shows does, says.
func (h *testHouse) commandIn(expires time.Duration, shows *clock.Clock) home.Outcome {
	h.t.Helper()
	answer := make(chan home.Outcome, 1)
	h.Door.Submit(home.Command{Device: "hall.heater", Expires: shows.Now().Add(expires), Source: "test",
		Set: home.Settings{{Property: "state", Value: home.BooleanOf(true)}}}, func(o home.Outcome) { answer <- o })
	return <-answer
}

func countIn(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Error(err)
	}
	return n
}

// TestHouseOfAbsurdClocks sets the clock to times that no house has seen, and back and forth
// within a second and in a reload, with a loop that waits and commands that expire: the loop turns
// as often as it should, and no jump costs more than a few records.
func TestHouseOfAbsurdClocks(t *testing.T) {
	date := func(year int) time.Time { return time.Date(year, 2, 7, 6, 28, 14, 0, time.UTC) }
	for name, times := range map[string][]time.Time{
		"1970":                    {time.Unix(0, 0)},
		"before 1970":             {time.Unix(-1e9, 0)},
		"2106":                    {date(2106), date(2106).Add(4 * time.Second)},
		"2157, 2199":              {date(2157), date(2199)},
		"2232, the last of Linux": {date(2232)},
		"all of them": {time.Unix(0, 0), date(2106), date(2232), time.Unix(-1e9, 0), date(2157), noonHouse,
			date(2026).AddDate(0, 1, 22)},
	} {
		t.Run(name, func(t *testing.T) {
			plans := []*Plan{planOf(t, loopHouse), planOf(t, loopHouse), planOf(t, loopHouse)}
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				shows := clock.New(noonHouse, 1)
				var h *testHouse
				h = runHouse(t, plans[0], shows, func(o *Options) {
					o.Journal = dir
					o.Reload = func() (*Plan, error) { // the clock is set in it, back and forth
						for range 10 {
							shows.Set(noonHouse.AddDate(30, 0, 0))
							shows.Set(times[0])
						}
						return plans[1], nil
					}
				})
				time.Sleep(31 * time.Second)
				for range 20 { // within a second, back and forth
					shows.Set(times[0])
					time.Sleep(20 * time.Millisecond)
					shows.Set(noonHouse)
					time.Sleep(20 * time.Millisecond)
				}
				for _, to := range times {
					shows.Set(to)
					time.Sleep(20 * time.Second)
					if o := h.commandIn(10*time.Second, shows); !o.Result.OK() {
						t.Errorf("%v: a command that lives for 10 s: %+v", to, o)
					}
					if o := h.commandIn(-10*time.Second, shows); o.Result != home.Expired {
						t.Errorf("%v: a command of 10 s ago: %+v", to, o)
					}
				}
				v := h.variables()
				passed := 31 + 1 + 20*len(times)
				if turns := countIn(t, v["vars.turns"]); turns < passed/10-1 || turns > passed/10+1 {
					t.Errorf("in %d s the loop turned %d times", passed, turns)
				}
				if ticks := countIn(t, v["vars.ticks"]); ticks < passed-len(times)-25 || ticks > passed+len(times)+25 {
					t.Errorf("in %d s there were %d ticks", passed, ticks)
				}
				if err := h.Reload(t.Context()); err != nil {
					t.Error(err)
				}
				time.Sleep(15 * time.Second)
				h.isOnline("hall.air", 250*365*24*time.Hour)
				h.stop()
				if log := h.log.String(); strings.Contains(log, "panic") {
					t.Error(log)
				}

				h = runHouse(t, plans[2], clock.New(noonHouse, 1), func(o *Options) { o.Journal = dir }) // behind or ahead of its journal
				time.Sleep(25 * time.Second)
				if o := h.commandIn(10*time.Second, shows); !o.Result.OK() && times[0].After(noonHouse) {
					t.Errorf("after a start: %+v", o)
				}
				h.isOnline("hall.air", 250*365*24*time.Hour)
				h.stop()
			})
			c := countsOf(t, dir)
			if c.late != 0 || c.stale > 1 || // the start, at which it is known for how long the gateway was off
				c.records > 3000 || c.sets > 40+10+20+len(times)+3 || c.starts["cron"] > 200 || c.starts["day"] > 10 {
				t.Errorf("%+v", c)
			}
		})
	}
}
