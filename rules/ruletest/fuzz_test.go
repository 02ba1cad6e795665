package ruletest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"hogar/gateway/config"
)

// FuzzDecode reads any file as tests, and runs those that have no fault: nothing
// may panic, and nothing may run for ever.
func FuzzDecode(f *testing.F) {
	names, err := filepath.Glob("../../configs/*_test.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("tests:\n- {name: x, start: 2026-07-01 23:00, steps: [{read: {boiler.temperature: {from: 1, to: 2, over: 1h, every: 1s}}, within: 5m, expect: {message: {key: a}}}]}\n")
	f.Add("tests:\n- {name: x, start: 2026-07-01 23:00, world: {every: 1h}, steps: [{at: 3d, restart: 1h, check: sun.up}]}\n")
	f.Add("tests:\n- {name: x, start: 2026-07-01 23:00, steps: [{clock: -2h untrusted}, {at: 02:30, clock: 2026-12-01T10:00 trusted}, {after: 1h, restart: 1h, clock: +90d}]}\n")
	s := someSuite(f, someRules)
	path := filepath.Join(f.TempDir(), "x.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		n, src, faults := config.File(path)
		if n == nil {
			return
		}
		tests := s.Decode(n, faults)
		src.Problems(faults)
		if faults.Failed() {
			return
		}
		for _, one := range tests {
			if isShort(one) {
				s.Run(one, nil)
			}
		}
	})
}

// isShort reports whether a test is over soon: a year in the simulated world is
// none of the fuzzer's.
func isShort(t *Test) bool {
	for _, s := range t.steps {
		for _, in := range s.inputs {
			if in.every > 0 && in.over/in.every > 1000 {
				return false
			}
		}
		for _, x := range s.expect {
			if x.until.Sub(t.start) > 3*24*time.Hour {
				return false
			}
		}
		if s.at.Sub(t.start) > 3*24*time.Hour || s.restart > time.Hour {
			return false
		}
	}
	return t.world == nil || t.world.every >= time.Minute
}
