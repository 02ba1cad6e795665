package journal

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// FS is what the journal needs of a file system; tests put a simulated one here.
// It has more methods than an interface should, because the order of exactly
// these calls is what makes records durable. Errors wrap those of package fs and
// the system's numbers. Safe for concurrent use.
type FS interface {
	MkdirAll(dir string) error
	ReadDir(dir string) ([]string, error) // the names in dir, without folders
	Open(name string) (File, error)       // to read
	Create(name string) (File, error)     // to read and write; an existing file is emptied
	Edit(name string) (File, error)       // to read and write an existing file
	Rename(from, to string) error         // replaces to
	Remove(name string) error
	SyncDir(dir string) error            // when it returns, the names in dir are durable
	Lock(name string) (io.Closer, error) // [ErrLocked] when another holds it
}

// File is an open file of an [FS].
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	Allocate(size int64) error // makes it size bytes long, what is new reads as zeros and has its room on the disk
	Datasync() error           // when it returns nil, the bytes and the length are durable
}

// Disk is the real file system: what a nil [Options.FS] is, and what another one may be made of.
func Disk() FS { return disk{} }

type disk struct{}

func (disk) MkdirAll(dir string) error      { return os.MkdirAll(dir, 0o750) }
func (disk) Rename(from, to string) error   { return os.Rename(from, to) }
func (disk) Remove(name string) error       { return os.Remove(name) }
func (disk) Open(name string) (File, error) { return openFile(name, os.O_RDONLY) }
func (disk) Edit(name string) (File, error) { return openFile(name, os.O_RDWR) }
func (disk) Create(name string) (File, error) {
	return openFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (disk) ReadDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func (disk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (disk) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	// The lock ends with the file, and so with the process, however that ends.
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, &fs.PathError{Op: "lock", Path: name, Err: err}
	}
	return flock{f}, nil
}

type flock struct{ f *os.File }

// Close unlocks before it closes: a child that was just forked may still have the
// file, and would hold the lock until it has become another program.
func (l flock) Close() error {
	return errors.Join(syscall.Flock(int(l.f.Fd()), syscall.LOCK_UN), l.f.Close())
}

type diskFile struct{ *os.File }

func openFile(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, 0o640)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

func (f diskFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// zeroFill extends the file with zeros that are really written: the way of
// file systems that cannot allocate.
func (f diskFile) zeroFill(size int64) error {
	at, err := f.Size()
	if err != nil {
		return err
	}
	zeros := make([]byte, 64<<10)
	for at < size {
		n, err := f.WriteAt(zeros[:min(size-at, int64(len(zeros)))], at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	return nil
}

// isNoSpace reports whether err goes away when somebody makes room.
func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
