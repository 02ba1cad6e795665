package simboard

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"

	"hogar/drivers"
)

// files are the files of the simulated kernel. A file belongs to a part of a
// device and is harmed by its faults.
type files struct {
	mu    sync.Mutex
	named map[string]file
}

// file is one of them. A nil function refuses.
type file struct {
	seat  *seat                  // nil: no fault harms it
	read  func() (string, error) // not with files.mu held; it may take its time
	write func(text string) error
}

var _ drivers.Files = (*files)(nil)

func (f file) fault() *switchboard {
	if f.seat == nil {
		return nil
	}
	return f.seat.fault
}

// Files are the files of the kernel's drivers that parts are served by.
func (b *Board) Files() drivers.Files { return b.files }

// Glob lists the files that match.
func (f *files) Glob(pattern string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for name, one := range f.named {
		ok, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if ok && one.fault().is() != Absent {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// ReadFile reads a file, which may take the time of a measurement.
func (f *files) ReadFile(name string) ([]byte, error) {
	one, err := f.open("read", name)
	if err != nil {
		return nil, err
	}
	if one.read == nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrPermission}
	}
	text, err := one.read()
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return []byte(text), nil
}

// WriteFile writes to a file. A stuck part takes it and does nothing.
func (f *files) WriteFile(name string, data []byte) error {
	one, err := f.open("write", name)
	if err != nil {
		return err
	}
	if one.write == nil {
		return &fs.PathError{Op: "write", Path: name, Err: fs.ErrPermission}
	}
	if one.fault().is() == Stuck {
		return nil
	}
	if err := one.write(strings.TrimSpace(string(data))); err != nil {
		return &fs.PathError{Op: "write", Path: name, Err: err}
	}
	return nil
}

// open finds a file and lets its fault act.
func (f *files) open(op, name string) (file, error) {
	f.mu.Lock()
	one, ok := f.named[name]
	f.mu.Unlock()
	err := error(syscall.ENOENT)
	if ok {
		err = one.fault().err()
	}
	if err == syscall.ENXIO { // what is absent has no files
		err = syscall.ENOENT
	}
	if err != nil {
		return file{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return one, nil
}

// add makes a file.
func (f *files) add(name string, one file) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.named[name] = one
}

// text is a file that always reads the same.
func (f *files) text(s *seat, name, text string) {
	f.add(name, file{seat: s, read: func() (string, error) { return text, nil }})
}

// has reports whether there is such a file.
func (f *files) has(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.named[name]
	return ok
}

// folder returns the next free folder of a class: hwmon0, hwmon1.
func (f *files) folder(class string) string {
	for n := 0; ; n++ {
		if folder := fmt.Sprintf("%s%d", class, n); !f.has(folder + "/name") {
			return folder
		}
	}
}

// chip returns the folder of the class in which a chip of this name stands, or
// the next free one.
func (f *files) chip(class, name string) string {
	for n := 0; ; n++ {
		folder := fmt.Sprintf("%s%d", class, n)
		f.mu.Lock()
		one, ok := f.named[folder+"/name"]
		f.mu.Unlock()
		if !ok {
			return folder
		}
		if text, err := one.read(); err == nil && text == name+"\n" {
			return folder
		}
	}
}
