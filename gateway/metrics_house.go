package gateway

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"hogar/gateway/api"
	"hogar/gateway/home"
	"hogar/gateway/journal"
	"hogar/gateway/ledger"
)

// aboutHouse writes devices, commands and rules, as far as they may be seen.
func (g *gateway) aboutHouse(f family, may func(device, property string) bool) {
	now := g.o.Clock.Now()
	all := home.Visible(g.hub.Devices("#"), may)
	f.gauges("hogar_build_info", "The version that runs.", func(line func(string, float64)) {
		line(labels("version", g.o.Version, "gateway", g.get().plan.Config.Gateway), 1)
	})
	shows := g.o.Clock.Read()
	f.gauge("hogar_clock_trusted", "1: the wall time is trusted; 0: at, sun, cron and now wait until it is.", number(shows.Trusted))
	f.gauge("hogar_clock_offset_seconds", "By how much the wall time is ahead of the elapsed time: it changes when the clock is set.", shows.Offset().Seconds())
	f.gauges("hogar_device_online", "1: the device answers; 0: it does not, or is stale. One that is not heard of yet has none.", func(line func(string, float64)) {
		for _, d := range all {
			if d.Status != "" {
				line(labels("device", d.Name), number(d.Status == home.Online))
			}
		}
	})
	f.counters("hogar_device_repeated_total", "Measurements that came only when they were repeated, since the start or the device's last change: the first sign of a bad wire.", func(line func(string, uint64)) {
		repeated := g.repeated()
		for _, d := range all {
			if n, ok := repeated[d.Name]; ok {
				line(labels("device", d.Name), n)
			}
		}
	})
	f.gauges("hogar_device_age_seconds", "House time since the device was measured last.", func(line func(string, float64)) {
		for _, d := range all {
			if newest := measured(d); !newest.IsZero() {
				line(labels("device", d.Name), now.Sub(newest).Seconds())
			}
		}
	})
	f.gauges("hogar_reading", "The last reading of a property: a number, or 1 for on and 0 for off.", func(line func(string, float64)) {
		for _, d := range all {
			for _, r := range d.Readings {
				if k := r.Value.Kind(); k == home.Number || k == home.Boolean {
					line(labels("name", r.Name, "unit", r.Unit), r.Value.Number()+number(r.Value.Boolean()))
				}
			}
		}
	})
	f.counters("hogar_commands_total", "Commands by their outcome, since the start.", g.meters.commands.each(func(string) bool { return true }))
	f.histogram("From the receipt of a command to its outcome.", g.meters.took)
	g.aboutRules(f, may)
}

// aboutRules writes the rules, as far as they may be seen.
func (g *gateway) aboutRules(f family, may func(device, property string) bool) {
	see := func(rule string) bool { return may("rule", rule) }
	f.counters("hogar_rule_events_total", "What became of the triggers of rules, since the start: started, done, failed.", g.meters.runs.each(see))
	rules, err := g.Rules(context.Background())
	if err != nil {
		return
	}
	rules = slices.DeleteFunc(rules, func(r api.Rule) bool { return !see(r.Name) })
	f.gauges("hogar_rule_enabled", "1: the rule is enabled.", func(line func(string, float64)) {
		for _, r := range rules {
			line(labels("rule", r.Name), number(r.Enabled))
		}
	})
	f.gauges("hogar_rule_running", "Runs of the rule that run or wait now.", func(line func(string, float64)) {
		for _, r := range rules {
			line(labels("rule", r.Name), float64(r.Running))
		}
	})
}

func measured(d home.DeviceState) (newest time.Time) {
	for _, r := range d.Readings {
		if r.Time.After(newest) {
			newest = r.Time
		}
	}
	return newest
}

