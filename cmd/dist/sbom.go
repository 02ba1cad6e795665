package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// parts are what a program is made of beside hogar itself, as the program says it.
func parts(program string) (goVersion string, modules []*debug.Module, err error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return "", nil, fmt.Errorf("what %s is made of: %w", program, err)
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b *debug.Module) int { return strings.Compare(a.Path, b.Path) })
	return strings.TrimPrefix(info.GoVersion, "go"), modules, nil
}

// vendored are the parts of others in the page, as the table beside them lists them.
func (r *release) vendored() ([]cdx.Component, error) {
	text, err := os.ReadFile(filepath.Join(r.root, "gateway/web/page/vendor/README.md"))
	if err != nil {
		return nil, err
	}
	var all []cdx.Component
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|.*\\| (\\S+) ([0-9.]+) \\| .* \\| `([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(text), -1) {
		purl := "pkg:npm/" + m[2] + "@" + m[3]
		all = append(all, cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: m[2], Version: m[3], PackageURL: purl,
			Description: m[1], Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: m[4]}}})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("gateway/web/page/vendor/README.md lists nothing")
	}
	return all, nil
}

// sbom writes what a program is made of, as CycloneDX has it, beside the program.
func (r *release) sbom(program string) error {
	goVersion, modules, err := parts(program)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	purl := "pkg:generic/hogar@" + r.version
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Timestamp: r.time.Format(time.RFC3339), Component: &cdx.Component{
		BOMRef: purl, Type: cdx.ComponentTypeApplication, Name: filepath.Base(program), Version: r.version, PackageURL: purl,
		Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
		Hashes:   &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sha256.Sum256(data))}}}}
	all, err := r.vendored()
	if err != nil {
		return err
	}
	for _, m := range append([]*debug.Module{{Path: "std", Version: goVersion}}, modules...) {
		purl := "pkg:golang/" + m.Path + "@" + m.Version
		all = append(all, cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: purl})
	}
	var below []string
	for _, one := range all {
		below = append(below, one.BOMRef)
	}
	bom.Components, bom.Dependencies = &all, &[]cdx.Dependency{{Ref: purl, Dependencies: &below}}
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return err
	}
	return os.WriteFile(program+".cdx.json", out.Bytes(), 0o644)
}

// licences are the texts under which the parts of a program are given on.
func (r *release) licences(program string) ([]byte, error) {
	_, modules, err := parts(program)
	if err != nil {
		return nil, err
	}
	out := []byte("hogar is under the Apache License 2.0. These parts of others are in the program.\n")
	add := func(of, folder, pattern string) error {
		names, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(names) == 0 {
			return fmt.Errorf("%s has no licence %s in %q", of, pattern, folder)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			out = fmt.Appendf(out, "\n==== %s\n\n%s", of, text)
		}
		return nil
	}
	root, err := r.goTool("env", "GOROOT")
	if err != nil {
		return nil, err
	}
	if err := add("the Go runtime and library", root, "LICENSE"); err != nil {
		return nil, err
	}
	if err := add("Preact, in the page (htm, there too, is under the Apache License 2.0)", filepath.Join(r.root, "cmd/dist/licences"), "preact"); err != nil {
		return nil, err
	}
	for _, m := range modules {
		folder, err := r.goTool("list", "-m", "-f", "{{.Dir}}", m.Path)
		if err != nil {
			return nil, err
		}
		if err := add(m.Path+" "+m.Version, folder, "LICEN[CS]E*"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *release) goTool(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = r.root
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
