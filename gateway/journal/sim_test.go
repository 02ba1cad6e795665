package journal

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

var errCut = errors.New("power cut")

const sector = 512

// sim is a file system in memory that knows what is durable and what is not, and
// can be cut off after any operation.
type sim struct {
	mu     sync.Mutex
	names  map[string]*inode // as programs see it
	kept   map[string]*inode // what is durable
	moves  []move            // not durable yet
	ops    int
	cutAt  int                                    // operations that change something from this one on fail; 0: never
	fault  func(op, name string, off int64) error // may fail an operation; nil: none
	short  bool                                   // a write that fails writes half
	locked bool
}

// move is a change of names that is not durable yet.
type move struct {
	set  string
	to   *inode
	gone string
}

type inode struct {
	data  []byte
	kept  []byte
	dirty []write // since the last sync
}

// write is a part of a write that the disk does as a whole, or a new length.
type write struct {
	off  int64
	data []byte
	size int64 // with data nil
}

func newSim() *sim { return &sim{names: map[string]*inode{}, kept: map[string]*inode{}} }

// op counts an operation and returns its error, if it is to fail.
func (s *sim) op(op, name string, off int64) error {
	s.ops++
	if s.cutAt > 0 && s.ops >= s.cutAt {
		return errCut
	}
	if s.fault != nil {
		return s.fault(op, filepath.Base(name), off)
	}
	return nil
}

func (s *sim) MkdirAll(string) error { return nil }

func (s *sim) ReadDir(dir string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (s *sim) Open(name string) (File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.names[name]
	if n == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &simFile{s: s, n: n, name: name}, nil
}

func (s *sim) Edit(name string) (File, error) { return s.Open(name) }

func (s *sim) Create(name string) (File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.op("create", name, 0); err != nil {
		return nil, err
	}
	n := &inode{}
	s.names[name] = n
	s.moves = append(s.moves, move{set: name, to: n})
	return &simFile{s: s, n: n, name: name}, nil
}

func (s *sim) Rename(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.op("rename", to, 0); err != nil {
		return err
	}
	n := s.names[from]
	if n == nil {
		return fs.ErrNotExist
	}
	s.names[to] = n
	delete(s.names, from)
	s.moves = append(s.moves, move{set: to, to: n, gone: from})
	return nil
}

func (s *sim) Remove(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.op("remove", name, 0); err != nil {
		return err
	}
	if s.names[name] == nil {
		return fs.ErrNotExist
	}
	delete(s.names, name)
	s.moves = append(s.moves, move{gone: name})
	return nil
}

func (s *sim) SyncDir(string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.op("syncdir", "", 0); err != nil {
		return err
	}
	for _, m := range s.moves {
		m.apply(s.kept)
	}
	s.moves = nil
	return nil
}

func (m move) apply(names map[string]*inode) {
	if m.gone != "" {
		delete(names, m.gone)
	}
	if m.set != "" {
		names[m.set] = m.to
	}
}

func (s *sim) Lock(string) (io.Closer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locked {
		return nil, ErrLocked
	}
	s.locked = true
	return unlock{s}, nil
}

type unlock struct{ s *sim }

func (u unlock) Close() error {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.s.locked = false
	return nil
}

// restart returns what a power cut leaves, as rng decides. In style 0 nothing
// that was not synced is there, in style 1 everything, in style 2 a prefix of each
// file's changes and of the names', else any sectors and any names.
func (s *sim) restart(rng *rand.Rand, style int) *sim {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := newSim()
	names := make(map[string]*inode, len(s.kept))
	for name, n := range s.kept {
		names[name] = n
	}
	upTo := rng.IntN(len(s.moves) + 1)
	for i, m := range s.moves {
		if style == 1 || style == 2 && i < upTo || style > 2 && rng.IntN(2) == 0 {
			m.apply(names)
		}
	}
	done := map[*inode]*inode{}
	for _, name := range slices.Sorted(keys(names)) {
		n := names[name]
		if done[n] == nil {
			done[n] = n.afterCut(rng, style)
		}
		next.names[name], next.kept[name] = done[n], done[n]
	}
	return next
}

// kill returns what SIGKILL leaves: all, though not all of it is durable.
func (s *sim) kill() *sim {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, done := newSim(), map[*inode]*inode{}
	as := func(n *inode) *inode {
		if done[n] == nil {
			done[n] = &inode{data: slices.Clone(n.data), kept: slices.Clone(n.kept), dirty: slices.Clone(n.dirty)}
		}
		return done[n]
	}
	for name, n := range s.names {
		next.names[name] = as(n)
	}
	for name, n := range s.kept {
		next.kept[name] = as(n)
	}
	for _, m := range s.moves {
		if m.to != nil {
			m.to = as(m.to)
		}
		next.moves = append(next.moves, m)
	}
	return next
}

func keys(m map[string]*inode) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (n *inode) afterCut(rng *rand.Rand, style int) *inode {
	data := slices.Clone(n.kept)
	upTo := rng.IntN(len(n.dirty) + 1)
	for i, w := range n.dirty {
		if style == 1 || style == 2 && i < upTo || style > 2 && rng.IntN(2) == 0 {
			data = w.apply(data)
		}
	}
	return &inode{data: data, kept: slices.Clone(data)}
}

func (w write) apply(data []byte) []byte {
	to := w.size
	if w.data != nil {
		to = max(w.off+int64(len(w.data)), int64(len(data)))
	}
	if to <= int64(len(data)) {
		data = data[:to]
	} else {
		data = append(data, make([]byte, to-int64(len(data)))...)
	}
	copy(data[min(w.off, to):], w.data)
	return data
}

type simFile struct {
	s    *sim
	n    *inode
	name string
}

func (f *simFile) ReadAt(b []byte, off int64) (int, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.s.fault != nil {
		if err := f.s.fault("read", filepath.Base(f.name), off); err != nil {
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
	err := f.s.op("write", f.name, off)
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
	if err := f.s.op("truncate", f.name, size); err != nil {
		return err
	}
	f.change(write{size: size})
	return nil
}

func (f *simFile) Allocate(size int64) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if err := f.s.op("allocate", f.name, size); err != nil {
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
	if err := f.s.op("sync", f.name, 0); err != nil {
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

// flip changes one bit of a file, on the disk and in memory.
func (s *sim) flip(name string, bit int64) {
	n := s.names[name]
	n.data[bit/8] ^= 1 << (bit % 8)
	n.kept = slices.Clone(n.data)
}

// segments returns the names of the segments, in order.
func (s *sim) segments(dir string) []string {
	names, _ := s.ReadDir(dir)
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, segmentSuffix) })
}
