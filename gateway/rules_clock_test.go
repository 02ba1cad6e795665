package gateway

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"hogar/gateway/clock"
)

// waitHouse has runs and conditions that are under way when the gateway goes off.
const waitHouse = `
gateway: casa
location: {timezone: Etc/UTC}
devices:
  hall.lamp:   {driver: relay, pin: GPIO17}
  hall.fan:    {driver: relay, pin: GPIO18}
  hall.motion: {driver: contact, pin: GPIO27, property: occupancy, pull: down}
vars: {steps: 0, skipped: off, held: off, hour: 0, dawn: off}
rules:
  long:
    when: hall.motion.occupancy
    do:
      - wait: 30m
      - set: {vars.steps: = vars.steps + 1}
      - set: {hall.lamp.state: on}
      - wait: 30m
      - set: {hall.lamp.state: off, vars.steps: = vars.steps + 1}
  short: {when: hall.motion.occupancy, missed: skip, do: [{wait: 30m}, {set: {vars.skipped: on}}]}
  held:  {when: {is: not hall.motion.occupancy, for: 30m}, do: [{set: {vars.held: on}}]}
  hour:  {when: {every: 10m}, do: [{set: {vars.hour: = vars.hour + 1}}]}
  dawn:  {when: {at: "06:45"}, do: [{set: {vars.dawn: on}}]}
`

// TestRunsOverTwoDeaths: a run that waits while the gateway is off goes on, a condition
// must be seen again, and missed: skip ends its run. So they do when the gateway is killed
// again before it has saved anything.
func TestRunsOverTwoDeaths(t *testing.T) {
	plans := []*Plan{planOf(t, waitHouse), planOf(t, waitHouse), planOf(t, waitHouse)}
	dir, killed := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		shows := clock.New(noonHouse, 1)
		h := runHouse(t, plans[0], shows, func(o *Options) { o.Journal, o.Simulated = dir, false })
		time.Sleep(5 * time.Second)
		h.move()
		time.Sleep(time.Minute)
		h.stop()

		time.Sleep(time.Hour)
		h = runHouse(t, plans[1], shows, func(o *Options) { o.Journal, o.Simulated = dir, false })
		time.Sleep(10 * time.Second)
		v := h.variables()
		if v["vars.steps"] != "1" || v["vars.skipped"] != "off" || v["vars.held"] != "on" || !h.board.Level("GPIO17") {
			t.Errorf("started again: %v, the lamp is %v", v, h.board.Level("GPIO17"))
		}
		if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		h.stop()

		h = runHouse(t, plans[2], shows, func(o *Options) { o.Journal, o.Simulated = killed, false })
		time.Sleep(20 * time.Minute)
		if v := h.variables(); v["vars.steps"] != "1" || v["vars.skipped"] != "off" {
			t.Errorf("killed, and started again: %v", v)
		}
		time.Sleep(10 * time.Minute)
		if v := h.variables(); v["vars.steps"] != "2" {
			t.Errorf("the run has not gone on: %v", v)
		}
		h.stop()
	})
}

// TestRulesOfAPiWithoutNetwork boots with the time of the last shutdown, and hears the right
// one later: what was off for three hours counts from then on, and the morning comes once.
func TestRulesOfAPiWithoutNetwork(t *testing.T) {
	plans := []*Plan{planOf(t, waitHouse), planOf(t, waitHouse)}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		early := time.Date(2026, 12, 1, 3, 59, 0, 0, time.UTC)
		first := clock.New(early, 1)
		h := runHouse(t, plans[0], first, func(o *Options) { o.Journal, o.Simulated = dir, false })
		time.Sleep(5 * time.Second)
		h.move()
		time.Sleep(time.Minute)
		h.stop()
		left := first.Now()

		second := clock.New(left.Add(10*time.Second), 1)
		second.SetLevel(clock.Doubted)
		h = runHouse(t, plans[1], second, func(o *Options) { o.Journal, o.Simulated = dir, false })
		time.Sleep(25 * time.Minute)
		v := h.variables()
		if v["vars.steps"] != "0" || v["vars.dawn"] != "off" || v["vars.hour"] == "0" {
			t.Errorf("before the time is trusted: %v", v)
		}
		second.Set(time.Date(2026, 12, 1, 6, 50, 0, 0, time.UTC))
		second.SetLevel(clock.Vouched)
		time.Sleep(10 * time.Second)
		v = h.variables()
		if v["vars.steps"] != "1" || v["vars.dawn"] != "on" {
			t.Errorf("trusted: %v", v)
		}
		h.stop()
	})
	c := countsOf(t, dir)
	if c.starts["dawn"] != 1 || c.starts["hour"] < 2 || c.starts["hour"] > 5 || c.records > 300 {
		t.Errorf("%+v", c)
	}
}
