package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"

	journal "github.com/systemd/slog-journal"
)

// journald hands each record to systemd's journal: all of it as text in MESSAGE, as
// people read it, and each fact also as a field of its own, as journalctl finds it.
type journald struct {
	fields slog.Handler                   // takes MESSAGE, PRIORITY and the fields there
	text   func(w io.Writer) slog.Handler // writes the facts of a record as text
}

// newJournald logs for a gateway.
func newJournald(level slog.Level, gateway string) (slog.Handler, error) {
	fields, err := journal.NewHandler(&journal.Options{Level: level, ReplaceAttr: asField})
	if err != nil {
		return nil, fmt.Errorf("log to journald: %w", err)
	}
	return journald{fields.WithAttrs([]slog.Attr{slog.String("name", gateway)}), facts}, nil
}

// asField names a fact as a field: HOGAR_DEVICE. Durations and times are told as in the text.
func asField(_ []string, a slog.Attr) slog.Attr {
	name := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(a.Key))
	return slog.String("HOGAR_"+name, veil(nil, a).Value.String())
}

// facts writes the attributes of a record, and neither its time, which journald knows, nor its
// level, which is the priority, nor its message.
func facts(w io.Writer) slog.Handler {
	return slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
			return slog.Attr{}
		}
		return veil(nil, a)
	}})
}

func (j journald) Enabled(ctx context.Context, level slog.Level) bool {
	return j.fields.Enabled(ctx, level)
}

func (j journald) Handle(ctx context.Context, r slog.Record) error {
	var text bytes.Buffer
	if err := j.text(&text).Handle(ctx, r); err != nil {
		return err
	}
	all := r.Clone()
	all.Message = strings.TrimSpace(r.Message + " " + text.String())
	all.AddAttrs(slog.String("message", r.Message))
	return j.fields.Handle(ctx, all)
}

func (j journald) WithAttrs(attrs []slog.Attr) slog.Handler {
	return journald{j.fields.WithAttrs(attrs), func(w io.Writer) slog.Handler { return j.text(w).WithAttrs(attrs) }}
}

func (j journald) WithGroup(name string) slog.Handler {
	return journald{j.fields.WithGroup(name), func(w io.Writer) slog.Handler { return j.text(w).WithGroup(name) }}
}

// readByJournald reports whether what is written to w goes to journald. The environment alone
// does not say it: a terminal of a desktop has the same from its own service.
func readByJournald(w io.Writer) bool {
	file := fileOf(w)
	if file == nil {
		return false
	}
	info, err := file.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

// priority begins the line that a program ends with: an error, for who looks at those only.
func priority(w io.Writer) string {
	if readByJournald(w) {
		return "<3>" // as sd-daemon(3) has it
	}
	return ""
}
