package journal

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
)

type simFile struct {
	s *sim
	n *inode
}

func (f *simFile) ReadAt(b []byte, off int64) (int, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.s.fault != nil {
		if err := f.s.fault("read", filepath.Base(f.n.name), off); err != nil {
			return 0, err
		}
	}
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.n.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *simFile) WriteAt(b []byte, off int64) (int, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	err := f.s.op("write", f.n.name, off)
	if err != nil && !f.s.short && !errors.Is(err, errCut) {
		return 0, err
	}
	if err != nil && f.s.cutAt > 0 && f.s.ops > f.s.cutAt {
		return 0, err
	}
	if err != nil && !errors.Is(err, errCut) {
		b = b[:len(b)/2] // a write under way at the cut is as a whole among what may be there
	}
	for at := off; at < off+int64(len(b)); {
		to := min((at/sector+1)*sector, off+int64(len(b)))
		f.change(write{off: at, data: slices.Clone(b[at-off : to-off])})
		at = to
	}
	return len(b), err
}

func (f *simFile) change(w write) {
	f.n.data = w.apply(f.n.data)
	f.n.dirty = append(f.n.dirty, w)
}

func (f *simFile) Truncate(size int64) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if err := f.s.op("truncate", f.n.name, size); err != nil {
		return err
	}
	f.change(write{size: size})
	return nil
}

func (f *simFile) Allocate(size int64) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if err := f.s.op("allocate", f.n.name, size); err != nil {
		return err
	}
	if size > int64(len(f.n.data)) {
		f.change(write{size: size})
	}
	return nil
}

func (f *simFile) Datasync() error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if err := f.s.op("sync", f.n.name, 0); err != nil {
		if !errors.Is(err, errCut) {
			f.n.dirty = nil // the system gives up the pages and calls them clean
		}
		return err
	}
	f.n.kept = slices.Clone(f.n.data)
	f.n.dirty = nil
	return nil
}

func (f *simFile) Size() (int64, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	return int64(len(f.n.data)), nil
}

func (f *simFile) Close() error { return nil }
