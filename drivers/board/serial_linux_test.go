package board

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo terminal of the running kernel: what is written to the
// one end comes out of the serial port at path.
func terminal(t *testing.T) (*os.File, string) {
	t.Helper()
	wire, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine has no pseudo terminals:", err)
	}
	t.Cleanup(func() { _ = wire.Close() })
	number := 0
	err = control(wire, func(fd uintptr) error {
		n, err := unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		number = n
		return errors.Join(err, unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0))
	})
	if err != nil {
		t.Skip("this machine has no pseudo terminals:", err)
	}
	return wire, fmt.Sprintf("/dev/pts/%d", number)
}

func TestSerial(t *testing.T) {
	wire, path := terminal(t)
	b, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	port, err := b.Serial(path, 9600)
	if err != nil {
		t.Fatal(err)
	}
	// Nothing is taken for a line's end, a control character or an echo.
	for sent, pair := range map[string][2]io.ReadWriter{"in\r\x03\x04\x11\x00\xff": {wire, port}, "out\n\x03\x7f": {port, wire}} {
		if _, err := io.WriteString(pair[0], sent); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(pair[1], got); err != nil || string(got) != sent {
			t.Errorf("%q became %q, %v", sent, got, err)
		}
	}
	if err := port.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Error(err)
	}
	if n, err := port.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("with nothing there %d bytes, %v", n, err)
	}
	if err := port.Close(); err != nil {
		t.Error(err)
	}
}

// What came before the port was opened is stale.
func TestSerialThrowsAwayWhatCameBefore(t *testing.T) {
	wire, path := terminal(t)
	b, _ := New(Options{})
	defer b.Close()
	first, err := b.Serial(path, 9600)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, _ = io.WriteString(wire, "!old")
	if _, err := io.ReadFull(first, make([]byte, 1)); err != nil { // now all of it has come
		t.Fatal(err)
	}
	second, err := b.Serial(path, 115200)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	_, _ = io.WriteString(wire, "new")
	got := make([]byte, 3)
	if _, err := io.ReadFull(second, got); string(got) != "new" {
		t.Errorf("read %q, %v", got, err)
	}
}

// On a Pi 5 /dev/serial0 is no pin of the header, and opens without an error (rppal issue 166): the message says what to write.
func TestSerialOfAPi5(t *testing.T) {
	root := t.TempDir()
	for _, err := range []error{os.Mkdir(filepath.Join(root, "dev"), 0o755), os.WriteFile(filepath.Join(root, "dev/ttyAMA10"), nil, 0o600),
		os.Symlink("ttyAMA10", filepath.Join(root, "dev/serial0"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b, _ := New(Options{Root: root})
	defer b.Close()
	if _, err := b.Serial("/dev/serial0", 9600); err == nil || !strings.Contains(err.Error(), "dtoverlay=uart0-pi5") || !strings.Contains(err.Error(), "port: /dev/ttyAMA0") {
		t.Errorf("/dev/serial0 of a Pi 5: %v", err)
	}
	if _, err := b.Serial("/dev/ttyAMA10", 9600); !errors.Is(err, unix.ENOTTY) { // who names it means it
		t.Errorf("/dev/ttyAMA10: %v", err)
	}
}

func TestSerialRefuses(t *testing.T) {
	b, _ := New(Options{Root: t.TempDir()})
	defer b.Close()
	if _, err := b.Serial("/dev/serial0", 9601); err == nil || !strings.Contains(err.Error(), "9601") {
		t.Errorf("an odd speed: %v", err)
	}
	if _, err := b.Serial("/dev/serial0", 9600); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "enable_uart") {
		t.Errorf("a port that is not there: %v", err)
	}
	file := b.path("plain")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Serial("plain", 9600); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("a plain file: %v", err)
	}
}
