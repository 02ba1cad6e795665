package systemd_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// debian is the folder with the Debian and the packages that `make vm` prepares;
// a test that needs it is skipped without it.
func debian(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("HOGAR_DEBIAN")
	if folder == "" {
		t.Skip("HOGAR_DEBIAN is not set; make vm and make vm-power run this test")
	}
	return folder
}

// packageOf finds the package of one of the two versions, old and new.
func packageOf(t *testing.T, version string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(debian(t), version, "*.deb"))
	if err != nil || len(found) != 1 {
		t.Fatalf("one package in %s/%s wanted, found %v", debian(t), version, found)
	}
	return found[0]
}

// documented returns the lines of a page's block of shell that begins with something, as root types
// them on this architecture: so the machine is operated as the documents have it.
func documented(t *testing.T, page, begins string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", page))
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "\n```sh\n"+begins)
	block, _, closed := strings.Cut(begins+block, "\n```\n")
	if !found || !closed {
		t.Fatalf("%s has no block that begins with %s", page, begins)
	}
	return strings.Split(strings.NewReplacer("sudo ", "", "_arm64", "_amd64").Replace(block), "\n")
}

// patience is how long something in a virtual machine without hardware support may take.
const patience = 3 * time.Minute

// machine is a virtual machine with Debian, systemd being its first process. Its disk
// outlives it. A shell answers on its second serial port; what is written to the
// third comes from a dust sensor.
type machine struct {
	t      *testing.T
	folder string
	qemu   *exec.Cmd
	ended  chan struct{}
	shell  net.Conn
	out    *bufio.Reader
	marks  int
}

// newMachine makes the disk of a machine.
func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, folder: t.TempDir()}
	if out, err := exec.Command("cp", "--sparse=always", filepath.Join(debian(t), "disk.img"), m.path("disk")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("tar", "-C", debian(t), "-cf", m.path("parcel"), "old", "new").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() {
		m.kill()
		if t.Failed() {
			text, _ := os.ReadFile(m.path("console"))
			t.Logf("the console's end:\n%s", text[max(0, len(text)-3000):])
		}
	})
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.folder, name) }

// start switches the machine on.
func (m *machine) start() {
	m.t.Helper()
	for _, name := range []string{"shell", "dust"} {
		_ = os.Remove(m.path(name))
	}
	m.qemu = exec.Command("qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "512", "-smp", "2",
		"-display", "none", "-no-reboot", "-monitor", "none",
		"-kernel", filepath.Join(debian(m.t), "vmlinuz"), "-initrd", filepath.Join(debian(m.t), "initrd"),
		"-append", "root=/dev/vda rw console=ttyS0 panic=-1 quiet systemd.show_status=0",
		"-drive", "if=virtio,format=raw,cache=unsafe,file="+m.path("disk"), // a flush need not reach the host's disk: the host lives on
		"-drive", "if=virtio,format=raw,readonly=on,file="+m.path("parcel"),
		"-nic", "user,model=virtio-net-pci", "-serial", "file:"+m.path("console"),
		"-serial", "unix:"+m.path("shell")+",server=on,wait=off", "-serial", "unix:"+m.path("dust")+",server=on,wait=off")
	said, err := os.Create(m.path("qemu.log"))
	if err != nil {
		m.t.Fatal(err)
	}
	defer said.Close()
	m.qemu.Stdout, m.qemu.Stderr = said, said
	m.qemu.SysProcAttr = leashed()
	if err := m.qemu.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) { _ = cmd.Wait(); close(ended) }(m.qemu, m.ended)
}

// boot starts the machine and waits for its shell.
func (m *machine) boot() {
	m.t.Helper()
	m.start()
	m.shell = m.connect("shell")
	m.out = bufio.NewReader(m.shell)
	for end := time.Now().Add(patience); ; { // the shell is there when it answers
		fmt.Fprintln(m.shell, "PS1= PS2=; echo hello; echo =THERE=")
		if text, err := m.until("\n=THERE=\n", 2*time.Second); err == nil && strings.Contains(text, "hello") {
			break
		}
		if time.Now().After(end) {
			m.t.Fatal("the machine's shell does not answer")
		}
	}
	for m.out.Buffered() > 0 || m.more() { // the answers to what was asked before it was there
		_, _ = m.out.Discard(m.out.Buffered())
	}
}

