package secret

import (
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// Service is the user and the group that the Debian package makes, and as whom the service runs.
const Service = "hogar"

// Account is a user of this machine, as far as files are concerned.
type Account struct {
	Name   string
	uid    uint32
	groups []uint32
	other  bool // not the user who asks
}

// Reader returns who reads the files of a configuration when its house runs: the service's user
// where root asks and there is that user, else the user who asks.
func Reader() Account {
	if os.Geteuid() != 0 {
		return myself()
	}
	u, err := user.Lookup(Service)
	if err != nil {
		return myself()
	}
	a := Account{Name: u.Username, other: true, uid: number(u.Uid)}
	ids, _ := u.GroupIds() // those that cannot be read let nobody in
	for _, id := range append(ids, u.Gid) {
		a.groups = append(a.groups, number(id))
	}
	return a
}

func myself() Account {
	a := Account{Name: strconv.Itoa(os.Geteuid()), uid: uint32(os.Geteuid())}
	if u, err := user.LookupId(a.Name); err == nil {
		a.Name = u.Username
	}
	return a
}

// number is 1<<32-1, which is nobody's, for a text that is no number.
func number(id string) uint32 {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return 1<<32 - 1
	}
	return uint32(n)
}

// may reports whether the account may read a file, by owner, group and mode of the file and of
// the folders above it.
func (a Account) may(file string) bool {
	path, err := filepath.Abs(file)
	if err != nil {
		return false
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	for bit := uint32(4); ; bit = 1 { // read the file, pass through the folders
		info, err := os.Stat(path)
		if err != nil || !a.has(info, bit) {
			return false
		}
		if up := filepath.Dir(path); up != path {
			path = up
			continue
		}
		return true
	}
}

func (a Account) has(info os.FileInfo, bit uint32) bool {
	at, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	mode := uint32(info.Mode().Perm())
	switch {
	case at.Uid == a.uid:
		return mode>>6&bit != 0
	case slices.Contains(a.groups, at.Gid):
		return mode>>3&bit != 0
	}
	return mode&bit != 0
}

// cure is what to type so that the account may read a file.
func (a Account) cure(file string) string {
	if a.Name == Service {
		return "sudo chown root:" + Service + " " + file + " && sudo chmod 640 " + file
	}
	return Denied(a.Name)
}

// Denied is what a user who is not let into a file of the house does.
func Denied(name string) string {
	return "type sudo before the command, or join the group: sudo usermod -aG " + Service + " " + name + ", then log in again"
}

// Cure is what the user who runs this program does where a file of the house may not be read.
func Cure() string { return Denied(myself().Name) }
