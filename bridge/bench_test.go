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

// The two benchmarks do the same work for RabbitMQ: the same exchange with the
// same queue (hogar.history, a stream with seven bindings), keys, bodies,
// properties and window, from forty properties of ten devices. BenchmarkBare has
// its bodies ready; BenchmarkPublish appends events to a journal, with the
// default sync, and ends when its cursor is at the last.

const benchWindow = 128

// benchBroker returns a virtual host in which the topology stands. It is the
// same for all rounds.
var benchBroker = struct {
	sync.Mutex
	url string
}{}

func benchHost(b *testing.B) string {
	b.Helper()
	benchBroker.Lock()
	defer benchBroker.Unlock()
	if benchBroker.url == "" {
		url := os.Getenv("HOGAR_BENCH_AMQP") // of a broker that several processes share
		if url == "" {
			url = rabbit(b)
		}
		o := Options{URLs: []string{url}, Gateway: "casa", Declare: true}
		h := runOn(b, o, &door{}, openJournal(b))
		h.until("connected", func() bool { return h.Status().Connected })
		h.stop()
		benchBroker.url = url
	}
	return benchBroker.url
}

func benchEvent(i int) home.Event {
	return home.Event{Kind: home.KindReading, Device: "room" + strconv.Itoa(i%10) + ".climate",
		Property: []string{"temperature", "humidity", "pressure", "battery"}[i/10%4],
		Value:    home.NumberOf(float64(i%1000) / 10), Unit: "°C", DSeq: uint64(i/10 + 1), Flags: home.FlagPublished}
}

func BenchmarkPublish(b *testing.B) {
	for _, coalesce := range []bool{false, true} {
		b.Run(fmt.Sprintf("coalesce=%t", coalesce), func(b *testing.B) { benchPublish(b, coalesce) })
	}
}

func benchPublish(b *testing.B, coalesce bool) {
	url := benchHost(b)
	j, err := journal.Open(b.TempDir(), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	h := runOn(b, Options{URLs: []string{url}, Gateway: "casa", Declare: true, Coalesce: coalesce, Window: benchWindow}, &door{}, j)
	defer h.stop()
	h.until("connected", func() bool { return h.Status().Connected && h.Status().Commands })
	b.ReportAllocs()
	b.ResetTimer()
	var body []byte
	for i := range b.N {
		e := benchEvent(i)
		e.At = time.Now()
		body, _ = e.AppendJSON(body[:0]) // a reading always has a form
		r := journal.Record{Time: e.At.UnixMicro(), Kind: uint8(e.Kind), Flags: uint8(e.Flags), Body: body}
		for _, err = j.Append(r, false, nil); err != nil; _, err = j.Append(r, false, nil) {
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
	for _, coalesce := range []bool{false, true} {
		b.Run(fmt.Sprintf("coalesce=%t", coalesce), func(b *testing.B) { benchBare(b, coalesce) })
	}
}

func benchBare(b *testing.B, coalesce bool) {
	conn, err := amqp.DialConfig(benchHost(b), amqp.Config{Dial: func(network, addr string) (net.Conn, error) {
		c, err := net.Dial(network, addr)
		if err != nil || !coalesce {
			return c, err
		}
		return guard(c, true, writeTimeout), nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		b.Fatal(err)
	}
	if err := ch.Confirm(false); err != nil {
		b.Fatal(err)
	}
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
		window[i%benchWindow], err = ch.PublishWithDeferredConfirm("hogar", r.key, true, false, amqp.Publishing{
			Headers:     amqp.Table{"seq": int64(i + 1), "dseq": r.dseq, "late": false, "simulated": false},
			ContentType: "application/json", DeliveryMode: amqp.Persistent, Type: "hogar.reading.v1", AppId: "hogar/dev",
			Timestamp: time.Now(), UserId: "guest", MessageId: "00000000-0000-0000-0000-000000000000-" + strconv.Itoa(i+1), Body: r.body,
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}