// more reports whether something comes within a moment.
func (m *machine) more() bool {
	_ = m.shell.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	_, err := m.out.Peek(1)
	return err == nil
}

// connect opens one of the machine's serial ports.
func (m *machine) connect(name string) net.Conn {
	m.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("unix", m.path(name))
		if err == nil {
			return conn
		}
		select {
		case <-m.ended:
			text, _ := os.ReadFile(m.path("qemu.log"))
			m.t.Fatalf("qemu ended: %s", text)
		default:
		}
		if time.Now().After(end) {
			m.t.Fatal(err)
		}
	}
}

// kill ends the machine as a power cut does: nothing in it is asked or told.
func (m *machine) kill() {
	if m.qemu == nil {
		return
	}
	_ = m.qemu.Process.Kill()
	<-m.ended
	m.qemu = nil
	if m.shell != nil {
		_ = m.shell.Close()
	}
}

// until reads from the shell up to a mark and returns what came before it.
func (m *machine) until(mark string, most time.Duration) (string, error) {
	_ = m.shell.SetReadDeadline(time.Now().Add(most))
	var text bytes.Buffer
	for {
		b, err := m.out.ReadByte()
		if err != nil {
			return text.String(), err
		}
		if b != '\r' {
			text.WriteByte(b)
		}
		if before, found := strings.CutSuffix("\n"+text.String(), mark); found {
			return strings.TrimPrefix(before, "\n"), nil
		}
	}
}

// try runs a command and returns what it said, and whether it succeeded.
func (m *machine) try(command string) (string, bool) {
	m.t.Helper()
	m.marks++
	mark := fmt.Sprintf("=DONE%d=", m.marks)
	fmt.Fprintf(m.shell, "(\n%s\n) </dev/null 2>&1; code=$?; echo; echo $code; echo %s\n", command, mark)
	text, err := m.until("\n"+mark+"\n", patience)
	if err != nil {
		m.t.Fatalf("%s: %v after %q", command, err, text)
	}
	i := strings.LastIndex(text, "\n")
	return strings.TrimSpace(text[:max(i, 0)]), text[i+1:] == "0"
}

// run runs a command, which must succeed, and returns what it said.
func (m *machine) run(command string) string {
	m.t.Helper()
	text, ok := m.try(command)
	if !ok {
		m.t.Fatalf("%s\n%s", command, text)
	}
	return text
}

// await waits until a command says what is wanted.
func (m *machine) await(command, want string) {
	m.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(300 * time.Millisecond) {
		text, _ := m.try(command)
		if strings.Contains(text, want) {
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("%s: waited for %q, it says\n%s\n%s", command, want, text, m.run("journalctl --no-pager -n 30 -u hogar"))
		}
	}
}

// property is one of the service's, as systemctl shows it.
func (m *machine) property(name string) string {
	m.t.Helper()
	return m.run("systemctl show --value -p " + name + " hogar")
}

func (m *machine) number(name string) int {
	m.t.Helper()
	n, err := strconv.Atoi(m.property(name))
	if err != nil {
		m.t.Fatal(name, err)
	}
	return n
}

// write writes a file into the machine.
func (m *machine) write(path, text string) {
	m.t.Helper()
	m.run("cat >" + path + " <<'=END='\n" + text + "\n=END=")
}

// dusty sends frames of a PMS5003 until the test or the machine ends.
func (m *machine) dusty() {
	conn := m.connect("dust")
	frame := append([]byte("\x42\x4D\x00\x1C"), make([]byte, 28)...)
	frame[11], frame[13], frame[15] = 5, 12, 20 // PM1, PM2.5 and PM10 under atmospheric conditions
	sum := 0
	for _, b := range frame[:30] {
		sum += int(b)
	}
	frame[30], frame[31] = byte(sum>>8), byte(sum)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() { _, _ = io.Copy(io.Discard, conn) })
	wg.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if _, err := conn.Write(frame); err != nil {
					return
				}
			case <-stop:
				return
			}
		}
	})
	m.t.Cleanup(func() { close(stop); conn.Close(); wg.Wait() })
}
