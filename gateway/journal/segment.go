package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

const (
	segmentMagic  = "HGJOURN1"
	segmentHeader = 64
	segmentSuffix = ".seg"
	formatVersion = 1
	flagUnsynced  = 1 // header flag: written without sync
)

// segment is one file of records. Its fields are guarded by the journal's mutex
// once it is in the list; those of the first line never change.
type segment struct {
	first uint64 // number of its first record
	prev  uint64 // number of the record before it
	time  int64  // of its first record
	salt  uint32
	flags uint16

	end int64 // to here it may be read: durable, or the file's length
}

func (s *segment) name() string { return segmentName(s.first) }

func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

// segmentNumber is the reverse of segmentName.
func segmentNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0
}

// saltOf returns the checksum of a segment's salt.
func saltOf(id [16]byte, first uint64) uint32 {
	b := binary.LittleEndian.AppendUint64(id[:], first)
	return crc32.Checksum(b, castagnoli)
}

func encodeHeader(id [16]byte, s *segment) []byte {
	b := make([]byte, 0, segmentHeader)
	b = append(b, segmentMagic...)
	b = le.AppendUint16(b, formatVersion)
	b = le.AppendUint16(b, s.flags)
	b = le.AppendUint32(b, 0)
	b = append(b, id[:]...)
	b = le.AppendUint64(b, s.first)
	b = le.AppendUint64(b, s.prev)
	b = le.AppendUint64(b, uint64(s.time))
	b = le.AppendUint32(b, 0)
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeHeader reads a header; ok is false when it is not intact or of a version
// that this program does not know.
func decodeHeader(b []byte) (id [16]byte, s *segment, ok bool) {
	if len(b) < segmentHeader || string(b[:8]) != segmentMagic || le.Uint16(b[8:]) != formatVersion ||
		crc32.Checksum(b[:60], castagnoli) != le.Uint32(b[60:]) {
		return id, nil, false
	}
	copy(id[:], b[16:])
	s = &segment{flags: le.Uint16(b[10:]), first: le.Uint64(b[32:]), prev: le.Uint64(b[40:]), time: int64(le.Uint64(b[48:]))}
	s.salt = saltOf(id, s.first)
	return id, s, s.first > s.prev
}
