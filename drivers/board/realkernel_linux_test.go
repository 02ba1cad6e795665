package board

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hogar/drivers/board/vm"
)

// TestRealKernel boots Linux in QEMU with this package's tests as its first process and
// moves the hardware when the guest asks for it. make vm-test runs it: HOGAR_VM is the
// folder of the kernels.
func TestRealKernel(t *testing.T) {
	folder := os.Getenv("HOGAR_VM")
	t.Run("arm64 pins", func(t *testing.T) {
		boot(t, folder, vm.Virt(false), "TestGuestPins", `{"execute":"system_powerdown"}`) // line 3 rises for 100 ms
	})
	t.Run("arm bus and pins", func(t *testing.T) {
		orders := []string{
			`{"execute":"qom-set","arguments":{"path":"/machine/peripheral/t0","property":"temperature","value":23500}}`,
			`{"execute":"qom-set","arguments":{"path":"/machine/soc/gpio","property":"gpioA3","value":true}}`,
		}
		for n := range bounces {
			if n > 0 {
				orders = append(orders, fmt.Sprintf(bounced, n)) // is waited for
			}
			orders = append(orders, fmt.Sprintf(`{"execute":"qom-set","arguments":{"path":"/machine/soc/gpio","property":"gpioO0","value":%v}}`, n%2 == 0))
		}
		boot(t, folder, vm.AST2600(false), "TestGuestBus", orders...)
	})
}

// boot runs the guest's test and gives QEMU the orders when the guest is ready. What is no
// order, which are JSON, is what the guest says before the next.
func boot(t *testing.T, folder string, rig vm.Rig, test string, orders ...string) {
	if err := rig.Usable(folder); err != nil && (folder == "" || os.Getenv("CI") == "") {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	dir := t.TempDir()
	program := filepath.Join(dir, "init")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+rig.GOARCH, "GOARM=6", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	v, err := vm.Start(ctx, vm.Options{Rig: rig, Kernels: folder, Dir: dir, Init: program,
		Args: "-test.v -test.timeout=90s -test.run=" + test})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Stop()
	if err := v.Await(ctx, ready); err != nil {
		t.Fatal(err)
	}
	for _, order := range orders {
		do := v.Order
		if !strings.HasPrefix(order, "{") {
			do = func(says ...string) error { return v.Await(ctx, says[0]) }
		}
		if err := do(order); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Await(ctx, "\nPASS\n"); err != nil { // or it ends without
		t.Fatal(err)
	}
	if text := v.Said(); !strings.Contains(text, "--- PASS: "+test) {
		t.Errorf("the guest failed:\n%s", text)
	} else {
		t.Log(text)
	}
}
