package journal

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	quarantineName = "quarantine"
	quarantineMost = 256 // gaps; damage is not to eat the disk

	idName = "journal.id"
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
// life that it was told. When there is no room it is told again then.
func (j *Journal) keepDamage(g Gap) {
	j.mu.Lock()
	j.known[gapKey{g.File, g.Offset}] = true
	n := len(j.known)
	j.mu.Unlock()
	dir := j.path(quarantineName)
	if n > quarantineMost || j.fs.MkdirAll(dir) != nil {
		return
	}
	b := make([]byte, g.Bytes)
	if f, err := j.fs.Open(j.path(g.File)); err == nil {
		readAround(f, b, g.Offset)
		f.Close()
	}
	name := filepath.Join(dir, fmt.Sprintf("%s@%d", g.File, g.Offset))
	f, err := replaceFile(j.fs, dir, name, b)
	if err != nil {
		j.log.Warn("damaged bytes are not kept", "file", g.File, "offset", g.Offset, "error", err)
		j.fs.Remove(name + ".tmp")
		return
	}
	f.Close()
}

// loadQuarantine finds out which gaps were told.
func (j *Journal) loadQuarantine() {
	names, err := j.fs.ReadDir(j.path(quarantineName))
	if err != nil {
		return // there is none
	}
	for _, name := range names {
		file, offset, _ := strings.Cut(name, "@")
		if n, err := strconv.ParseInt(offset, 10, 64); err == nil {
			j.known[gapKey{file, n}] = true
		}
	}
}

// loadID reads the journal's uuid; when the file is not there or damaged, it is
// in the header of any segment, and else there is no journal yet.
func (j *Journal) loadID(names []string) error {
	b, err := readFile(j.fs, j.path(idName))
	if err == nil {
		if id, ok := parseIDFile(string(b)); ok {
			j.id = id
			return nil
		}
	}
	if !j.idOfSegments(names) {
		rand.Read(j.id[:])
		j.id[6] = j.id[6]&0x0f | 0x40 // RFC 9562: version 4
		j.id[8] = j.id[8]&0x3f | 0x80 // and its variant
	}
	text := formatID(j.id)
	text = fmt.Sprintf("%s %08x\n", text, crc32.Checksum([]byte(text), castagnoli))
	f, err := replaceFile(j.fs, j.dir, j.path(idName), []byte(text))
	if err != nil {
		return err
	}
	return f.Close()
}

func (j *Journal) idOfSegments(names []string) bool {
	for _, name := range names {
		if _, ok := segmentNumber(name); !ok {
			continue
		}
		f, err := j.fs.Open(j.path(name))
		if err != nil {
			continue
		}
		head := make([]byte, segmentHeader)
		readAround(f, head, 0)
		f.Close()
		if id, _, ok := decodeHeader(head); ok {
			j.id = id
			return true
		}
	}
	return false
}

func formatID(id [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// parseIDFile reads "<uuid> <checksum>\n".
func parseIDFile(s string) (id [16]byte, ok bool) {
	text, sum, _ := strings.Cut(strings.TrimSpace(s), " ")
	if fmt.Sprintf("%08x", crc32.Checksum([]byte(text), castagnoli)) != sum {
		return id, false
	}
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(b) != len(id) {
		return id, false
	}
	return [16]byte(b), true
}
