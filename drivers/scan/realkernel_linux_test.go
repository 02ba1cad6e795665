package scan_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hogar/drivers/board/vm"
)

// TestRealKernelMultiplexer scans the buses of a real kernel with the program itself: two multiplexers that no driver serves have the
// same channels on afterwards, whatever was asked; and what is on the bus above a multiplexer's channel is found there once.
func TestRealKernelMultiplexer(t *testing.T) {
	folder, rig := os.Getenv("HOGAR_VM"), vm.AST2600(false)
	if err := rig.Usable(folder); err != nil && (folder == "" || os.Getenv("CI") == "") {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	dir := t.TempDir()
	program := filepath.Join(dir, "hogar")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", program, "hogar/cmd/hogar")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+rig.GOARCH, "GOARM=6", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	v, err := vm.Start(ctx, vm.Options{Rig: rig, Kernels: folder, Dir: dir, Modules: []string{"i2c-mux-pca954x"}, Files: map[string]string{"/bin/hogar": program},
		QEMU: []string{"-device", "pca9548,id=low,address=0x70,bus=aspeed.i2c.bus.9", "-device", "pca9548,address=0x77,bus=aspeed.i2c.bus.8",
			"-device", "tmp105,id=t1,address=0x49,bus=aspeed.i2c.bus.9"}})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Stop()
	shell := func(line string) string {
		t.Helper()
		out, err := v.Shell(ctx, line)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out)
	}
	for _, mask := range []string{"0x05", "0x00"} {
		shell("i2cset -y 9 0x70 " + mask + " && i2cset -y 8 0x77 " + mask)
		for _, flags := range []string{"", " --probe"} {
			out := shell("hogar scan" + flags)
			for _, place := range []string{"0x70 on I2C9", "0x77 on I2C8", "0x48 on I2C8", "0x49 on I2C9"} {
				if strings.Count(out, place) != 1 {
					t.Errorf("scan%s finds %s %d times\n%s", flags, place, strings.Count(out, place), out)
				}
			}
			for _, get := range []string{"i2cget -y 9 0x70", "i2cget -y 8 0x77"} {
				if got := shell(get); got != mask {
					t.Errorf("after hogar scan%s the channels are %s (%s), before they were %s", flags, got, get, mask)
				}
			}
		}
	}
	shell("cd /sys/bus/i2c/devices && echo pca9548 0x70 >i2c-9/new_device")
	out := shell("hogar scan --probe")
	if strings.Count(out, "0x49 on") != 1 || !strings.Contains(out, "0x70 on I2C9  pca9548 (the kernel's driver)") {
		t.Errorf("with the kernel's driver for the multiplexer the scan says\n%s", out)
	}
	t.Log(out)
}
