package gateway

import (
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/drivers/simboard"
	"hogar/gateway/clock"
	"hogar/gateway/config"
	"hogar/gateway/home"
)

// The soak: a house in which one device breaks each minute.
const (
	soakEvery = time.Minute
	soakLasts = 4 * time.Minute
	// grace is house time that a house may take, beside a device's interval, to notice a
	// fault: a chip that hangs is given up after 5 s of the machine's time.
	soakGrace = 30 * time.Second
	// recovery is house time after which a mended device is back: it is tried again after a minute of
	// the machine's time at the latest.
	soakRecovery = 4 * time.Minute
)

// TestSoak lives in the demo's house, and in one with a device of each driver, for some hours, twice as fast as life,
// and breaks one device each minute, also with what chips really answer that is no measurement. Broken devices name
// their fault, the others are well, and at the end all are; nothing is left open. make soak lives longer: HOGAR_SOAK is the days.
func TestSoak(t *testing.T) {
	for _, name := range []string{"demo", "sensors"} {
		t.Run(name, func(t *testing.T) { soakIn(t, "../configs/"+name+".yaml") })
	}
}

func soakIn(t *testing.T, file string) {
	days, speed := 0.125, 2.0
	if s := os.Getenv("HOGAR_SOAK"); s != "" {
		var err error
		if days, err = strconv.ParseFloat(s, 64); err != nil {
			t.Fatal(err)
		}
	}
	cfg, source, faults := config.Load(file)
	plan := Check(cfg, faults)
	if faults.Failed() {
		t.Fatal(source.Problems(faults))
	}
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &soak{T: t, broken: make(map[string]breakage), well: make(map[string]time.Time)}
		s.clock = clock.New(time.Date(2026, 3, 21, 18, 30, 0, 0, time.UTC), speed)
		s.testHouse = runHouse(t, plan, s.clock, func(o *Options) {
			o.Journal = folder
			make := o.Board
			o.Board = func(parts map[string][]drivers.Part) (drivers.Board, error) {
				b, err := make(parts)
				b.(counted).Wear(simboard.Random{Every: soakEvery, Lasts: soakLasts, Seed: 7, Told: s.told})
				return b, err
			}
		})
		for _, d := range plan.devices {
			s.well[d.Name] = s.clock.Now()
		}
		end := s.clock.Now().Add(time.Duration(days * 24 * float64(time.Hour)))
		for s.clock.Now().Before(end) && !t.Failed() {
			time.Sleep(10 * time.Second)
			s.look(plan)
		}
		s.board.Wear(simboard.Random{})
		s.mend()
		time.Sleep(2 * time.Minute)
		for _, d := range plan.devices {
			if got := s.testHouse.device(d.Name); got.Status != home.Online && len(d.spec.Parts) > 0 {
				t.Errorf("at the end %s is %s: %s", d.Name, got.Status, got.Reason)
			}
		}
		t.Logf("%d faults, %d of them named, %d looks at healthy devices", s.faults, s.named, s.healthy)
		if s.named < s.faults/8 || s.healthy < 100 {
			t.Error("too little was seen")
		}
		s.stop()
	})
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		if name, err := os.Readlink(fd); err == nil && strings.HasPrefix(name, folder) {
			t.Errorf("%s is still open", name)
		}
	}
}

// soak is the house that is watched.
type soak struct {
	*testing.T
	*testHouse
	clock *clock.Clock

	mu     sync.Mutex
	broken map[string]breakage
	well   map[string]time.Time // devices that are not broken, and since when

	faults, named, healthy int
}

// breakage is a fault, and since when.
type breakage struct {
	fault simboard.Fault
	since time.Time
}

// told notes what the board breaks and mends.
func (s *soak) told(device string, f simboard.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == simboard.NoFault {
		delete(s.broken, device)
		s.well[device] = s.clock.Now()
		return
	}
	s.faults++
	if f.Once() || f.Harmless() { // it goes on at once, or is set up again
		s.well[device] = s.clock.Now()
		return
	}
	s.broken[device] = breakage{f, s.clock.Now()}
	delete(s.well, device)
}

// mend mends all.
func (s *soak) mend() {
	for _, name := range s.board.Names() {
		if err := s.board.Fault(name, simboard.NoFault); err != nil {
			s.Error(err)
		}
	}
}

// look holds the house against what is broken.
func (s *soak) look(plan *Plan) {
	now := s.clock.Now()
	s.mu.Lock()
	broken, well := maps.Clone(s.broken), maps.Clone(s.well)
	s.mu.Unlock()
	cut := false // the bus was cut within the last while, or is
	for _, b := range broken {
		cut = cut || b.fault == simboard.Unplugged
	}
	if cut {
		s.mu.Lock()
		for _, d := range plan.devices { // those at the bus have to recover, too
			if _, is := s.well[d.Name]; is && len(d.spec.Parts) > 0 && d.spec.Parts[0].Bus != "" {
				s.well[d.Name] = now
			}
		}
		s.mu.Unlock()
	}
	for _, d := range plan.devices {
		if len(d.spec.Parts) == 0 {
			continue // it speaks MQTT
		}
		if b, is := broken[d.Name]; is {
			s.lookAtBroken(&d, b, now)
			continue
		}
		if since, is := well[d.Name]; is && (!cut || d.spec.Parts[0].Bus == "") && now.Sub(since) > soakRecovery+s.patience(&d) {
			s.healthy++
			if got := s.testHouse.device(d.Name); got.Status != home.Online {
				s.Errorf("%s: %s is well since %v and %s: %s", now.Format("15:04"), d.Name, now.Sub(since), got.Status, got.Reason)
			}
		}
	}
}

// patience is house time that one measurement of a device may take.
func (s *soak) patience(d *device) time.Duration { return s.clock.House(2 * d.spec.Timeout) }

// noticed reports whether a fault makes the device offline, whatever it is: a pin that is stuck is a pin like any other.
func noticed(f simboard.Fault) bool {
	return !f.Silent() && !f.Once() && !f.Harmless() && f != simboard.Stuck
}

// lookAtBroken: what a driver can notice is named in time. A relay is not polled: it
// notices when it is set. Off is what no interlock with another broken one forbids.
func (s *soak) lookAtBroken(d *device, b breakage, now time.Time) {
	switch {
	case !noticed(b.fault) || d.Driver == "contact" && b.fault == simboard.Hang:
		return
	case d.Driver == "relay":
		o := s.set(d.Name, "state", home.BooleanOf(false))
		s.mu.Lock()
		same := s.broken[d.Name] == b
		s.mu.Unlock()
		if same && (o.Result.OK() || !strings.Contains(o.Error, d.spec.Parts[0].Pin)) {
			s.Errorf("%s: %s is %s, and a command is %s: %s", now.Format("15:04"), d.Name, b.fault, o.Result, o.Error)
		}
		s.named++
	case d.Every == 0 && d.Driver != "contact": // it is read when it is set
	case now.Sub(b.since) > d.Every+soakGrace+s.patience(d):
		got := s.testHouse.device(d.Name)
		s.mu.Lock()
		same := s.broken[d.Name] == b
		s.mu.Unlock()
		place := d.spec.Parts[0].Bus + d.spec.Parts[0].Pin + d.spec.Parts[0].Kernel
		hung := strings.Contains(got.Reason, "no answer within") // the driver itself never came back
		if same && (got.Status != home.Offline || !strings.Contains(got.Reason, place) && !hung) {
			s.Errorf("%s: %s is %s for %v, and it is %s: %s", now.Format("15:04"), d.Name, b.fault, now.Sub(b.since), got.Status, got.Reason)
		}
		s.named++
	}
}
