package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
)

// View is a look at a journal's folder that changes nothing in it. The journal
// may be in use meanwhile: what it writes after [Look] is not seen.
type View struct {
	j *Journal
}

// Look reads what is in dir. The error wraps [fs.ErrNotExist] when there is no
// journal.
func Look(dir string) (*View, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	o := Options{FS: readOnly{disk{}}, Log: slog.New(slog.DiscardHandler)}.withDefaults()
	j := &Journal{dir: dir, o: o, fs: o.FS, log: o.Log, state: OK, known: make(map[gapKey]Gap),
		stop: make(chan struct{}), oldestTurn: make(chan struct{}, 1)}
	j.oldestReader = j.Reader(0)
	switch err := j.recover(); {
	case errors.Is(err, errReadOnly):
		return nil, fmt.Errorf("journal: %s has none: %w", dir, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("look at journal %s: %w", dir, err)
	}
	return &View{j}, nil
}

// Close gives back what the view has open.
func (v *View) Close() error { return v.j.oldestReader.Close() }

// ID is [Journal.ID].
func (v *View) ID() string { return v.j.ID() }

// Stats is [Journal.Stats] of what was there.
func (v *View) Stats() Stats { return v.j.Stats() }

// Report is [Journal.Report]: the damage that was not reported yet. All damage
// is found by a [View.Scan] to the end, which adds it to [View.Stats].
func (v *View) Report() Report { return v.j.Report() }

// Gaps returns the damage that is known: what a gateway has found earlier and keeps in the
// quarantine, and what was read since [Look]. In the order of the places.
func (v *View) Gaps() []Gap { return v.j.gaps() }

// Scan is [Journal.Scan].
func (v *View) Scan(after uint64) iter.Seq2[Record, error] { return v.j.Scan(after) }

// Checkpoint is [Journal.Checkpoint].
func (v *View) Checkpoint() (seq uint64, data []byte) { return v.j.Checkpoint() }

var errReadOnly = errors.New("this is only a look")

// readOnly refuses all that would change something.
type readOnly struct{ FS }

func (readOnly) MkdirAll(string) error         { return errReadOnly }
func (readOnly) Create(string) (File, error)   { return nil, errReadOnly }
func (readOnly) Rename(string, string) error   { return errReadOnly }
func (readOnly) Remove(string) error           { return errReadOnly }
func (readOnly) SyncDir(string) error          { return errReadOnly }
func (r readOnly) Edit(n string) (File, error) { return r.Open(n) }
func (r readOnly) Open(n string) (File, error) {
	f, err := r.FS.Open(n)
	if err != nil {
		return nil, err
	}
	return readOnlyFile{f}, nil
}

type readOnlyFile struct{ File }

func (readOnlyFile) WriteAt([]byte, int64) (int, error) { return 0, errReadOnly }
func (readOnlyFile) Truncate(int64) error               { return errReadOnly }
func (readOnlyFile) Allocate(int64) error               { return errReadOnly }
func (readOnlyFile) Datasync() error                    { return errReadOnly }
