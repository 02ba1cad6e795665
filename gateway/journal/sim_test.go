package journal

import (
	"errors"
	"io"
	"io/fs"
	"maps"
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
	name  string // the newest
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
	return &simFile{s: s, n: n}, nil
}

func (s *sim) Edit(name string) (File, error) { return s.Open(name) }

func (s *sim) Create(name string) (File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.op("create", name, 0); err != nil {
		return nil, err
	}
	n := &inode{name: name}
	s.names[name] = n
	s.moves = append(s.moves, move{set: name, to: n})
	return &simFile{s: s, n: n}, nil
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
	n.name = to
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
	maps.Copy(names, s.kept)
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
			done[n] = &inode{name: n.name, data: slices.Clone(n.data), kept: slices.Clone(n.kept), dirty: slices.Clone(n.dirty)}
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
	return &inode{name: n.name, data: data, kept: slices.Clone(data)}
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
