// Command dist makes what hogar is delivered as: stripped programs, Debian
// packages, archives, lists of their parts, and checksums. It is a module of its own, so that what it needs
// does not enter the gateway's. See `make dist`.
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// target is a machine that packages are made for.
type target struct {
	debian string // Debian's name of the architecture
	goarch string
	goarm  string // "6": also the Pi 1 and Zero of Raspberry Pi OS, which calls them armhf
}

func targets() []target {
	return []target{{"armhf", "arm", "6"}, {"arm64", "arm64", ""}, {"amd64", "amd64", ""}}
}

// release is one delivery.
type release struct {
	root    string // of the source tree
	out     string
	version string    // as git describes it
	time    time.Time // of everything in it: the last commit's
}

func main() {
	var r release
	flag.StringVar(&r.root, "root", ".", "the source tree")
	flag.StringVar(&r.out, "out", "build/dist", "folder for what is made; it is emptied first")
	flag.StringVar(&r.version, "version", "", "version (default: as git describes it)")
	only := flag.String("arch", "", "only this one of armhf, arm64, amd64")
	flag.Parse()
	if err := r.run(*only); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

func (r *release) run(only string) error {
	if err := r.dated(); err != nil {
		return err
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	shared, err := r.shared()
	if err != nil {
		return err
	}
	made := 0
	for _, t := range targets() {
		if only != "" && only != t.debian {
			continue
		}
		made++
		program := filepath.Join(r.out, "hogar_"+r.version+"_linux_"+t.debian)
		if err := r.build(program, t.goarch, t.goarm); err != nil {
			return err
		}
		if err := r.pack(t, program, shared); err != nil {
			return fmt.Errorf("package for %s: %w", t.debian, err)
		}
		if err := r.archive(program, shared); err != nil {
			return fmt.Errorf("archive for %s: %w", t.debian, err)
		}
		if err := r.sbom(program); err != nil {
			return fmt.Errorf("parts for %s: %w", t.debian, err)
		}
	}
	if made == 0 {
		return fmt.Errorf("there is no architecture %q; there are armhf, arm64 and amd64", only)
	}
	return r.checksums()
}

// dated finds version and time where they were not given.
func (r *release) dated() error {
	if r.version == "" {
		out, err := r.git("describe", "--tags", "--always", "--dirty")
		if err != nil {
			return err
		}
		r.version = strings.TrimPrefix(out, "v")
	}
	seconds := os.Getenv("SOURCE_DATE_EPOCH")
	if seconds == "" {
		var err error
		if seconds, err = r.git("log", "-1", "--format=%ct"); err != nil {
			return err
		}
	}
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH is %q, expected seconds since 1970", seconds)
	}
	r.time = time.Unix(s, 0).UTC()
	return nil
}

func (r *release) git(args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-C", r.root}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w (set -version and SOURCE_DATE_EPOCH where there is no git)", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// build makes the program for a machine; the same source makes the same bytes.
func (r *release) build(program, goarch, goarm string) error {
	absolute, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version="+r.version,
		"-o", absolute, "./cmd/hogar")
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+goarch, "GOARM="+goarm, "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build for %s: %w\n%s", goarch, err, out)
	}
	return nil
}

// checksums writes SHA256SUMS, as sha256sum -c reads it.
func (r *release) checksums() error {
	files, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(r.out, f.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), f.Name())
		fmt.Printf("%9.1f MB  %s\n", float64(len(data))/1e6, f.Name())
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// debianVersion is the version as dpkg compares it: 1.2.0-5-gabc is after 1.2.0
// and before 1.2.1, and a bare commit before all.
func debianVersion(version string) string {
	version = strings.ReplaceAll(version, "-", "+")
	if !strings.Contains(version, ".") {
		return "0.0~git" + version
	}
	if i := strings.Index(version, "+rc"); i >= 0 {
		version = version[:i] + "~" + version[i+1:]
	}
	return version
}

// sorted returns the files that match a pattern below the source tree.
func (r *release) sorted(pattern string) ([]string, error) {
	names, err := filepath.Glob(filepath.Join(r.root, pattern))
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("no %s", pattern)
	}
	slices.Sort(names)
	return names, err
}
