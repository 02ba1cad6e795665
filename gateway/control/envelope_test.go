package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hogar/gateway/clock"
	"hogar/gateway/home"
)

// The envelope's limits in the plant below.
const (
	maxOn     = 10 * time.Minute
	minOff    = time.Minute
	minOn     = 30 * time.Second
	probeMay  = 2 * time.Minute
	brokerMay = 5 * time.Minute
	rateSpan  = time.Minute
	rateMost  = 3
	slack     = 12 * time.Second // two slow drives, a pause, and a tick
)

// plant is the real world, which outlives the gateway and knows the true time.
type plant struct {
	mu         sync.Mutex
	clock      *clock.Clock // what the gateway's clock shows
	life       int          // counts the starts of the gateway
	started    time.Time
	machines   map[string]*machine
	probe      bool      // the thermometer lives
	measured   time.Time // by it, and told
	broker     bool
	lost       time.Time // since when the gateway knows that the broker is away
	violations []string
}

// machine is a real device.
type machine struct {
	*plant
	name    string
	on      bool
	changed time.Time
	counted time.Time // since when it is on, as far as the gateway can know
	slow    time.Duration
	lies    bool        // switched on, it obeys and says that it failed
	drives  []time.Time // since the clock jumped last
}

// Set implements [Actuator].
func (m *machine) Set(_ context.Context, property string, v home.Value) ([]home.Event, error) {
	m.mu.Lock()
	life, slow := m.life, m.slow
	m.drive()
	m.mu.Unlock()
	time.Sleep(slow)
	m.mu.Lock()
	defer m.mu.Unlock()
	if life != m.life {
		return nil, errors.New("killed")
	}
	if property == "speed" {
		if s := v.Number(); s < 10 || s > 80 {
			m.blame("pump at %v", s)
		}
		return []home.Event{m.reading(property, v)}, nil
	}
	m.turn(v.Boolean())
	if m.lies && v.Boolean() {
		return nil, errors.New("no answer")
	}
	return []home.Event{m.reading(property, v)}, nil
}

func (m *machine) reading(property string, v home.Value) home.Event {
	return home.Event{Kind: home.KindReading, Device: m.name, Property: property, Value: v, Elapsed: m.clock.Elapsed()}
}

// drive judges the rate of the pump.
func (m *machine) drive() {
	if m.name != "pump" {
		return
	}
	m.drives = append(m.drives, time.Now())
	if n := len(m.drives); n > rateMost && time.Since(m.drives[n-1-rateMost]) < rateSpan {
		m.blame("pump was driven %d times within %s", rateMost+1, time.Since(m.drives[n-1-rateMost]))
	}
}

// turn switches, and judges what is seen at that moment.
func (m *machine) turn(to bool) {
	if m.on == to {
		return
	}
	held := time.Since(m.changed)
	if to && m.name == "heater" && held < minOff {
		m.blame("heater was off for %s only", held)
	}
	if !to && m.name == "cooler" && held < minOn {
		m.blame("cooler was on for %s only", held)
	}
	m.on, m.changed, m.counted = to, time.Now(), time.Now()
	if m.machines["heater"].on && m.machines["cooler"].on {
		m.blame("heater and cooler are on")
	}
}

func (p *plant) blame(format string, args ...any) {
	p.violations = append(p.violations, fmt.Sprintf(format, args...))
}

// judge looks at what must hold while the gateway runs.
func (p *plant) judge() {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, up := p.machines["heater"], time.Since(p.started)
	if !h.on || up < slack || time.Since(h.changed) < slack {
		return
	}
	if d := time.Since(h.counted); d > maxOn+slack {
		p.blame("heater is on for %s", d)
	}
	if d := time.Since(p.measured); d > probeMay+slack && up > graceAfterStart+slack {
		p.blame("heater is on, and the probe silent for %s", d)
	}
	if d := time.Since(p.lost); !p.lost.IsZero() && d > brokerMay+slack {
		p.blame("heater is on, and the broker away for %s", d)
	}
}

