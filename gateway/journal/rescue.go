package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Rescued is what [Rescue] copied.
type Rescued struct {
	Files int
	Bytes int64
	Lost  []string // files that could not be opened
}

// Rescue copies the journal in from to the folder to, which is made and must not
// hold a journal: with its numbers, cursor and checkpoints, so that a gateway goes on
// there. What cannot be read of a file becomes zeros, over which readers step; an
// ordinary copy would end at the first bad block. It changes nothing in from, and
// fails when that is in use. told is called after each file with what was copied so
// far.
func Rescue(from, to string, told func(Rescued)) (Rescued, error) {
	if _, err := os.Stat(from); err != nil {
		return Rescued{}, fmt.Errorf("journal: %w", err)
	}
	return rescue(disk{}, from, to, told)
}

func rescue(fsys FS, from, to string, told func(Rescued)) (r Rescued, err error) {
	fail := func(err error) (Rescued, error) { return r, fmt.Errorf("rescue journal %s: %w", from, err) }
	names, err := fsys.ReadDir(from)
	if err != nil {
		return fail(err)
	}
	lock, err := lockIfPossible(fsys, from, names)
	if err != nil {
		return fail(err)
	}
	if lock != nil {
		defer lock.Close()
	}
	if err := fsys.MkdirAll(to); err != nil {
		return fail(err)
	}
	there, err := fsys.ReadDir(to)
	if err != nil {
		return fail(err)
	}
	if len(there) > 0 {
		return fail(fmt.Errorf("%s is not empty", to))
	}
	for _, name := range names {
		if name == lockName || strings.HasSuffix(name, ".tmp") {
			continue
		}
		n, err := rescueFile(fsys, filepath.Join(from, name), filepath.Join(to, name))
		if errors.Is(err, errUnreadable) {
			r.Lost = append(r.Lost, name)
			continue
		}
		if err != nil {
			return fail(err)
		}
		r.Files++
		r.Bytes += n
		told(r)
	}
	if r.Files == 0 {
		return fail(fs.ErrNotExist)
	}
	return r, fsys.SyncDir(to)
}

// lockIfPossible takes the journal's lock. A disk that lets nobody write has no
// other process that does.
func lockIfPossible(fsys FS, dir string, names []string) (io.Closer, error) {
	for _, name := range names {
		if name == lockName {
			lock, err := fsys.Lock(filepath.Join(dir, lockName))
			if errors.Is(err, ErrLocked) {
				return nil, err
			}
			return lock, nil
		}
	}
	return nil, nil
}

var errUnreadable = errors.New("it cannot be opened")

// rescueFile copies what can be read of a file, and makes it durable.
func rescueFile(fsys FS, from, to string) (n int64, err error) {
	in, err := fsys.Open(from)
	if err != nil {
		return 0, errUnreadable
	}
	defer in.Close()
	size, err := in.Size()
	if err != nil {
		return 0, errUnreadable
	}
	out, err := fsys.Create(to)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	buf := make([]byte, readSize)
	for ; n < size; n += int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), size-n)]
		readAround(in, buf, n)
		if err := writeAll(out, buf, n); err != nil {
			return n, err
		}
	}
	return n, out.Datasync()
}