// aboutDelivery writes the ledger, the journal and the brokers.
func (g *gateway) aboutDelivery(f family) {
	counts := g.ledger.Counts()
	classes := slices.Sorted(maps.Keys(counts.Classes))
	f.counters("hogar_events_total", "Events by class and what became of them.", func(line func(string, uint64)) {
		for _, class := range classes {
			e := counts.Classes[class]
			for _, one := range []struct {
				became string
				n      uint64
			}{{"sampled", e.Sampled}, {"filtered", e.Filtered}, {"refused", sum(e.Refused)}, {"accepted", e.Accepted}, {"confirmed", e.Confirmed}, {"dropped", sum(e.Dropped)}} {
				line(labels("class", class, "became", one.became), one.n)
			}
		}
	})
	f.counters("hogar_events_lost_total", "Events refused by the journal, or dropped after it had them, by reason.", func(line func(string, uint64)) {
		for _, reason := range slices.Sorted(maps.Keys(lost(counts.All))) {
			line(labels("reason", reason), lost(counts.All)[reason])
		}
	})
	sampled, accepted := counts.All.Missing()
	f.gauges("hogar_events_unaccounted", "Events that the ledger's sums do not account for; one on its way may be among them for a moment.", func(line func(string, float64)) {
		line(labels("of", "sampled"), float64(sampled))
		line(labels("of", "accepted"), float64(accepted))
	})
	f.gauge("hogar_events_set_aside", "Messages that the broker refused for their own sake.", float64(counts.All.SetAside))
	g.aboutJournal(f, g.journal.Stats())
	s := g.Status()
	f.gauge("hogar_amqp_connected", "1: RabbitMQ takes what goes out.", number(s.AMQP.Connected))
	f.counter("hogar_amqp_published_total", "Messages sent to RabbitMQ since the start, those sent again included.", s.AMQP.Published)
	f.counter("hogar_amqp_confirmed_total", "Messages that a queue has taken, since the start.", s.AMQP.Confirmed)
	f.counter("hogar_amqp_commands_total", "Commands that came from RabbitMQ, since the start.", s.AMQP.Commands)
	f.counter("hogar_amqp_too_large_total", "Messages from RabbitMQ that were over the limit, and not read, since the start.", s.AMQP.TooLarge)
	f.histogram("From the journal to the confirmation by RabbitMQ, of one event a second.", g.meters.arrived)
	f.gauges("hogar_mqtt_connected", "1: the MQTT broker is connected.", func(line func(string, float64)) {
		for _, m := range s.MQTT {
			line(labels("broker", m.URL), number(m.Connected))
		}
	})
	f.counters("hogar_mqtt_too_large_total", "MQTT messages that were over the limit, and not read, since the start.", func(line func(string, uint64)) {
		for _, m := range s.MQTT {
			line(labels("broker", m.URL), m.TooLarge)
		}
	})
}

func sum(byReason map[string]uint64) (n uint64) {
	for _, one := range byReason {
		n += one
	}
	return n
}

func lost(e ledger.Entry) map[string]uint64 {
	all := maps.Clone(e.Refused)
	if all == nil {
		all = make(map[string]uint64)
	}
	for reason, n := range e.Dropped {
		all[reason] += n
	}
	return all
}

func (g *gateway) aboutJournal(f family, j journal.Stats) {
	f.gauge("hogar_journal_ok", "1: the journal takes everything; 0: it is full, or the disk refuses to write.", number(j.State == journal.OK))
	f.gauge("hogar_journal_waiting_records", "Records that RabbitMQ has not confirmed yet.", float64(j.Depth))
	oldest := 0.0
	if j.Oldest != 0 {
		oldest = g.age(g.journal.Cursor()+1, j.Oldest).Seconds()
	}
	f.gauge("hogar_journal_oldest_waiting_seconds", "House time since the oldest of them; 0: none waits.", oldest)
	f.gauge("hogar_journal_size_bytes", "Bytes of the journal on the disk.", float64(j.Bytes))
	f.gauge("hogar_journal_max_size_bytes", "Bytes that it may have.", float64(g.get().plan.Config.Journal.MaxSize))
	f.counter("hogar_journal_records_total", "Numbers given to records, over all starts.", j.Last)
	f.counter("hogar_journal_syncs_total", "Times that records were forced to the disk, since the start.", j.Syncs)
	f.gauge("hogar_journal_last_sync_seconds", "How long that took the last time.", j.LastSync.Seconds())
	f.counter("hogar_journal_damaged_bytes_total", "Bytes that the disk did not give back as they were written, as far as they were read.", uint64(j.Damaged))
	f.counter("hogar_journal_missing_records_total", "Numbers of records that are lost with them.", j.Missing)
}

// processMetrics are those of the process that are told, with their meaning.
var processMetrics = map[string][2]string{
	"process_cpu_seconds_total":     {"counter", "Processor time used."},
	"process_resident_memory_bytes": {"gauge", "Memory in use."},
	"process_virtual_memory_bytes":  {"gauge", "Addresses in use."},
	"process_open_fds":              {"gauge", "Open files."},
	"process_max_fds":               {"gauge", "Files that may be open."},
	"process_start_time_seconds":    {"gauge", "When it was started, since 1970."},
	"go_goroutines":                 {"gauge", "Goroutines."},
	"go_memstats_heap_inuse_bytes":  {"gauge", "Memory of the heap."},
}

// aboutProcess writes what the process costs.
func (g *gateway) aboutProcess(f family) {
	var all bytes.Buffer
	metrics.WriteProcessMetrics(&all)
	for line := range strings.Lines(all.String()) {
		name, _, _ := strings.Cut(line, " ")
		if about, ok := processMetrics[name]; ok {
			f.head(name, about[0], about[1])
			_, _ = f.w.Write([]byte(line))
		}
	}
}