// house is what the plant's gateway is given.
func (p *plant) house() House {
	speed := home.Property{Name: "speed", Type: home.TypeNumber, Settable: true}
	off := home.Settings{{Property: "state", Value: home.BooleanOf(false)}}
	on := home.Settings{{Property: "state", Value: home.BooleanOf(true)}}
	return House{Groups: map[string][]string{"all": {"pump", "heater", "cooler"}},
		Scenes: map[string]Scene{"boost": {Sets: []Wish{{"cooler", on}, {"heater", on}}}}, Devices: map[string]Device{
			"heater": {Properties: switchProperties, Actuator: p.machines["heater"], Reapply: true, Safety: &Safety{Switch: "state", MaxOn: maxOn, MinOff: minOff,
				OnStale: Reaction{Name: "probe.temperature", After: probeMay, Then: off}, OnLoss: Reaction{After: brokerMay, Then: off}}},
			"cooler": {Properties: switchProperties, Actuator: p.machines["cooler"], Reapply: true, Safety: &Safety{Switch: "state", MinOn: minOn, Interlock: []string{"heater"}}},
			"pump": {Properties: append([]home.Property{speed}, switchProperties...), Actuator: p.machines["pump"],
				Safety: &Safety{Switch: "state", Rate: Rate{rateMost, rateSpan}, Range: map[string]Range{"speed": {10, 80}}}},
		}}
}

// life is one run of the gateway: control, and a hub with its own goroutine.
type life struct {
	*plant
	control *Control
	cancel  context.CancelFunc
	ended   sync.WaitGroup
	stop    func() // of the devices, which it waits for

	queue   chan func()
	records []home.Event // the journal
	durable int
	saved   []byte // checkpoint
	savedAt int
	offset  time.Duration
	refuses bool
	missed  bool // something was refused since the checkpoint
}

// begin starts the gateway over a journal and a checkpoint.
func (p *plant) begin(records []home.Event, saved []byte, savedAt int) *life {
	l := &life{plant: p, queue: make(chan func(), 10_000), records: records, durable: len(records), saved: saved, savedAt: savedAt}
	if n := len(records); n > 0 {
		p.clock = clock.New(p.clock.Now(), 1)
		newest := clock.Mark{At: records[n-1].At, Elapsed: records[n-1].Elapsed}
		p.clock.Resume(newest, newest)
		l.offset = newest.At.Sub(newest.Elapsed)
	}
	l.control = New(l, p.clock, slog.New(slog.DiscardHandler))
	if saved != nil {
		if err := l.control.Restore(saved); err != nil {
			p.blame("restore: %v", err)
		}
	}
	for _, ev := range records[savedAt:] {
		l.control.Apply(&ev, false)
	}
	p.mu.Lock()
	p.started = time.Now()
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.serve()
	l.ended.Go(func() {
		for {
			select {
			case fn := <-l.queue:
				fn()
			case <-ctx.Done():
				return
			}
		}
	})
	return l
}

// serve attaches the house and serves its devices, as a start and a reload do.
func (l *life) serve() {
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	house := l.house()
	l.control.Attach(house)
	for name := range house.Devices {
		serving.Go(func() { _ = l.control.Serve(ctx, name) })
	}
	l.stop = func() {
		cancel()
		serving.Wait()
	}
}

// look returns what the clock shows, and records that it was set, as the hub does.
func (l *life) look() clock.Reading {
	now := l.clock.Read()
	if now.Offset() != l.offset {
		l.offset = now.Offset()
		detail, _ := json.Marshal(home.ClockSet{Elapsed: now.Elapsed, Trusted: true, Start: now.Start})
		ev := home.Event{Kind: home.KindGateway, Name: home.EventClockSet, At: now.At, Elapsed: now.Elapsed, Detail: detail}
		l.records = append(l.records, ev)
		l.control.Apply(&ev, true)
	}
	return now
}

