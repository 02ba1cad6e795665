package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Trouble is why a file with a secret is not used, and what to do about it.
type Trouble struct {
	What string
	Cure string
	Open bool // everybody may read it: it is refused whoever asks
	err  error
}

// Error shows the trouble with its cure behind it.
func (t *Trouble) Error() string { return t.What + ": " + t.Cure }

// Unwrap returns the error of the file system, if there was one.
func (t *Trouble) Unwrap() error { return t.err }

// Read returns what is in a file that nobody but its owner and its group may read. Its error is
// a [Trouble]. Credentials of systemd are such files.
func Read(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err == nil {
		if t := open(file, info.Mode()); t != nil {
			return nil, t
		}
		var data []byte
		if data, err = os.ReadFile(file); err == nil {
			return data, nil
		}
	}
	return nil, trouble(file, err, myself())
}

// Check returns the trouble that [Read] would have with a file, for the user who reads it when the
// service runs, and nil where there is none. Its text names that user.
func Check(file string) *Trouble {
	who := Reader()
	info, err := os.Stat(file)
	if err != nil {
		return trouble(file, err, who)
	}
	if t := open(file, info.Mode()); t != nil {
		return t
	}
	if who.other && !who.may(file) {
		return trouble(file, &fs.PathError{Op: "open", Path: file, Err: fs.ErrPermission}, who)
	}
	f, err := os.Open(file)
	if err != nil {
		return trouble(file, err, who)
	}
	f.Close()
	return nil
}

func open(file string, mode fs.FileMode) *Trouble {
	if mode.Perm()&0o007 == 0 {
		return nil
	}
	return &Trouble{Open: true, What: fmt.Sprintf("secret %s can be read by others (mode %04o)", file, mode.Perm()),
		Cure: fmt.Sprintf("run chmod 600 %s, or chmod 640 where its group is that of the service", file)}
}

func trouble(file string, err error, who Account) *Trouble {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return &Trouble{What: fmt.Sprintf("secret %s cannot be read by the user %s: permission denied", file, who.Name), Cure: who.cure(file), err: err}
	case errors.Is(err, fs.ErrNotExist):
		return &Trouble{What: fmt.Sprintf("secret %s cannot be read: no such file or directory", file),
			Cure: "write it with sudo install -m 640 -g hogar /dev/stdin " + file, err: err}
	}
	var e *fs.PathError
	if errors.As(err, &e) {
		return &Trouble{What: fmt.Sprintf("secret %s cannot be read: %v", file, e.Err), Cure: "name the file that has it", err: err}
	}
	return &Trouble{What: fmt.Sprintf("secret %s cannot be read: %v", file, err), Cure: "name the file that has it", err: err}
}
