package gateway

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hogar/drivers"
	"hogar/gateway/home"
)

func TestGuard(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	err := Guard("check x.yaml", "1.2", func() error { panic("choked on geheim") })
	text := err.Error()
	if strings.Contains(text, "goroutine") || strings.Contains(text, "geheim") || !strings.HasPrefix(text, "check x.yaml: this is a mistake in hogar") {
		t.Error(text)
	}
	name := regexp.MustCompile(`\S+hogar-trace-\S+\.txt`).FindString(text)
	trace, err := os.ReadFile(name)
	if err != nil || !strings.Contains(string(trace), "guard_test.go") || !strings.Contains(string(trace), "choked on geheim") {
		t.Errorf("the trace: %s, %v", trace, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	t.Setenv("TMPDIR", "/nowhere")
	if err := Guard("check", "1.2", func() error { panic(1) }); !strings.Contains(err.Error(), TraceVariable) {
		t.Error(err)
	}
	t.Setenv(TraceVariable, "1")
	if err := Guard("check", "1.2", func() error { panic(1) }); !strings.Contains(err.Error(), "guard_test.go") {
		t.Error(err)
	}
	wrong := errors.New("no file")
	if err := Guard("check", "1.2", func() error { return wrong }); err != wrong {
		t.Error(err)
	}
}

// A reload that panics, wherever, is refused, and the house goes on as it was: its devices are
// measured, obey, and the next reload is taken.
func TestAReloadThatPanicsIsRefused(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := t.TempDir()
	for _, where := range []string{"reading the file", "the board", "the hub's goroutine"} {
		plan, next := planIn(t, dir, stories), planIn(t, dir, stories)
		synctest.Test(t, func(t *testing.T) {
			panics := false
			h := runHouse(t, plan, nil, func(o *Options) {
				o.Reload = func() (*Plan, error) {
					switch {
					case panics && where == "reading the file":
						panic("cron")
					case panics && where == "the hub's goroutine":
						broken := *next
						broken.engine = nil
						return &broken, nil
					}
					return next, nil
				}
				board := o.Board
				o.Board = func(parts map[string][]drivers.Part) (drivers.Board, error) {
					if panics && where == "the board" {
						panics = false
						panic("board")
					}
					return board(parts)
				}
			})
			defer h.stop()
			time.Sleep(time.Second)
			panics = true
			err := h.Reload(t.Context())
			panics = false
			var broken *Broken
			if !errors.As(err, &broken) || strings.Contains(err.Error(), "goroutine ") {
				t.Errorf("%s: %v", where, err)
			}
			time.Sleep(15 * time.Second)
			h.isOnline("kitchen.climate", 11*time.Second)
			othersAreWell(t, h)
			if o := h.set("hall.lamp", "state", home.BooleanOf(true)); o.Result != home.Applied {
				t.Errorf("%s: %+v", where, o)
			}
			if err := h.Reload(t.Context()); err != nil {
				t.Errorf("%s: the next reload: %v", where, err)
			}
			time.Sleep(15 * time.Second)
			h.isOnline("kitchen.climate", 11*time.Second)
			if o := h.set("hall.lamp", "state", home.BooleanOf(false)); o.Result != home.Applied {
				t.Errorf("%s: after the next reload: %+v", where, o)
			}
		})
	}
}
