package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// TestDevicesTable has a long reason widen no column, and stand there once.
func TestDevicesTable(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	const reason = "bme280 at 0x76 on I2C1: no chip answers: check the wiring"
	var out strings.Builder
	err := printDevices(&out, []home.DeviceState{
		{Name: "hall.lamp", Status: "online", Readings: []home.LastReading{
			{Name: "hall.lamp.state", Value: home.BooleanOf(true), Time: now.Add(-6 * time.Second)},
			{Name: "hall.lamp.power", Unknown: "the sensor gave no number", Time: now.Add(-time.Minute)}}},
		{Name: "kitchen.climate", Status: "offline", Reason: reason, Readings: []home.LastReading{
			{Name: "kitchen.climate.temperature", Unknown: "offline: " + reason, Time: now}}},
		{Name: "bath.climate", Status: "online", Repeated: 3},
		{Name: "downstairs", Kind: "group", Members: []string{"hall.lamp", "kitchen.lamp", "porch.lamp", "garden.lamp"}},
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	want := `hall.lamp        online
  state          on                                   6 s ago
  power          unknown (the sensor gave no number)  1 min ago
kitchen.climate  offline                              ` + reason + `
  temperature    unknown                              now
bath.climate     online
  repeated       3 measurements
downstairs       group: hall.lamp, kitchen.lamp, porch.lamp, garden.lamp
`
	got := regexp.MustCompile(` +\n`).ReplaceAllString(out.String(), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