// Accept implements [Hub].
func (l *life) Accept(events []home.Event, done func(error)) {
	l.queue <- func() {
		var err error
		for i := range events {
			ev := &events[i]
			now, measured := l.look(), ev.Elapsed
			ev.At, ev.Elapsed, ev.Time = now.At, now.Elapsed, now.At
			if !measured.IsZero() {
				ev.Time = now.At.Add(-max(0, now.Elapsed.Sub(measured)))
			}
			if ev.At.Sub(ev.Time) > 10*time.Second {
				ev.Flags |= home.FlagLate
			}
			if l.refuses {
				err = errors.New("full")
				l.missed = true
			} else {
				l.records = append(l.records, *ev)
			}
			l.control.Apply(ev, true)
		}
		if done != nil {
			l.durable = len(l.records)
			done(err)
		}
	}
}

// Do implements [Hub].
func (l *life) Do(ctx context.Context, fn func()) error {
	finished := make(chan struct{})
	l.queue <- func() { fn(); close(finished) }
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tick is what happens each second: the world goes on and the hub looks at its alarms.
func (l *life) tick(second int) {
	if l.probe && second%10 == 0 {
		l.Accept([]home.Event{{Kind: home.KindReading, Device: "probe", Property: "temperature", Value: home.NumberOf(20), Elapsed: l.clock.Elapsed()}}, nil)
		l.plant.mu.Lock()
		l.measured = time.Now()
		l.plant.mu.Unlock()
	}
	l.plant.mu.Lock()
	switch {
	case l.broker:
		l.lost = time.Time{}
	case l.lost.IsZero():
		l.lost = time.Now()
	}
	l.plant.mu.Unlock()
	l.control.Broker(l.broker)
	if second == 1 { // the drivers are open and read back
		for _, m := range l.machines {
			l.plant.mu.Lock()
			ev := m.reading("state", home.BooleanOf(m.on))
			l.plant.mu.Unlock()
			l.Accept([]home.Event{ev}, nil)
		}
	}
	l.queue <- func() {
		now := l.look()
		time.Sleep(time.Microsecond) // as the hub, whose time passes
		if at := l.control.Next(); !at.IsZero() && !at.After(now.Elapsed) {
			l.control.Apply(&home.Event{At: now.At, Elapsed: now.Elapsed}, true)
		}
		if second%5 == 0 {
			l.durable = len(l.records)
		}
	}
	time.Sleep(time.Second)
	synctest.Wait()
	l.judge()
}

// kill ends the gateway with what was on the disk, or a little more.
func (l *life) kill(loses bool) (records []home.Event, lost bool) {
	l.plant.mu.Lock()
	l.life++
	l.plant.mu.Unlock()
	_ = l.Do(context.Background(), func() {
		n := len(l.records)
		if loses {
			n = max(l.durable, l.savedAt)
		}
		records = l.records[:n:n]
		lost = n < len(l.records) || l.missed
	})
	l.cancel()
	for waiting := true; waiting; { // whoever still hands something in
		select {
		case <-l.queue:
		case <-time.After(4 * time.Second): // longer than the slowest drive
			waiting = false
		}
	}
	l.stop()
	l.ended.Wait()
	return records, lost
}

// op is one thing that happens to the plant.
type op struct {
	What   string
	Device string
	Value  string
	Span   time.Duration
	Flag   bool
}

func (o op) String() string {
	return fmt.Sprint(o.What, " ", o.Device, " ", o.Value, " ", o.Span, " ", o.Flag)
}

var drawOp = rapid.Custom(func(t *rapid.T) op {
	o := op{What: rapid.SampledFrom([]string{"set", "set", "set", "set", "wait", "wait", "wait", "kill", "reboot", "clock", "probe", "read", "broker", "slow", "lies",
		"checkpoint", "full", "reload", "away"}).Draw(t, "what")}
	o.Device = rapid.SampledFrom([]string{"heater", "heater", "cooler", "pump", "all", "boost"}).Draw(t, "device")
	o.Value = rapid.SampledFrom([]string{"on", "on", "on", "off", "toggle"}).Draw(t, "value")
	most := map[string]int{"wait": 240, "kill": 400, "reboot": 400, "slow": 3, "clock": 100_000, "set": 5}[o.What]
	o.Span = time.Duration(rapid.IntRange(0, most).Draw(t, "span")) * time.Second
	o.Flag = rapid.Bool().Draw(t, "flag")
	return o
})

// TestTheEnvelopeHolds: whatever commands come, however devices misbehave, whenever
// the gateway is killed and whatever its clock shows, the plant never leaves its
// limits, by true time and by what really happened.
func TestTheEnvelopeHolds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ops := rapid.SliceOfN(drawOp, 5, 40).Draw(rt, "ops")
		var violations []string
		synctest.Test(t, func(t *testing.T) { violations = story(ops) })
		if len(violations) > 0 {
			rt.Fatalf("%d violations: %s", len(violations), violations[0])
		}
	})
}

