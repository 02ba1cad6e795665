package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a process on a terminal of its own, of 80 columns and 24 rows.
type terminal struct {
	t    *testing.T
	keys *os.File // what is typed
	tty  *os.File // the process's end
	said *lines
	cmd  *exec.Cmd
}

// onTerminal runs hogar on a terminal, its standard output also when out is nil.
func onTerminal(t *testing.T, out *lines, args ...string) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	t.Cleanup(func() { keys.Close() })
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(keys.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: 80, Row: 24})
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	term := &terminal{t: t, keys: keys, tty: tty, said: &lines{}, cmd: hogar(t.TempDir(), args...)}
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = tty, tty, tty
	if out != nil {
		term.cmd.Stdout = out
	}
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := keys.Read(b)
			_, _ = term.said.Write(b[:n])
			if err != nil {
				return
			}
		}
	}()
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = term.cmd.Process.Kill() })
	return term
}

// sees waits for text on the terminal.
func (t *terminal) sees(text string) {
	t.t.Helper()
	until(t.t, "the terminal shows "+text, func() bool { return strings.Contains(t.said.String(), text) })
}

func (t *terminal) types(keys string) {
	t.t.Helper()
	if _, err := t.keys.WriteString(keys); err != nil {
		t.t.Fatal(err)
	}
}

// ends waits for the end, and that the terminal is as it was: it echoes and knows Ctrl-C.
func (t *terminal) ends(code int) {
	t.t.Helper()
	_ = t.cmd.Wait() // the code says how it ended
	if got := t.cmd.ProcessState.ExitCode(); got != code {
		t.t.Errorf("exit code %d, want %d: %q", got, code, t.said)
	}
	state, err := unix.IoctlGetTermios(int(t.tty.Fd()), unix.TCGETS)
	if want := uint32(unix.ECHO | unix.ICANON | unix.ISIG); err != nil || state.Lflag&want != want {
		t.t.Errorf("the terminal is left without echo or signals: %+v %v", state, err)
	}
}

// A password is asked for twice and not shown, and Ctrl-C is heard.
func TestPasswordOnATerminal(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, keys ...string) (*terminal, *lines) {
		out := &lines{}
		term := onTerminal(t, out, "password", "ana")
		for i, prompt := range []string{"password: ", "again: "}[:len(keys)] {
			term.sees(prompt)
			term.types(keys[i])
		}
		return term, out
	}
	term, out := ask(t, "correct horse\r", "correct horse\r")
	term.ends(exitDone)
	if !whole(`ana:\$2a\$10\$[./\w]{53}\n`).MatchString(out.String()) {
		t.Errorf("%q", out)
	}
	if strings.Contains(term.said.String(), "horse") {
		t.Errorf("the password is shown: %q", term.said)
	}
	for keys, says := range map[string]string{"correct\x03": "no password was given", "\x04": "no password was given"} {
		term, out := ask(t, keys)
		term.ends(exitFailed)
		term.sees(says)
		if out.String() != "" {
			t.Errorf("%q: %q", keys, out)
		}
	}
	term, _ = ask(t, "correct horse\r", "correct house\r")
	term.ends(exitFailed)
	term.sees("not the same")
}

// The table hides the cursor while it is drawn, and Ctrl-C gives it back.
func TestTableOnATerminal(t *testing.T) {
	t.Parallel()
	g := newGate(t, house("table", 1))
	g.run()
	term := onTerminal(t, nil, "watch", "--table", "--socket", g.socket)
	term.sees(hideCursor)
	term.sees("room0.climate.temperature")
	term.types("\x03")
	term.ends(exitDone)
	term.sees(showCursor)
	if got := term.said.String(); strings.LastIndex(got, showCursor) < strings.LastIndex(got, hideCursor) {
		t.Errorf("the cursor stays hidden: %q", got)
	}
}
