// Package journal is an append-only log on disk with a cursor and a checkpoint.
// It takes bytes in and gives the same bytes out, in order, each with a number;
// it does not know what they mean. What has been told to be durable survives
// SIGKILL and, unless [Options.Sync] is [OS], a power cut.
//
// One goroutine, the committer, writes. [Journal.Append] copies a record, gives
// it its number and returns; the committer writes what has come together, syncs
// it once, and only then tells. A [Reader] gives out durable records only.
//
// # Files
//
//	LOCK                        held by flock(2) while the journal is open
//	journal.id                  uuid and its checksum: "<uuid> <crc32c as 8 hex digits>\n"
//	<first number, 20 digits>.seg   segments
//	spare.tmp                   the next segment, allocated ahead; *.tmp is deleted on open
//	cursor                      two slots
//	checkpoint-<number, 20 digits>  the two newest
//	quarantine/                 the damaged bytes of each gap that was reported:
//	                            <file>@<offset>@<first number lost>-<last>, 0-0: none is known to be;
//	                            of a file that was written anew (id, cursor, checkpoint) @<number of the next record> then;
//	                            <segment>@<offset>: what a write that was never finished left, and damage found by earlier versions;
//	                            files that do not belong here
//
// All numbers are little-endian, all checksums CRC-32C (Castagnoli).
//
// # Segment
//
// Allocated in full when it is made, filled from the front, cut to its length
// when it is left. What is not written yet reads as zeros.
//
//	offset  size  header
//	     0     8  "HGJOURN1"
//	     8     2  version, 1
//	    10     2  flags; bit 0: written without sync (mode os)
//	    12     4  zero
//	    16    16  uuid of the journal
//	    32     8  first: the number of the first record
//	    40     8  prev: the number of the record before it, in another segment; 0: none.
//	              first > prev+1 when numbers in between were refused: nobody was told they exist
//	    48     8  time of the first record, µs since 1970
//	    56     4  zero
//	    60     4  checksum of bytes 0 to 59
//	    64        records, without padding
//
// # Record
//
//	offset  size  record
//	     0     4  len: length of the whole record, 28 to 28 + 256 KiB; 0: no more records
//	     4     4  checksum of salt, len, and bytes 8 to the end
//	     8     8  seq: its number, one more than the record before it in the segment
//	    16     8  time, µs since 1970, never smaller than the one before
//	    24     1  kind   (meant for the caller)
//	    25     1  flags  (meant for the caller)
//	    26     1  mark; 1: all before it was durable when this was written
//	    27     1  class  (meant for the caller)
//	    28        body
//
// The salt is the uuid and the segment's first number (24 bytes, as in the
// header): old blocks of another file never pass for records, and the records
// can be read when the header is damaged, for the file's name has the number.
//
// A segment with a higher version is a newer program's: [ErrNewer]. Whoever changes
// the form of any file here raises the version, and begins a segment with it first.
//
// # Cursor
//
// Two slots of 4096 bytes. The slot that is known to be on the disk is never the
// one that is written. It is written after a second or 256 confirmed records, and
// synced after five seconds or, where 256 and more wait for that, after one: what
// was confirmed since comes again after a power cut.
//
//	offset  size  slot
//	     0     8  "HGCURSO1"
//	     8    16  uuid of the journal
//	    24     8  generation: the intact slot with the larger one counts
//	    32     8  cursor: everything up to this number is confirmed
//	    40     8  last: the newest number in a segment when it was written
//	    48     4  checksum of bytes 0 to 47 and, when there is a note, of all from 52 on
//	    52     2  length of the note; 0: none
//	    54        the note that belongs to the cursor (meant for the caller)
//
// # Checkpoint
//
//	offset  size  checkpoint
//	     0     8  "HGCHECK1"
//	     8    16  uuid of the journal
//	    24     8  seq: the number it stands at
//	    32     8  cursor when it was saved, for the case that both slots are lost
//	    40     8  length of the data
//	    48     4  checksum of bytes 0 to 47 and the data
//	    52        data
//
// # What holds
//
//   - Numbers grow and are not given twice to what anybody was told of. Where nobody can know
//     which were given, because all segments are gone, the journal gets a new id; where the last
//     segment is gone and nothing says where it ended, the numbers jump by 2^20.
//   - Damage anywhere is logged and reported once, by the start that finds it or the reader that
//     meets it, and stays in the figures for as long as its evidence is in the quarantine.
//   - A segment is written and synced under a temporary name, renamed, and its
//     folder synced, before a record in it is told to be durable.
//   - Damage costs the damaged records only: a reader looks for the next intact
//     record byte by byte, and says which numbers are missing, once. An intact
//     record is never thrown away because of a damaged one before it. What a power
//     cut tears of a write that nobody was told of is not called damage.
//   - After a failed write or sync the file is never synced again, for the system
//     may have marked the lost pages as clean: what it was about is written again,
//     into a new segment. When that fails too, the records are refused.
//   - A segment goes when it is behind the cursor, behind the older of the two
//     checkpoints, and older than [Options.Keep]. At [Options.MaxSize] what is
//     behind both goes sooner; then [Options.WhenFull] decides.
//   - Opening reads the headers and the last segment, never the rest, and does not
//     fail because of what it reads.
package journal
