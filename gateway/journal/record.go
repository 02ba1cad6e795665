package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// Record is one entry.
type Record struct {
	Seq   uint64 // its number, from 1; given by Append
	Time  int64  // µs since 1970
	Kind  uint8  // the caller's
	Flags uint8  // the caller's
	Class uint8  // the caller's; a [Gap] says how many of each it took
	Body  []byte
}

const (
	recordHeader = 28
	maxRecord    = recordHeader + MaxBody

	markAt  = 26
	marked  = 1 // all before this record was durable when it was written
	classAt = 27
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// appendRecord appends r without its checksum, which depends on the segment that
// it ends up in, see sealRecord.
func appendRecord(dst []byte, r Record) []byte {
	dst = le.AppendUint32(dst, uint32(recordHeader+len(r.Body)))
	dst = le.AppendUint32(dst, 0)
	dst = le.AppendUint64(dst, r.Seq)
	dst = le.AppendUint64(dst, uint64(r.Time))
	dst = append(dst, r.Kind, r.Flags, 0, r.Class)
	return append(dst, r.Body...)
}

// recordLen returns the len of the record at the start of b, unchecked.
func recordLen(b []byte) int { return int(le.Uint32(b)) }

// recordSeq returns the number of the record at the start of b, unchecked.
func recordSeq(b []byte) uint64 { return le.Uint64(b[8:]) }

// recordTime returns the time of the record at the start of b, unchecked.
func recordTime(b []byte) int64 { return int64(le.Uint64(b[16:])) }

// recordSum returns the checksum of the record that b is. salt is the checksum
// of the salt: continuing it is the same as having the salt in front.
func recordSum(b []byte, salt uint32) uint32 {
	return crc32.Update(crc32.Update(salt, castagnoli, b[:4]), castagnoli, b[8:])
}

// sealRecord sets the checksum of the record that b is.
func sealRecord(b []byte, salt uint32) { le.PutUint32(b[4:], recordSum(b, salt)) }

// decodeRecord reads the record at the start of b; its Body is a part of b. It
// returns false when there is no intact one.
func decodeRecord(b []byte, salt uint32) (Record, int, bool) {
	if len(b) < recordHeader {
		return Record{}, 0, false
	}
	n := int64(le.Uint32(b))
	if n < recordHeader || n > maxRecord || n > int64(len(b)) {
		return Record{}, 0, false
	}
	b = b[:n]
	if recordSum(b, salt) != le.Uint32(b[4:]) {
		return Record{}, 0, false
	}
	return Record{Seq: recordSeq(b), Time: recordTime(b), Kind: b[24], Flags: b[25], Class: b[classAt], Body: b[recordHeader:]}, int(n), true
}
