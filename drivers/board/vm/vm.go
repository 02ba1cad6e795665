// Package vm boots virtual machines with Debian's kernels for tests on real kernels
// without the hardware: QEMU, one program or a shell as the first process, and orders by
// which a test moves the machine's hardware. The kernels are what .ci/kernels.sh unpacks.
package vm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say which machine is booted.
type Options struct {
	Rig     Rig
	Kernels string            // folder of .ci/kernels.sh
	Dir     string            // for files of the machine; the caller removes it
	Init    string            // program that is the first process; "": a shell, for [VM.Shell]
	Args    string            // of Init
	Modules []string          // of the kernel to load, with all that they need, beside the rig's
	Files   map[string]string // into the machine, by path: the path here
	QEMU    []string          // more arguments of QEMU: devices, traces
}

// VM is a machine that runs. Its methods are safe for concurrent use, but for Shell.
type VM struct {
	guest *exec.Cmd
	ended chan struct{} // closed when QEMU has ended
	in    io.Writer
	qmp   string
	asked int // commands of Shell so far

	mu   sync.Mutex
	said strings.Builder
	more chan struct{} // closed and replaced when there is more
}

// Start boots a machine, and waits for its shell when it has one. It ends with ctx, or with
// [VM.Stop].
func Start(ctx context.Context, o Options) (*VM, error) {
	initrd := filepath.Join(o.Dir, "initrd")
	if err := o.pack(initrd); err != nil {
		return nil, err
	}
	kernel, err := o.unpacked("boot/vmlinuz-*")
	if err != nil {
		return nil, err
	}
	v := &VM{ended: make(chan struct{}), qmp: filepath.Join(o.Dir, "qmp"), more: make(chan struct{})}
	args := slices.Clone(o.Rig.hardware)
	if o.Rig.dtb != "" {
		dtb, err := o.unpacked("usr/lib/linux-image-*/" + o.Rig.dtb)
		if err != nil {
			return nil, err
		}
		args = append(args, "-dtb", dtb)
	}
	args = append(args, "-display", "none", "-no-reboot", "-monitor", "none", "-kernel", kernel, "-initrd", initrd,
		"-append", "console="+o.Rig.console+" loglevel=1 panic=-1 maxcpus=1 -- "+o.Args,
		"-qmp", "unix:"+v.qmp+",server,nowait", "-serial", "stdio")
	v.guest = exec.CommandContext(ctx, o.Rig.qemu, append(args, o.QEMU...)...)
	v.guest.Stderr = (*console)(v)
	v.guest.Stdout = (*console)(v)
	in, err := v.guest.StdinPipe()
	if err != nil {
		return nil, err
	}
	v.in = in
	if err := v.guest.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(v.ended)
		_ = v.guest.Wait() // it is killed
	}()
	if o.Init == "" { // what is typed before is lost
		if err := v.Await(ctx, "the shell is ready\n"); err != nil {
			v.Stop()
			return nil, err
		}
	}
	return v, nil
}

// Stop ends the machine as a power cut does.
func (v *VM) Stop() {
	_ = v.guest.Process.Kill() // it has ended
	<-v.ended
}

// console collects what the machine says.
type console VM

func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.more)
	c.more = make(chan struct{})
	return c.said.Write(b)
}

// Said is all that the console has shown.
func (v *VM) Said() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return strings.ReplaceAll(v.said.String(), "\r\n", "\n")
}

// Await waits until the console shows a text.
func (v *VM) Await(ctx context.Context, want string) error {
	for {
		v.mu.Lock()
		more := v.more
		v.mu.Unlock()
		if strings.Contains(v.Said(), want) {
			return nil
		}
		select {
		case <-more:
		case <-v.ended:
			return fmt.Errorf("the machine ended and did not say %q:\n%s", want, v.Said())
		case <-ctx.Done():
			return fmt.Errorf("the machine did not say %q: %w\n%s", want, ctx.Err(), v.Said())
		}
	}
}

// Order gives QEMU orders in its machine protocol, and waits until each is done.
func (v *VM) Order(orders ...string) error {
	conn, err := net.Dial("unix", v.qmp)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	answers := json.NewDecoder(conn)
	var answer map[string]any
	if err := answers.Decode(&answer); err != nil { // the greeting
		return err
	}
	for _, order := range append([]string{`{"execute":"qmp_capabilities"}`}, orders...) {
		if _, err := io.WriteString(conn, order); err != nil {
			return err
		}
		for answer = nil; answer["return"] == nil; {
			answer = nil
			if err := answers.Decode(&answer); err != nil {
				return fmt.Errorf("%s: %w", order, err)
			}
			if answer["error"] != nil {
				return fmt.Errorf("%s: %v", order, answer["error"])
			}
		}
	}
	return nil
}

// Shell runs a line in the machine's shell and returns what it prints. An exit code
// other than 0 is an error. One at a time.
func (v *VM) Shell(ctx context.Context, line string) (string, error) {
	v.asked++
	begin, end := fmt.Sprintf("<<%d\n", v.asked), fmt.Sprintf(".%d>>\n", v.asked)
	// Cut in two, so that an echo of the line is not taken for what it prints.
	if _, err := fmt.Fprintf(v.in, "echo '<''<%d'; { %s\n} 2>&1; c=$?; echo; echo $c.%d'>''>'\n", v.asked, line, v.asked); err != nil {
		return "", err
	}
	if err := v.Await(ctx, end); err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(v.Said(), begin)
	out, _, _ := strings.Cut(rest, end)
	at := strings.LastIndexByte(out, '\n') // its exit code stands in a line of its own
	out, code := strings.TrimSuffix(out[:at], "\n"), out[at+1:]
	if code != "0" {
		return out, fmt.Errorf("%s: exit code %s\n%s", line, code, out)
	}
	return out, nil
}

// unpacked finds a file of the rig's packages.
func (o *Options) unpacked(pattern string) (string, error) {
	files, err := filepath.Glob(filepath.Join(o.Kernels, o.Rig.Debian, pattern))
	if err == nil && len(files) == 0 {
		err = os.ErrNotExist
	}
	if err != nil {
		return "", fmt.Errorf("%s in %s: %w: run sh .ci/kernels.sh %s", pattern, filepath.Join(o.Kernels, o.Rig.Debian), err, o.Kernels)
	}
	return files[len(files)-1], nil
}

// ErrNoQEMU means that this machine has no QEMU for a rig.
var ErrNoQEMU = errors.New("QEMU is not installed: apt-get install qemu-system-arm")

// Usable says why a rig cannot be booted here with the kernels in a folder, or nil.
func (r Rig) Usable(kernels string) error {
	if kernels == "" {
		return errors.New("HOGAR_VM is not set to a folder with kernels: make vm-test does that")
	}
	if _, err := exec.LookPath(r.qemu); err != nil {
		return ErrNoQEMU
	}
	o := Options{Rig: r, Kernels: kernels}
	_, err := o.unpacked("boot/vmlinuz-*")
	return err
}
