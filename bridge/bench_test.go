package bridge

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"hogar/gateway/home"
	"hogar/gateway/journal"
)

// BenchmarkBare and BenchmarkPublish do the same work for RabbitMQ: the same exchange
// with the same queue (hogar.history, of each kind, with seven bindings), keys, bodies,
// properties and window, from forty properties of ten devices. BenchmarkBare has
// its bodies ready; BenchmarkPublish appends events to a journal, with the
// default sync, and ends when its cursor is at the last.

const benchWindow = 128

// benchBrokers has, for each kind of history, a virtual host in which the topology
// stands. It is the same for all rounds.
var benchBrokers = struct {
	sync.Mutex
	urls map[string]string
}{urls: make(map[string]string)}

// benchHost returns the URL of one. HOGAR_BENCH_AMQP is a broker that several
// processes share: its virtual host / is for the stream, those called quorum and
// classic are for the others.
func benchHost(b *testing.B, history string) string {
	b.Helper()
	benchBrokers.Lock()
	defer benchBrokers.Unlock()
	if benchBrokers.urls[history] == "" {
		url := os.Getenv("HOGAR_BENCH_AMQP")
		if url == "" {
			url = rabbit(b)
		} else if history != "stream" {
			url += history
		}
		o := Options{URLs: []string{url}, Gateway: "casa", Declare: true, History: history}
		h := runOn(b, o, &door{}, openJournal(b))
		h.until("connected", func() bool { return h.Status().Connected })
		h.stop()
		benchBrokers.urls[history] = url
	}
	return benchBrokers.urls[history]
}

// benchCells runs a benchmark with each kind of history, with and without gathering
// small writes.
func benchCells(b *testing.B, run func(b *testing.B, history string, coalesce bool)) {
	for _, history := range []string{"stream", "quorum", "classic"} {
		for _, coalesce := range []bool{false, true} {
			b.Run(fmt.Sprintf("history=%s/coalesce=%t", history, coalesce), func(b *testing.B) { run(b, history, coalesce) })
		}
	}
}

func benchEvent(i int) home.Event {
	return home.Event{Kind: home.KindReading, Device: "room" + strconv.Itoa(i%10) + ".climate",
		Property: []string{"temperature", "humidity", "pressure", "battery"}[i/10%4],
		Value:    home.NumberOf(float64(i%1000) / 10), Unit: "°C", DSeq: uint64(i/10 + 1), Flags: home.FlagPublished}
}

func BenchmarkPublish(b *testing.B) {
	benchCells(b, benchPublish)
}

func benchPublish(b *testing.B, history string, coalesce bool) {
	url := benchHost(b, history)
	j, err := journal.Open(b.TempDir(), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	h := runOn(b, Options{URLs: []string{url}, Gateway: "casa", Declare: true, History: history, Coalesce: coalesce, Window: benchWindow}, &door{}, j)
	defer h.stop()
	h.until("connected", func() bool { return h.Status().Connected && h.Status().Commands })
	b.ReportAllocs()
	b.ResetTimer()
	var body []byte
	var e home.Event
	for i := range b.N {
		e = benchEvent(i)
		e.At = time.Now()
		body, _ = e.AppendJSON(body[:0]) // a reading always has a form
		r := journal.Record{Time: e.At.UnixMicro(), Kind: uint8(e.Kind), Flags: uint8(e.Flags), Body: body}
		last := i == b.N-1 // it does not wait for the interval: that is latency, and no rate
		for _, err = j.Append(r, last, nil); err != nil; _, err = j.Append(r, last, nil) {
			time.Sleep(time.Millisecond) // it has 4 MB to write
		}
	}
	for j.Cursor() < uint64(b.N) {
		time.Sleep(200 * time.Microsecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
	if st := h.Status(); st.Published != uint64(b.N) {
		b.Fatalf("%d messages sent for %d", st.Published, b.N)
	}
}

func BenchmarkBare(b *testing.B) {
	benchCells(b, benchBare)
}

// bareChannel is a channel with confirms, by nothing but amqp091-go.
func bareChannel(b *testing.B, history string, coalesce bool) *amqp.Channel {
	b.Helper()
	conn, err := amqp.DialConfig(benchHost(b, history), amqp.Config{Dial: func(network, addr string) (net.Conn, error) {
		c, err := net.Dial(network, addr)
		if err != nil || !coalesce {
			return c, err
		}
		return guard(c, true, writeTimeout), nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		b.Fatal(err)
	}
	if err := ch.Confirm(false); err != nil {
		b.Fatal(err)
	}
	return ch
}

// bareMessage is what a bridge makes of an event.
func bareMessage(i int, body []byte, dseq int64) amqp.Publishing {
	return amqp.Publishing{
		Headers:     amqp.Table{"seq": int64(i + 1), "dseq": dseq, "late": false, "simulated": false},
		ContentType: "application/json", DeliveryMode: amqp.Persistent, Type: "hogar.reading.v1", AppId: "hogar/dev",
		Timestamp: time.Now(), UserId: "guest", MessageId: "00000000-0000-0000-0000-000000000000-" + strconv.Itoa(i+1), Body: body,
	}
}

func benchBare(b *testing.B, history string, coalesce bool) {
	ch := bareChannel(b, history, coalesce)
	const bodies = 4000
	type ready struct {
		key  string
		body []byte
		dseq int64
	}
	all := make([]ready, bodies)
	for i := range all {
		e := benchEvent(i)
		e.At = time.Now()
		body, _ := e.AppendJSON(nil) // a reading always has a form
		all[i] = ready{"casa.reading." + e.FullName(), body, int64(e.DSeq)}
	}
	b.ReportAllocs()
	b.ResetTimer()
	var window [benchWindow]*amqp.DeferredConfirmation
	for i := range b.N + benchWindow {
		if dc := window[i%benchWindow]; dc != nil && !dc.Wait() {
			b.Fatal("not confirmed")
		}
		window[i%benchWindow] = nil
		if i >= b.N {
			continue
		}
		r := &all[i%bodies]
		dc, err := ch.PublishWithDeferredConfirm("hogar", r.key, true, false, bareMessage(i, r.body, r.dseq))
		window[i%benchWindow] = dc
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}
