package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// WriteLine puts a line name:secret into a file of such lines, in the place of those that the name has
// there, and leaves the others as they are. The file has mode 0640 then and, where root asks and there
// is the group of the service, belongs to root and that group; else it keeps its owner and has mode
// 0600. It is replaced as a whole: who reads it meanwhile reads the old or the new one.
func WriteLine(file, name, line string) (err error) {
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	old, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrPermission) {
		return &Trouble{What: fmt.Sprintf("%s cannot be read: permission denied", file), Cure: Cure(), err: err}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var text strings.Builder
	written := false
	for l := range strings.Lines(string(old)) {
		of, _, _ := strings.Cut(strings.TrimSpace(l), ":")
		switch {
		case of != name:
			text.WriteString(strings.TrimRight(l, "\r\n") + "\n")
		case !written:
			text.WriteString(line + "\n")
			written = true
		}
	}
	if !written {
		text.WriteString(line + "\n")
	}
	return replace(file, text.String())
}

func replace(file, text string) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".hogar-*") // mode 0600
	if errors.Is(err, fs.ErrPermission) {
		return &Trouble{What: fmt.Sprintf("%s cannot be written: permission denied", file), Cure: "type sudo before the command", err: err}
	} else if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if g, none := user.LookupGroup(Service); os.Geteuid() == 0 && none == nil {
		err = errors.Join(err, f.Chown(0, int(number(g.Gid))), f.Chmod(0o640))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return os.Rename(f.Name(), file)
}
