package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// ErrNewer means that a newer hogar has written the journal: this one does not
// know how to read it, and has changed nothing.
var ErrNewer = errors.New("a newer hogar has written this journal")

// newer refuses a folder in which a newer program has written. Every version keeps to
// this: a segment begins with seven bytes that never change and a digit, its
// version, and the checksum of its first 60 bytes. Whoever changes the form of any
// file in the folder raises that version, and begins a segment before he writes
// anything else. A header that is not intact is damage, and not news.
func newer(fs FS, dir string, names []string) error {
	for _, name := range names {
		if _, ok := segmentNumber(name); !ok {
			continue
		}
		f, err := fs.Open(dir + "/" + name)
		if err != nil {
			continue // recovery tells of it
		}
		b := make([]byte, segmentHeader)
		n, _ := f.ReadAt(b, 0)
		f.Close()
		if n < segmentHeader || string(b[:7]) != segmentMagic[:7] || crc32.Checksum(b[:60], castagnoli) != le.Uint32(b[60:]) {
			continue
		}
		if version := le.Uint16(b[8:]); b[7] > segmentMagic[7] || version > formatVersion {
			return fmt.Errorf("%w: %s is of version %d, and this hogar knows %d; install the newer one again, or move the folder away "+
				"and begin anew; nothing was changed", ErrNewer, name, max(version, uint16(b[7]-'0')), formatVersion)
		}
	}
	return nil
}
