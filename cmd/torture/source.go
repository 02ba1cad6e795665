package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// A meter is an MQTT device that counts. Each of its messages says which it is and
// proves it, so that one that nobody sent is found out.
const meters = 40

func meterName(i int) string { return fmt.Sprintf("meter%02d", i) }

// note is what a meter says the nth time.
func note(meter string, n int) string {
	return fmt.Sprintf("%d:%08x", n, crc32.ChecksumIEEE(fmt.Appendf(nil, "%s %d", meter, n)))
}

// parseNote returns the number of a note, or 0 when it is none of the meter's.
func parseNote(meter, text string) int {
	number, _, _ := strings.Cut(text, ":")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || note(meter, n) != text {
		return 0
	}
	return n
}

// source is the meters, and what they know: which numbers Mosquitto took, and
// which of them the gateway acknowledged there. They reach Mosquitto directly.
type source struct {
	pace   time.Duration
	prefix string // of the topics
	log    *logFile
	stop   context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	taken map[string]int          // by meter: Mosquitto has all up to this number
	place map[string]map[int]int  // by meter: as which one Mosquitto gave it to the gateway first
	acked map[string]map[int]bool // by meter: the gateway acknowledged it there
	ready bool                    // the gateway has read its own marker
	gives uint64                  // how many messages of devices the gateway was given, each time they came
}

func newSource(pace time.Duration, prefix string, log *logFile) *source {
	return &source{pace: pace, prefix: prefix, log: log, stop: func() {}, taken: make(map[string]int),
		place: make(map[string]map[int]int), acked: make(map[string]map[int]bool)}
}

// start begins to count, on a connection to addr.
func (s *source) start(addr string) error {
	client, err := connectMQTT(addr, "source", nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	var counting sync.WaitGroup
	for i := range meters {
		counting.Go(func() { s.count(ctx, client, meterName(i)) })
	}
	s.wg.Go(func() {
		counting.Wait()
		client.Disconnect(100)
	})
	return nil
}

// connectMQTT makes a client that connects again by itself. subscribed, which may
// be nil, is called for each connection.
func connectMQTT(addr, id string, subscribe func(paho.Client)) (paho.Client, error) {
	options := paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("torture-" + id).SetCleanSession(false).
		SetAutoReconnect(true).SetMaxReconnectInterval(200 * time.Millisecond).SetConnectRetryInterval(200 * time.Millisecond).
		SetKeepAlive(60 * time.Second).SetOrderMatters(true)
	if subscribe != nil {
		options.SetOnConnectHandler(subscribe)
	}
	client := paho.NewClient(options)
	token := client.Connect()
	if !token.WaitTimeout(30*time.Second) || token.Error() != nil {
		return nil, fmt.Errorf("connect to mosquitto at %s: %v", addr, token.Error())
	}
	return client, nil
}

// count sends the next number when Mosquitto has the one before.
func (s *source) count(ctx context.Context, client paho.Client, meter string) {
	pace := time.NewTicker(s.pace)
	defer pace.Stop()
	for n := 1; ; {
		token := client.Publish(s.prefix+meter, 1, false, note(meter, n))
		if token.WaitTimeout(5*time.Second) && token.Error() == nil {
			s.mu.Lock()
			s.taken[meter] = n
			s.mu.Unlock()
			s.log.add("taken %s %d", meter, n)
			n++
		} // else Mosquitto is away, and is told once more
		if ctx.Err() != nil {
			return // only here: the last number is one that was taken
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
	}
}

// given notes what Mosquitto gives to the gateway.
func (s *source) given(topic string, payload []byte) {
	meter, ok := strings.CutPrefix(topic, s.prefix)
	if !ok {
		return
	}
	n := parseNote(meter, string(payload))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gives++
	if n == 0 {
		return // of an actuator
	}
	if s.place[meter] == nil {
		s.place[meter] = make(map[int]int)
	}
	if s.place[meter][n] == 0 {
		s.place[meter][n] = len(s.place[meter]) + 1
	}
	s.log.add("given %s %d", meter, n)
}

// accepted notes what the gateway acknowledged.
func (s *source) accepted(topic string, payload []byte) {
	meter, ok := strings.CutPrefix(topic, s.prefix)
	n := parseNote(meter, string(payload))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = s.ready || strings.HasSuffix(topic, "/marker")
	if !ok || n == 0 {
		return
	}
	if s.acked[meter] == nil {
		s.acked[meter] = make(map[int]bool)
	}
	s.acked[meter][n] = true
	s.log.add("accepted %s %d", meter, n)
}

// counts returns how many notes the gateway acknowledged, each once, and how many
// messages it was given, each as often as it came.
func (s *source) counts() (acked, given uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, numbers := range s.acked {
		acked += uint64(len(numbers))
	}
	return acked, s.gives
}

// marked reports whether the gateway has subscribed, and has what it sent itself.
func (s *source) marked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready
}

// missing returns how many numbers that Mosquitto took have not arrived. With owed
// only those count that the gateway acknowledged, and the last of each meter.
func (s *source) missing(arrived func(meter string, n int) bool, owed bool) (missing int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for meter, last := range s.taken {
		for n := 1; n <= last; n++ {
			if !arrived(meter, n) && (!owed || n == last || s.acked[meter][n]) {
				missing++
			}
		}
	}
	return missing
}

// end stops the counting.
func (s *source) end() {
	s.stop()
	s.wg.Wait()
}
