package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPackageInDebian installs, upgrades, removes and purges the package in a root
// made by debootstrap in which systemd does not run.
func TestPackageInDebian(t *testing.T) {
	root := t.TempDir()
	if out, err := exec.Command("tar", "-C", root, "-xf", filepath.Join(debian(t), "root.tar")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	in := func(command string) string {
		t.Helper()
		cmd := exec.Command("chroot", root, "/bin/sh", "-ec", command)
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for _, version := range []string{"old", "new"} {
		data, err := os.ReadFile(packageOf(t, version))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, version+".deb"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in("dpkg -i /old.deb")
	in("id hogar; systemctl is-enabled hogar; test -x /usr/bin/hogar; test -e /usr/share/man/man1/hogar.1.gz || test -e /etc/dpkg/dpkg.cfg.d")
	in("hogar version | grep -q ' 1.0.0 '; hogar check /usr/share/doc/hogar/examples/pi.yaml || test ! -e /usr/share/doc/hogar/examples")
	if mode := in("stat -c '%a %U %G' /etc/hogar/hogar.yaml"); mode != "640 root hogar" {
		t.Errorf("the configuration is %s", mode)
	}
	in("! hogar check /etc/hogar/hogar.yaml; printf 'gateway: casa\n' >/etc/hogar/hogar.yaml; hogar check /etc/hogar/hogar.yaml")
	in("mkdir -p /var/lib/hogar/journal && echo state >/var/lib/hogar/journal/kept")
	in("usermod -aG audio hogar && chgrp audio /etc/hogar/hogar.yaml")

	in("dpkg -i /new.deb </dev/null")
	in("hogar version | grep -q ' 1.1.0 '; grep -q casa /etc/hogar/hogar.yaml; test -e /var/lib/hogar/journal/kept")
	in("test \"$(stat -c %G /etc/hogar/hogar.yaml)\" = audio") // what the user gave it to, it stays with

	in("dpkg -r hogar; test -e /etc/hogar/hogar.yaml; test -e /var/lib/hogar/journal/kept; test ! -e /usr/bin/hogar")
	in("dpkg -i /new.deb </dev/null && systemctl is-enabled hogar") // after a removal it comes back as it was
	in("dpkg -P hogar; test ! -e /etc/hogar; test ! -e /var/lib/hogar")
	if left := in("find / -xdev -name '*hogar*' ! -path '/proc/*' ! -path '/var/log/*' ! -path /etc/hostname ! -path '/sys/*'"); left != "" {
		t.Errorf("a purge leaves %s", left)
	}
	in("id hogar") // so that its number is given to nobody else

	// Without dpkg, as docs/operating.md has it.
	archives, err := filepath.Glob(filepath.Join(debian(t), "new", "*.tar.gz"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("one archive wanted, found %v", archives)
	}
	if out, err := exec.Command("cp", archives[0], root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	typed := slices.DeleteFunc(documented(t, "docs/operating.md", "tar -xzf"), func(line string) bool { return line == "systemctl daemon-reload" }) // no systemd runs here
	in("cd / && " + strings.Join(typed, "\n"))
	in("printf 'gateway: casa\n' >/etc/hogar/hogar.yaml && hogar check /etc/hogar/hogar.yaml && hogar version | grep -q ' 1.1.0 ' && systemctl is-enabled hogar")
}
