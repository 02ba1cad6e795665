package home

// Ask is what a decoder is asked for: one key of a map, and what may stand there.
// It is how the reference of the configuration and the schema for editors are made
// from the code that reads it.
type Ask struct {
	Path     []string // of the map
	Key      string
	Type     string   // text, file, word, bool, int, number, duration, map, list, texts; empty: anything
	Default  string   // as it would be written; empty: none
	Options  []string // of a word
	Least    float64  // of an int or a number, and of a duration in seconds; infinities mean no limit
	Most     float64
	Required bool
	Free     bool // it is looked at as it stands first: other forms are possible
}

// ask tells who listens, if anybody does.
func (d *Decoder) ask(a Ask) {
	if d.Faults != nil && d.Faults.Asked != nil {
		a.Path = d.Node.Path
		d.Faults.Asked(a)
	}
}
