package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestFieldsForJournald looks at what journald is handed; that it takes it is seen
// under systemd, in the virtual machine.
func TestFieldsForJournald(t *testing.T) {
	var said bytes.Buffer
	fields := slog.NewJSONHandler(&said, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey:
			return slog.Attr{}
		case slog.LevelKey, slog.MessageKey:
			return a
		}
		return asField(groups, a)
	}})
	log := slog.New(journald{fields, facts}).With("device", "hall.lamp")
	log.Debug("nobody wants it")
	log.Warn("device lost", "error", errors.New("no answer"), "wait", 1500*time.Millisecond, "left out", 2)
	var got map[string]string
	if err := json.Unmarshal(said.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	want := map[string]string{"level": "WARN", "msg": `device lost device=hall.lamp error="no answer" wait=1.5s "left out"=2`,
		"HOGAR_DEVICE": "hall.lamp", "HOGAR_ERROR": "no answer", "HOGAR_WAIT": "1.5s", "HOGAR_LEFT_OUT": "2", "HOGAR_MESSAGE": "device lost"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyWhatJournaldReadsIsForIt(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	t.Setenv("JOURNAL_STREAM", "8:1")
	if readByJournald(f) {
		t.Error("a file is taken for journald's")
	}
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stat.Dev, stat.Ino))
	if !readByJournald(f) {
		t.Error("journald's own is not known")
	}
	if readByJournald(new(strings.Builder)) {
		t.Error("a buffer is taken for journald's")
	}
}
