package simboard

import (
	"time"

	"hogar/drivers"
	"hogar/drivers/simboard/world"
	"hogar/gateway/home"
)

// Settings are what a configuration says below simulate:.
type Settings struct {
	Faults map[string]Fault // from the start, by device or bus
	Random Random           // but Seed and Told
}

// Decode reads what stands below simulate:, and holds it against the parts of the devices.
// d may be nil.
func Decode(d *home.Decoder, parts map[string][]drivers.Part) Settings {
	var s Settings
	if d == nil {
		return s
	}
	s.Faults = decodeNamed(d.Map("faults"), parts)
	if r := d.Map("random"); r != nil {
		r.Require("every")
		s.Random.Every = r.Duration("every", 0, time.Second, 30*24*time.Hour)
		s.Random.Lasts = r.Duration("lasts", s.Random.Every, time.Second, 30*24*time.Hour)
		for _, name := range r.Texts("kinds") {
			f, err := ParseFault(name)
			if err != nil || f == NoFault {
				r.Fault("kinds", "", "'%s' is no kind of fault", name)
				continue
			}
			s.Random.Kinds = append(s.Random.Kinds, f)
		}
		r.Done()
	}
	d.Done()
	return s
}

func decodeNamed(d *home.Decoder, parts map[string][]drivers.Part) map[string]Fault {
	if d == nil {
		return nil
	}
	board, err := New(world.New(world.Options{}), time.Now, parts) // only to ask what can be
	faults := make(map[string]Fault)
	for _, pair := range d.Node.Pairs {
		f, wrong := ParseFault(d.Text(pair.Key, ""))
		if wrong == nil && err == nil {
			wrong = board.Fault(pair.Key, f)
		}
		if wrong != nil {
			d.Fault(pair.Key, "", "%v", wrong)
			continue
		}
		faults[pair.Key] = f
	}
	return faults
}

// Apply puts the settings onto a board that does not run yet.
func (b *Board) Apply(s Settings, seed int64, told func(device string, f Fault)) {
	s.Random.Seed, s.Random.Told = seed, told
	b.Wear(s.Random)
	for name, f := range s.Faults {
		_ = b.Fault(name, f) // Decode has seen that it can be
	}
}
