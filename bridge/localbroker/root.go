package localbroker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// RootVariable names the folder of another Debian, whose brokers are started in place of this
// machine's: what `make debian13` makes, for tests with newer brokers. That needs Linux and root.
const RootVariable = "HOGAR_RABBITMQ"

// enter is a shell script that runs a program inside another Debian. What it mounts there is
// seen by that program alone and gone with it; exec keeps the process, so that signals reach the
// broker. The data folder and that for temporary files have the same path inside.
const enter = `root=%s data=%s
exec unshare --mount sh -c 'set -e
root=$1 data=$2; shift 2
mkdir -p "$root${TMPDIR:-/tmp}"
mount --bind "${TMPDIR:-/tmp}" "$root${TMPDIR:-/tmp}"
mkdir -p "$root$data"
mount --bind "$data" "$root$data"
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" env --chdir="$data" "$@"' sh "$root" "$data" %s "$@"
`

// program returns how a program of a broker is called: the path of the first of paths that
// exists (a bare name is looked for in PATH), or, with [RootVariable], a script in the data folder
// that calls it in that Debian.
func (o Options) program(what, pkg string, paths ...string) (string, error) {
	root := os.Getenv(RootVariable)
	if root == "" {
		return find(what, pkg, paths...)
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	path := paths[len(paths)-1]
	if _, err := os.Lstat(root + path); err != nil {
		return "", fmt.Errorf("%s is %w in %s (%s): make debian13 makes it", what, ErrNotInstalled, root, RootVariable)
	}
	script := filepath.Join(o.Dir, "bin", filepath.Base(path))
	if err := os.MkdirAll(filepath.Dir(script), 0o700); err != nil {
		return "", err
	}
	text := "#!/bin/sh\n" + fmt.Sprintf(enter, quote(root), quote(o.Dir), quote(path))
	return script, os.WriteFile(script, []byte(text), 0o700)
}

// quote makes one word of a shell of text.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
