package main

import (
	"io"
	"net/http"
	"time"

	"hogar/gateway/home"
)

// served is how long the page takes for somebody new.
func (f *flood) served() time.Duration {
	f.t.Helper()
	began := time.Now()
	until(f.t, "the page is served to somebody new", func() bool {
		resp, err := f.client().Get("https://" + f.addr + "/")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return time.Since(began)
}

// switches is how long a command takes by the socket.
func (f *flood) switches() time.Duration {
	f.t.Helper()
	began := time.Now()
	o, err := f.Command(f.t.Context(), home.Command{Device: "hall.lamp", Set: home.Settings{{Property: "state", Value: home.Toggle}}})
	if err != nil || !o.Result.OK() {
		f.t.Fatalf("%v %+v", err, o)
	}
	return time.Since(began)
}

// goesOn waits until, beside the page, the house has done what it does: measured, heard a
// device by MQTT, had all of it confirmed by RabbitMQ, and read its configuration again.
func (f *flood) goesOn() {
	f.t.Helper()
	heard, confirmed := f.value("yard.meter"), f.status().AMQP.Confirmed
	if err := f.Reload(f.t.Context()); err != nil {
		f.t.Errorf("reload: %v", err)
	}
	until(f.t, "the house hears and measures", func() bool {
		probe := f.device("hall.probe")
		return f.value("yard.meter").Number() > heard.Number() && len(probe.Readings) > 0 && f.status().HouseTime.Sub(probe.Readings[0].Time) < 3*time.Second
	})
	until(f.t, "RabbitMQ confirms", func() bool { return f.status().AMQP.Confirmed > confirmed+20 })
}
