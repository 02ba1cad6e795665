package gateway

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// TestMetrics looks at what Prometheus is told of a house, and has its own tool check
// names, types and units.
func TestMetrics(t *testing.T) {
	opened := make(chan string, 1)
	h := runHouse(t, planOf(t, `gateway: casa
devices:
  hall.lamp: {driver: relay, pin: GPIO17}
  hall.probe: {driver: tmp102, every: 1s}
rules:
  night: {when: hall.lamp.state, do: [{log: it is on}]}
`), clock.New(time.Time{}, 1), func(o *Options) { o.Web, o.WebOpened = "127.0.0.1:0", func(url string) { opened <- url } })
	url := <-opened
	done := make(chan home.Outcome, 2)
	for _, property := range []string{"state", "colour"} {
		h.Door.Submit(home.Command{Device: "hall.lamp", Set: home.Settings{{Property: property, Value: home.BooleanOf(true)}}},
			func(o home.Outcome) { done <- o })
		<-done
	}
	var page string
	deadline := time.Now().Add(30 * time.Second)
	for !strings.Contains(page, `hogar_rule_events_total{rule="night",state="done"} 1`) ||
		!strings.Contains(page, `hogar_reading{name="hall.probe.temperature",unit="°C"} `) {
		if time.Now().After(deadline) {
			t.Fatal("not told in time:", page)
		}
		page = get(t, url+"metrics")
		time.Sleep(20 * time.Millisecond)
	}
	for _, want := range []string{`hogar_commands_total{outcome="applied"} 1`, `hogar_commands_total{outcome="rejected"} 1`,
		"hogar_command_duration_seconds_count 2", `hogar_device_online{device="hall.lamp"} 1`, `hogar_reading{name="hall.lamp.state",unit=""} 1`,
		`hogar_build_info{version="test",gateway="casa"} 1`, "hogar_journal_ok 1", "hogar_amqp_connected 0", `hogar_rule_enabled{rule="night"} 1`,
		"process_resident_memory_bytes ", `hogar_events_total{class="poll",became="accepted"} `} {
		if !strings.Contains(page, "\n"+want) {
			t.Errorf("not told: %s", want)
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("promtool is not installed (Debian's package prometheus); the names were not checked")
	}
	if err != nil {
		t.Fatal(err)
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(page)
	var said bytes.Buffer
	check.Stdout, check.Stderr = &said, &said
	if err := check.Run(); err != nil || said.Len() > 0 {
		t.Errorf("promtool: %v\n%s", err, said.String())
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp.Status, err, string(body))
	}
	return string(body)
}
