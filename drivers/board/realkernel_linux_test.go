package board

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// machine is a virtual machine that runs one of this package's tests as its
// first process.
type machine struct {
	qemu     string
	arch     string
	hardware []string // arguments of qemu
	console  string   // the kernel's name of it
	kernel   string
	modules  []string // to load, in this order
	test     string
}

// TestRealKernel boots Linux in QEMU with this package's tests as its first
// process and moves the hardware when the guest asks for it. It takes half a
// minute and kernels, so that it runs on request only: HOGAR_VM is a folder into
// which Debian's linux-image packages for arm64 and armmp are unpacked (dpkg-deb
// -x).
func TestRealKernel(t *testing.T) {
	folder := os.Getenv("HOGAR_VM")
	if folder == "" {
		t.Skip("HOGAR_VM is not set to a folder with kernels for virtual machines")
	}
	t.Run("arm64 pins", func(t *testing.T) {
		boot(t, machine{
			qemu: "qemu-system-aarch64", arch: "arm64", console: "ttyAMA0", test: "TestGuestPins",
			hardware: []string{"-M", "virt", "-cpu", "cortex-a53", "-m", "256"},
			kernel:   unpacked(t, folder, "boot/vmlinuz-*-arm64"),
		}, `{"execute":"system_powerdown"}`) // line 3 rises for 100 ms
	})
	t.Run("arm bus and pins", func(t *testing.T) {
		boot(t, machine{
			qemu: "qemu-system-arm", arch: "arm", console: "ttyS4,115200", test: "TestGuestBus",
			hardware: []string{"-M", "ast2600-evb", "-m", "512M", "-device", "tmp105,id=t0,address=0x48,bus=aspeed.i2c.bus.8",
				"-dtb", unpacked(t, folder, "usr/lib/linux-image-*-armmp/aspeed-ast2600-evb.dtb")},
			kernel: unpacked(t, folder, "boot/vmlinuz-*-armmp"),
			modules: []string{
				unpacked(t, folder, "lib/modules/*-armmp/kernel/drivers/gpio/gpio-aspeed.ko"),
				unpacked(t, folder, "lib/modules/*-armmp/kernel/drivers/i2c/busses/i2c-aspeed.ko"),
				unpacked(t, folder, "lib/modules/*-armmp/kernel/drivers/i2c/i2c-dev.ko"),
			},
		},
			`{"execute":"qom-set","arguments":{"path":"/machine/peripheral/t0","property":"temperature","value":23500}}`,
			`{"execute":"qom-set","arguments":{"path":"/machine/soc/gpio","property":"gpioA3","value":true}}`)
	})
}

// unpacked finds a file of a kernel's package.
func unpacked(t *testing.T, folder, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s in %s: %v", pattern, folder, err)
	}
	return files[len(files)-1]
}

// boot runs the guest's test and gives QEMU the orders when the guest is ready.
func boot(t *testing.T, m machine, orders ...string) {
	folder := t.TempDir()
	program, initrd := filepath.Join(folder, "init"), filepath.Join(folder, "initrd")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+m.arch, "GOARM=6", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(initrd, archive(t, program, m.modules), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, console := filepath.Join(folder, "qmp"), filepath.Join(folder, "console")
	guest := exec.CommandContext(t.Context(), m.qemu, append(m.hardware, "-display", "none", "-no-reboot", "-nic", "none",
		"-kernel", m.kernel, "-initrd", initrd, "-append",
		"console="+m.console+" quiet panic=-1 maxcpus=1 -- -test.v -test.timeout=90s -test.run="+m.test,
		"-qmp", "unix:"+socket+",server,nowait", "-serial", "file:"+console)...)
	if err := guest.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- guest.Wait() }()
	t.Cleanup(func() { _ = guest.Process.Kill(); <-ended })

	said := func() string { text, _ := os.ReadFile(console); return string(text) }
	await(t, said, ready)
	order(t, socket, orders)
	await(t, said, "Attempted to kill init") // the first process has ended
	if text := said(); !strings.Contains(text, "--- PASS: "+m.test) {
		t.Errorf("the guest failed:\n%s", text)
	} else {
		before, _, _ := strings.Cut(text, "\nPASS")
		t.Log(before)
	}
}

// await waits until the console shows a text.
func await(t *testing.T, said func() string, want string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !strings.Contains(said(), want); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) || strings.Contains(said(), "--- FAIL") {
			t.Fatalf("waited for %q:\n%s", want, said())
		}
	}
}

// order gives QEMU orders in its machine protocol.
func order(t *testing.T, socket string, orders []string) {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := json.NewDecoder(conn)
	var answer map[string]any
	if err := answers.Decode(&answer); err != nil { // the greeting
		t.Fatal(err)
	}
	for _, command := range append([]string{`{"execute":"qmp_capabilities"}`}, orders...) {
		fmt.Fprint(conn, command)
		for answer = nil; answer["return"] == nil; {
			if err := answers.Decode(&answer); err != nil || answer["error"] != nil {
				t.Fatalf("%s: %v, %v", command, err, answer)
			}
		}
	}
}

// archive packs files as the kernel unpacks them (cpio, newc): the program as
// init, the modules as 0.ko, 1.ko and so on.
func archive(t *testing.T, program string, modules []string) []byte {
	t.Helper()
	var out bytes.Buffer
	entry := func(name string, mode int, data []byte) {
		fmt.Fprintf(&out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
		out.WriteString(name + "\x00")
		out.Write(make([]byte, -out.Len()&3))
		out.Write(data)
		out.Write(make([]byte, -out.Len()&3))
	}
	file := func(name, path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		entry(name, 0o100755, data)
	}
	file("init", program)
	for i, module := range modules {
		file(fmt.Sprintf("%d.ko", i), module)
	}
	entry("TRAILER!!!", 0, nil)
	return out.Bytes()
}
