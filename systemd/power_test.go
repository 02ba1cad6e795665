package systemd_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// TestPowerCuts kills a virtual machine, again and again and at random, while
// readings and commands go through the gateway in it. It must come back each time
// by itself. What is held against what: the numbers that Mosquitto was given, what
// RabbitMQ has, and what the dimmer was told.
func TestPowerCuts(t *testing.T) {
	debian(t)
	cuts, _ := strconv.Atoi(os.Getenv("HOGAR_POWER_CUTS"))
	cuts = max(cuts, 1)
	broker := startRabbitMQ(t)
	w := newWitness(t, broker)
	w.collect(arrivals(t, broker, "casa.reading.#", "casa.outcome.#", "casa.gateway.gap"))
	m := newMachine(t)
	m.boot()
	m.run("mkdir -p /root/parcel && tar -C /root/parcel -xf /dev/vdb && dpkg -i /root/parcel/new/*.deb")
	m.write("/etc/hogar/hogar.yaml", fmt.Sprintf(`gateway: casa
amqp: {urls: ["amqp://%s"]}
mqtt: [{url: "mqtt://%s"}]
devices:
  lab.count:  {driver: mqtt, topic: lab/count, property: count}
  lab.dimmer: {driver: mqtt, topic: lab/dimmer, property: level, command_topic: lab/dimmer/set}`,
		fromInside(broker.Addr()), fromInside(w.mosquitto.Addr())))
	m.run("systemctl start hogar && sync")
	w.awaitNumber(0)
	stop := w.traffic()
	for cut := range cuts {
		time.Sleep(time.Duration(2000+rand.IntN(10000)) * time.Millisecond)
		repeated := w.repeated()
		m.kill()
		if cut%5 == 4 { // and once more while it comes up
			m.start()
			time.Sleep(time.Duration(rand.IntN(30000)) * time.Millisecond)
			m.kill()
		}
		behind := w.behind()
		began := time.Now()
		m.boot()
		m.await("systemctl is-active hogar", "active")
		active := time.Now()
		w.awaitNumber(w.given()) // what was given up to now has come through
		caughtUp := time.Since(active)
		ready := m.run(`systemctl show -p InactiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic --value hogar | tr '\n' ' ' | { read a b; echo $(( (b - a) / 1000 )); }`)
		repeated = w.repeated() - repeated
		t.Logf("cut %d: active after %.0f s, ready %s ms after systemd's start of it, caught up %.1f s later, %d came again; %s",
			cut+1, active.Sub(began).Seconds(), ready, caughtUp.Seconds(), repeated, w)
		if most := mostAgain + behind; repeated > most {
			t.Errorf("cut %d: %d messages came again, at most %d may", cut+1, repeated, most)
		}
	}
	stop()
	w.awaitNumber(w.given())
	w.awaitOutcomes()
	w.verdict(cuts)
	m.run("systemctl stop hogar && hogar journal check --journal /var/lib/hogar/journal")
}

// mostAgain is how much may come again after a power cut: what was confirmed in the five seconds
// since the cursor was last synced, 22 messages each, or 256 when those were fewer seconds, and
// what was sent and not yet confirmed.
const mostAgain = 5*22 + 256 + 128
