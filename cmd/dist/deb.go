package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // the one kind of package that is made
	"github.com/goreleaser/nfpm/v2/files"
)

// file is one file of the package.
type file struct {
	at   string // on the machine where it is installed
	data []byte
	mode os.FileMode // 0: 0644
	kind string      // of nfpm; empty: a plain file
}

// shared are the files that are the same on every machine.
func (r *release) shared() ([]file, error) {
	all, err := r.fromTree()
	if err != nil {
		return nil, err
	}
	texts, err := r.fromProgram()
	if err != nil {
		return nil, err
	}
	all = append(all, texts...)
	return append(all, file{"/usr/share/doc/hogar/changelog.gz", zip(r.changelog()), 0, ""}), nil
}

// fromTree takes the files that are shipped as they stand in the source tree.
func (r *release) fromTree() ([]file, error) {
	var all []file
	for from, f := range map[string]file{
		"systemd/hogar.service":      {at: "/usr/lib/systemd/system/hogar.service"},
		"systemd/hogar.sysusers":     {at: "/usr/lib/sysusers.d/hogar.conf"},
		"systemd/hogar.rules":        {at: "/usr/lib/udev/rules.d/60-hogar.rules"},
		"cmd/dist/debian/hogar.yaml": {at: "/etc/hogar/hogar.yaml", mode: 0o640, kind: files.TypeConfigNoReplace},
		"cmd/dist/debian/copyright":  {at: "/usr/share/doc/hogar/copyright"},
		"cmd/dist/debian/lintian":    {at: "/usr/share/lintian/overrides/hogar"},
		"CHANGELOG.md":               {at: "/usr/share/doc/hogar/NEWS.gz"},
		"docs/asyncapi.yaml":         {at: "/usr/share/hogar/schema/asyncapi.yaml"},
	} {
		data, err := os.ReadFile(filepath.Join(r.root, from))
		if err != nil {
			return nil, err
		}
		if f.data = data; strings.HasSuffix(f.at, ".gz") {
			f.data = zip(data)
		}
		all = append(all, f)
	}
	examples, err := r.sorted("configs/*.yaml")
	if err != nil {
		return nil, err
	}
	monitoring, err := r.sorted("configs/monitoring/*")
	if err != nil {
		return nil, err
	}
	for _, name := range append(examples, monitoring...) {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, file{at: "/usr/share/doc/hogar/examples/" + filepath.Base(name), data: data})
	}
	for _, p := range pages() {
		data, err := r.manual(p)
		if err != nil {
			return nil, err
		}
		all = append(all, file{at: "/usr/share/man/man" + p.section + "/" + p.name + "." + p.section + ".gz", data: zip(data)})
	}
	return all, nil
}

// fromProgram takes what the program says about itself: completions, the schema.
func (r *release) fromProgram() ([]file, error) {
	folder, err := os.MkdirTemp("", "hogar-dist-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "hogar")
	if err := r.build(program, runtime.GOARCH, ""); err != nil {
		return nil, err
	}
	var all []file
	for _, c := range []struct{ at, args string }{
		{"/usr/share/bash-completion/completions/hogar", "completion bash"},
		{"/usr/share/zsh/vendor-completions/_hogar", "completion zsh"},
		{"/usr/share/fish/vendor_completions.d/hogar.fish", "completion fish"},
		{"/usr/share/hogar/schema/hogar.json", "schema"},
	} {
		out, err := exec.Command(program, strings.Fields(c.args)...).Output()
		if err != nil {
			return nil, fmt.Errorf("hogar %s: %w", c.args, err)
		}
		all = append(all, file{at: c.at, data: out})
	}
	licences, err := r.licences(program)
	if err != nil {
		return nil, err
	}
	return append(all, file{at: "/usr/share/doc/hogar/licences.gz", data: zip(licences)}), nil
}

// changelog is the package's own, in Debian's form; what changed is in NEWS.
func (r *release) changelog() []byte {
	return fmt.Appendf(nil, "hogar (%s) stable; urgency=medium\n\n  * Release %s; what is new stands in NEWS.gz.\n\n -- %s  %s\n",
		debianVersion(r.version), r.version, maintainer, r.time.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
}

// zip compresses without a name and a time.
func zip(data []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level exists
	_, _ = w.Write(data)                                    // to memory
	_ = w.Close()
	return out.Bytes()
}

const maintainer = "The hogar authors <hogar@localhost>" // there is no address for mail yet

const description = `smart-home gateway for AMQP
hogar reads sensors over GPIO, I2C, 1-wire and serial, takes in MQTT
devices, publishes every reading to RabbitMQ without losing one, carries
out the commands that come from there, and runs the rules of the house
without a network.`

// pack makes the package for one machine.
func (r *release) pack(t target, program string, shared []file) error {
	staged, err := os.MkdirTemp("", "hogar-deb-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(staged)
	info := &nfpm.Info{Name: "hogar", Arch: t.debian, Platform: "linux", Version: debianVersion(r.version), VersionSchema: "none",
		Section: "net", Priority: "optional", Maintainer: maintainer, Description: description, MTime: r.time, DisableGlobbing: true}
	info.Depends = []string{"systemd | systemd-standalone-sysusers | systemd-sysusers", "init-system-helpers (>= 1.54~)"}
	info.Recommends = []string{"mosquitto"}
	info.Suggests = []string{"rabbitmq-server", "i2c-tools", "amqp-tools"}
	info.Deb.Compression = "xz"
	scripts := filepath.Join(r.root, "cmd/dist/debian")
	info.Scripts.PostInstall = filepath.Join(scripts, "postinst")
	info.Scripts.PreRemove = filepath.Join(scripts, "prerm")
	info.Scripts.PostRemove = filepath.Join(scripts, "postrm")
	binary, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	folders := map[string]bool{"/etc/hogar": true}
	for i, f := range append(shared, file{"/usr/bin/hogar", binary, 0o755, ""}) {
		source := filepath.Join(staged, fmt.Sprint(i))
		if err := os.WriteFile(source, f.data, 0o600); err != nil {
			return err
		}
		info.Contents = append(info.Contents, r.content(f, source))
		if strings.HasPrefix(f.at, "/usr/share/") {
			folders[filepath.Dir(f.at)] = true
		}
	}
	for folder := range folders { // else an implied folder takes over its file's mode
		info.Contents = append(info.Contents, r.content(file{folder, nil, 0o755, files.TypeDir}, ""))
	}
	return r.write(info, t)
}

func (r *release) content(f file, source string) *files.Content {
	mode := f.mode
	if mode == 0 {
		mode = 0o644
	}
	return &files.Content{Source: source, Destination: f.at, Type: f.kind,
		FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: mode, MTime: r.time}}
}

func (r *release) write(info *nfpm.Info, t target) error {
	info = nfpm.WithDefaults(info)
	if err := nfpm.PrepareForPackager(info, "deb"); err != nil {
		return err
	}
	deb, err := nfpm.Get("deb")
	if err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(r.out, "hogar_"+info.Version+"_"+t.debian+".deb"))
	if err != nil {
		return err
	}
	defer out.Close()
	if err := deb.Package(info, out); err != nil {
		return err
	}
	return out.Close()
}
