package board

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hogar/drivers"
)

// Files are the machine's files, below the board's root. What a file of the
// kernel measures is measured when it is read; a read that hangs cannot be ended
// from here.
func (b *Board) Files() drivers.Files { return files(b.root) }

// files are those below a folder. Links are followed, as /sys is full of them.
type files string

func (f files) Glob(pattern string) ([]string, error) { return fs.Glob(os.DirFS(string(f)), pattern) }

func (f files) ReadFile(name string) ([]byte, error) { return fs.ReadFile(os.DirFS(string(f)), name) }

func (f files) WriteFile(name string, data []byte) error {
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: "write", Path: name, Err: fs.ErrInvalid}
	}
	file, err := os.OpenFile(filepath.Join(string(f), name), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if errClose := file.Close(); err == nil && errClose != nil {
		err = fmt.Errorf("write %s: %w", name, errClose)
	}
	return err
}
