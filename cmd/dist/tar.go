package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// archive makes the tar.gz for one machine, for systems without dpkg: all that the package has
// where it lies on a machine, and the documents.
func (r *release) archive(program string, shared []file) error {
	all, err := r.documents()
	if err != nil {
		return err
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	all = append(all, file{at: "/usr/bin/hogar", data: binary, mode: 0o755})
	for _, f := range shared {
		if !ofDebian(f.at) {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.at, b.at) })
	var out bytes.Buffer
	packed, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level exists
	w := tar.NewWriter(packed)
	for _, f := range all {
		mode := f.mode
		if mode == 0 {
			mode = 0o644
		}
		err := w.WriteHeader(&tar.Header{Name: filepath.Base(program) + f.at, Size: int64(len(f.data)), Mode: int64(mode), ModTime: r.time,
			Uname: "root", Gname: "root", Typeflag: tar.TypeReg, Format: tar.FormatUSTAR})
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := packed.Close(); err != nil {
		return err
	}
	return os.WriteFile(program+".tar.gz", out.Bytes(), 0o644)
}

// ofDebian reports whether a file is there for Debian's own tools.
func ofDebian(at string) bool {
	return strings.HasPrefix(at, "/usr/share/lintian/") || at == "/usr/share/doc/hogar/changelog.gz" || at == "/usr/share/doc/hogar/copyright"
}

// documents are the texts as they are in the source tree.
func (r *release) documents() ([]file, error) {
	names, err := r.sorted("docs/*")
	if err != nil {
		return nil, err
	}
	var all []file
	for _, name := range append(names, filepath.Join(r.root, "README.md"), filepath.Join(r.root, "LICENSE"), filepath.Join(r.root, "CHANGELOG.md"), filepath.Join(r.root, "SECURITY.md")) {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		at, err := filepath.Rel(r.root, name)
		if err != nil {
			return nil, err
		}
		all = append(all, file{at: "/" + filepath.ToSlash(at), data: data})
	}
	return all, nil
}
