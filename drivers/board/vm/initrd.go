package vm

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// shell is the first process when no other is wanted. Its modules are numbered in the
// order in which they are loaded.
const shell = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin PS1= PS2= NO_COLOR=1
mkdir -p /proc /sys /dev /tmp /run
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for m in /modules/*; do insmod "$m"; done
ip link set lo up
if ip link set eth0 up 2>/dev/null; then
  ip addr add 10.0.2.15/24 dev eth0
  ip route add default via 10.0.2.2
fi
stty -echo
echo the shell is ready
exec sh
`

// pack writes the machine's files as the kernel unpacks them.
func (o *Options) pack(to string) error {
	a := archive{folders: make(map[string]bool)}
	if o.Init == "" {
		busybox, err := o.unpacked("bin/busybox")
		if err != nil {
			return err
		}
		if err := a.file("bin/busybox", busybox); err != nil {
			return err
		}
		a.add("init", 0o100755, []byte(shell))
	} else if err := a.file("init", o.Init); err != nil {
		return err
	}
	modules, err := o.modules()
	if err != nil {
		return err
	}
	for i, module := range modules {
		if err := a.file(fmt.Sprintf("modules/%02d.ko", i), module); err != nil {
			return err
		}
	}
	for name, from := range o.Files {
		if err := a.file(strings.TrimPrefix(name, "/"), from); err != nil {
			return err
		}
	}
	a.add("TRAILER!!!", 0, nil)
	return os.WriteFile(to, a.Bytes(), 0o600)
}

// modules are the files of the modules to load, each behind those that it needs.
func (o *Options) modules() ([]string, error) {
	root, err := o.unpacked("lib/modules/*")
	if err != nil {
		return nil, err
	}
	files := make(map[string]string) // by the module's name, with _ for -
	err = filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if module, ok := strings.CutSuffix(filepath.Base(name), ".ko"); ok {
			files[strings.ReplaceAll(module, "-", "_")] = name
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var order []string
	var need func(module string) error
	need = func(module string) error {
		file, ok := files[strings.ReplaceAll(module, "-", "_")]
		if !ok {
			return fmt.Errorf("the kernel in %s has no module %s", root, module)
		}
		if slices.Contains(order, file) {
			return nil
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, other := range depends(data) {
			if err := need(other); err != nil {
				return err
			}
		}
		order = append(order, file)
		return nil
	}
	for _, module := range slices.Concat(o.Rig.modules, o.Modules) {
		if err := need(module); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// depends reads the names of the modules that a module needs in its section .modinfo.
func depends(module []byte) []string {
	_, rest, _ := bytes.Cut(module, []byte("\x00depends="))
	names, _, _ := bytes.Cut(rest, []byte("\x00"))
	return strings.FieldsFunc(string(names), func(r rune) bool { return r == ',' })
}

// archive is a cpio archive of the form newc.
type archive struct {
	bytes.Buffer
	folders map[string]bool
}

func (a *archive) file(name, from string) error {
	data, err := os.ReadFile(from)
	if err == nil {
		a.add(name, 0o100755, data)
	}
	return err
}

// add appends an entry, and before it the folders in which it is.
func (a *archive) add(name string, mode int, data []byte) {
	if dir := path.Dir(name); dir != "." && !a.folders[dir] {
		a.folders[dir] = true
		a.add(dir, 0o040755, nil)
	}
	fmt.Fprintf(a, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.WriteString(name + "\x00")
	a.Write(make([]byte, -a.Len()&3))
	a.Write(data)
	a.Write(make([]byte, -a.Len()&3))
}
