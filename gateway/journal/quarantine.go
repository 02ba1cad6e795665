package journal

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	quarantineName = "quarantine"
	quarantineMost = 256 // gaps; damage is not to eat the disk
)

// setAside moves a file that is not a segment of this journal to the quarantine.
func (j *Journal) setAside(name, why string) {
	dir := j.path(quarantineName)
	err := j.fs.MkdirAll(dir)
	if err == nil {
		err = j.fs.Rename(j.path(name), filepath.Join(dir, name))
	}
	if err == nil {
		j.report.SetAside = append(j.report.SetAside, name)
	}
	j.log.Warn("file set aside", "file", name, "reason", why, "error", err)
}

// keepDamage keeps the damaged bytes of a gap, as evidence and to know in a later
// life that it was reported. When there is no room it is reported again then.
func (j *Journal) keepDamage(g Gap) {
	key := gapKey{g.File, g.Offset, 0}
	if j.mayKeep(key, g) {
		j.keepBytes(evidence(key, g), j.bytesOf(g))
	}
}

// keepTorn keeps what a write that was never finished left between records: it is not damage,
// and not reported.
func (j *Journal) keepTorn(g Gap) {
	key := gapKey{g.File, g.Offset, 0}
	if j.mayKeep(key, Gap{}) {
		j.keepBytes(fmt.Sprintf("%s@%d", g.File, g.Offset), j.bytesOf(g))
	}
}

// bytesOf reads the bytes of a gap.
func (j *Journal) bytesOf(g Gap) []byte {
	b := make([]byte, g.Bytes)
	if f, err := j.fs.Open(j.path(g.File)); err == nil {
		readAround(f, b, g.Offset)
		f.Close()
	}
	return b
}

// mayKeep notes that g is known, and reports whether there is a place for its evidence.
func (j *Journal) mayKeep(key gapKey, g Gap) bool {
	j.mu.Lock()
	j.known[key] = g
	n := len(j.known)
	j.mu.Unlock()
	return n <= quarantineMost && j.fs.MkdirAll(j.path(quarantineName)) == nil
}

// keepBytes keeps b as evidence of that name, and reports whether it is there.
func (j *Journal) keepBytes(evidence string, b []byte) bool {
	dir := j.path(quarantineName)
	name := filepath.Join(dir, evidence)
	f, err := replaceFile(j.fs, dir, name, b)
	if err != nil {
		j.log.Warn("damaged bytes are not kept", "file", evidence, "error", err)
		j.fs.Remove(name + ".tmp")
		return false
	}
	f.Close()
	return true
}

// evidence is the name of the file that keeps the damaged bytes of a gap.
func evidence(key gapKey, g Gap) string {
	name := fmt.Sprintf("%s@%d@%d-%d", key.file, key.offset, g.From, g.To)
	if key.seen > 0 {
		name += fmt.Sprintf("@%d", key.seen)
	}
	return name
}

// parseEvidence is the reverse of evidence, but for the length. A name without numbers is that
// of a torn write, or of an earlier version: g is zero then.
func parseEvidence(name string) (key gapKey, g Gap, ok bool) {
	parts := strings.Split(name, "@")
	if len(parts) < 2 || len(parts) > 4 {
		return gapKey{}, Gap{}, false
	}
	var err [4]error
	key.file = parts[0]
	key.offset, err[0] = strconv.ParseInt(parts[1], 10, 64)
	if len(parts) > 2 {
		g = Gap{File: key.file, Offset: key.offset, Reason: Damaged}
		from, to, _ := strings.Cut(parts[2], "-")
		g.From, err[1] = strconv.ParseUint(from, 10, 64)
		g.To, err[2] = strconv.ParseUint(to, 10, 64)
	}
	if len(parts) > 3 {
		key.seen, err[3] = strconv.ParseUint(parts[3], 10, 64)
	}
	return key, g, errors.Join(err[:]...) == nil && g.From <= g.To
}

// loadQuarantine finds out which gaps were reported in an earlier life, and counts them: what
// is lost stays lost.
func (j *Journal) loadQuarantine() {
	names, err := j.fs.ReadDir(j.path(quarantineName))
	if err != nil {
		return // there is none
	}
	for _, name := range names {
		key, g, ok := parseEvidence(name)
		if !ok {
			continue // a file that was set aside whole
		}
		if f, err := j.fs.Open(filepath.Join(j.path(quarantineName), name)); err == nil && g.File != "" {
			g.Bytes, _ = f.Size()
			f.Close()
		}
		j.known[key] = g
		j.count(g)
	}
}

// rewritten reports damage in a file that is written anew afterwards, and is whole then.
// It is called when the newest number is known.
func (j *Journal) rewritten(f finding) {
	g := Gap{File: f.file, Offset: f.offset, Bytes: int64(len(f.bytes)), Reason: Damaged}
	key := gapKey{f.file, f.offset, j.last + 1}
	if _, known := j.known[key]; known {
		return // the gateway was killed before it could be written anew
	}
	j.report.Gaps = append(j.report.Gaps, g)
	j.count(g)
	j.logGap(g)
	if j.mayKeep(key, g) && j.keepBytes(evidence(key, g), f.bytes) {
		if _, ok := checkpointNumber(f.file); ok {
			j.fs.Remove(j.path(f.file)) // the others are written anew under their name
		}
	}
}

// finding is damage in the file of the id, the cursor or a checkpoint.
type finding struct {
	file   string
	offset int64
	bytes  []byte
}