// TestStories are what the property above met, and what it meets too seldom.
func TestStories(t *testing.T) {
	heat := op{What: "set", Device: "heater", Value: "on"}
	wait := func(d time.Duration) op { return op{What: "wait", Span: d} }
	for name, ops := range map[string][]op{
		"on before the kill":           {heat, wait(8 * time.Minute), {What: "kill", Span: time.Minute}},
		"on, and told that it is not":  {{What: "lies", Device: "heater", Flag: true}, heat, wait(8 * time.Minute), {What: "kill"}},
		"the clock is set back":        {heat, wait(6 * time.Minute), {What: "clock", Span: 5 * time.Minute, Flag: true}, {What: "kill", Span: 6 * time.Minute}},
		"the clock is set forward":     {heat, wait(6 * time.Minute), {What: "clock", Span: 5 * time.Hour}, wait(3 * time.Minute)},
		"the clock loses its time":     {heat, wait(6 * time.Minute), {What: "reboot"}},
		"the probe dies in between":    {heat, {What: "probe"}, wait(time.Minute), {What: "kill", Span: time.Minute}},
		"the broker goes in between":   {heat, {What: "broker"}, wait(4 * time.Minute), {What: "kill", Span: time.Minute}, wait(2 * time.Minute)},
		"the rate over a kill":         {{What: "set", Device: "pump", Value: "on"}, {What: "set", Device: "pump", Value: "on"}, {What: "set", Device: "pump", Value: "on"}, {What: "kill"}, {What: "set", Device: "pump", Value: "on"}, {What: "set", Device: "pump", Value: "off"}},
		"read while it is switched on": {{What: "slow", Device: "heater", Span: 3 * time.Second}, heat, {What: "read", Device: "heater"}, {What: "set", Device: "cooler", Value: "on"}, wait(10 * time.Second)},
		"a group and a scene": {{What: "set", Device: "all", Value: "on"}, wait(time.Minute), {What: "set", Device: "boost"}, wait(time.Minute),
			{What: "set", Device: "all", Value: "toggle"}, wait(time.Minute)},
		"a reload in between":       {heat, wait(8 * time.Minute), {What: "reload"}},
		"it comes back switched on": {{What: "lies", Device: "heater", Flag: true}, heat, {What: "away", Device: "heater", Flag: true}, wait(8 * time.Minute), {What: "away", Device: "heater"}},
		"unrecorded":                {{What: "full", Flag: true}, heat, wait(12 * time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, v := range story(ops) {
					t.Error(v)
				}
			})
		})
	}
}

