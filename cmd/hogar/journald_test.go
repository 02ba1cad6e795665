package main

import (
	"testing"

	"github.com/spf13/cobra"
)

func TestPrioritiesForJournald(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "8:1")
	var said lines
	cmd := &cobra.Command{}
	cmd.SetErr(&said)
	log, err := newLog(cmd, "debug")
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("a")
	log.Info("b", "device", "hall.lamp")
	log.Warn("c")
	log.Error("d")
	want := "<7>level=DEBUG msg=a\n<6>level=INFO msg=b device=hall.lamp\n<4>level=WARN msg=c\n<3>level=ERROR msg=d\n"
	if said.String() != want {
		t.Errorf("journald is told\n%swant\n%s", said.String(), want)
	}
}