// story plays the operations.
func story(ops []op) []string {
	p := &plant{machines: make(map[string]*machine), probe: true, broker: true, clock: clock.New(time.Time{}, 1), measured: time.Now()}
	for _, name := range []string{"heater", "cooler", "pump"} {
		p.machines[name] = &machine{plant: p, name: name, changed: time.Now().Add(-time.Hour)}
	}
	l, second := p.begin(nil, nil, 0), 0
	run := func(d time.Duration) {
		for range int(d/time.Second) + 1 {
			l.tick(second)
			second++
		}
	}
	run(70 * time.Second)
	for _, o := range ops {
		m := p.machines[o.Device]
		if m == nil { // a group or a scene
			m = p.machines["cooler"]
		}
		switch o.What {
		case "set":
			l.control.Submit(home.Command{Device: o.Device, Set: o.settings(), Source: "rule:any"}, nil)
			run(o.Span)
		case "wait":
			run(o.Span)
		case "read":
			p.mu.Lock()
			ev := m.reading("state", home.BooleanOf(m.on))
			p.mu.Unlock()
			l.Accept([]home.Event{ev}, nil)
		case "kill", "reboot":
			l, second = p.again(l, o), 0
			run(2 * time.Second)
		case "clock":
			p.jump(o)
			run(2 * time.Second) // a jump that the gateway did not live to see cannot be known
		case "probe":
			p.probe = o.Flag
		case "broker":
			p.broker = o.Flag
		case "slow":
			p.mu.Lock()
			m.slow = o.Span
			p.mu.Unlock()
		case "lies":
			p.mu.Lock()
			m.lies = o.Flag
			p.mu.Unlock()
		case "checkpoint":
			l.checkpoint()
		case "reload":
			l.stop()
			l.serve()
			run(2 * time.Second)
		case "away":
			l.away(m, o.Flag)
		case "full":
			_ = l.Do(context.Background(), func() { l.refuses = o.Flag })
		}
	}
	run(maxOn + time.Minute)
	l.kill(false)
	return p.violations
}

// away takes a device out of sight, or brings it back as it is.
func (l *life) away(m *machine, gone bool) {
	status := home.Event{Kind: home.KindStatus, Device: m.name, State: home.Online}
	if gone {
		status.State = home.Offline
		l.Accept([]home.Event{status}, nil)
		return
	}
	l.plant.mu.Lock()
	reading := m.reading("state", home.BooleanOf(m.on))
	l.plant.mu.Unlock()
	l.Accept([]home.Event{status, reading}, nil)
}

func (o op) settings() home.Settings {
	if o.Device == "boost" {
		return set(Activate, "on")
	}
	if o.Device == "pump" && o.Flag {
		return home.Settings{{Property: "speed", Value: home.NumberOf(float64(o.Span/time.Second) * 25)}}
	}
	return set("state", o.Value)
}

// jump sets the gateway's clock, forward or back.
func (p *plant) jump(o op) {
	by := o.Span
	if o.Flag {
		by = -by
	}
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clock.Set(p.clock.Now().Add(by))
	for _, m := range p.machines {
		m.drives = nil // a jump and a kill together defeat the rate, which nobody's safety hangs on
	}
}

func (l *life) checkpoint() {
	_ = l.Do(context.Background(), func() {
		if saved, err := l.control.Save(); err == nil {
			l.saved, l.savedAt, l.durable, l.missed = saved, len(l.records), len(l.records), false
		}
	})
}

// again kills the gateway and starts it after a while. What it could not know of
// before, because that was not on the disk, counts from the start.
func (p *plant) again(l *life, o op) *life {
	records, lost := l.kill(o.Flag)
	saved, savedAt := l.saved, l.savedAt
	time.Sleep(o.Span)
	p.mu.Lock()
	if o.What == "reboot" { // a clock without a battery
		p.clock.Set(p.clock.Now().Add(-o.Span - time.Hour))
	}
	for _, m := range p.machines {
		if lost {
			m.counted = time.Now()
		}
	}
	if lost && !p.lost.IsZero() {
		p.lost = time.Now()
	}
	p.mu.Unlock()
	return p.begin(records, saved, savedAt)
}
