package hub

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

func TestDevicesGoStale(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h, j := open(t, dir, nil)
		h.Expect(map[string]time.Duration{"a": 10 * time.Second})
		stop := run(t, h, j)
		defer stop()
		accept(t, h, reading("a", "t", 1))
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if !h.Last("a", "t").Known() {
			t.Error("stale too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if h.Last("a", "t").Known() {
			t.Error("not stale after 11 s")
		}
		accept(t, h, reading("a", "t", 2))
		lines := written(t, j)
		want := []string{
			`status {"device":"a","dseq":3,"reason":"nothing measured for 10s","status":"stale"}`,
			`reading {"device":"a","dseq":4,"property":"t","unit":"°C","unknown":"stale: nothing measured for 10s","value":null}`,
			`status {"device":"a","dseq":5,"status":"online"}`,
			`reading {"device":"a","dseq":6,"property":"t","unit":"°C","value":2}`,
		}
		if diff := cmp.Diff(want, lines[2:]); diff != "" {
			t.Errorf("journal (-want +got):\n%s", diff)
		}
	})
}

// A device of which nothing fresh comes is stale as late as one that falls silent, counted from
// what came late or from when it became known. It is never online.
func TestDevicesNotHeardOfGoStale(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h, j := open(t, dir, nil)
		h.Expect(map[string]time.Duration{"mute": 10 * time.Second, "retained": 10 * time.Second, "patient": 0})
		stop := run(t, h, j)
		defer stop()
		status := func() (all []string) {
			synctest.Wait()
			for _, d := range h.Devices("#") {
				all = append(all, d.Name+" "+d.Status)
			}
			return all
		}
		for _, name := range []string{"mute", "retained", "patient"} {
			accept(t, h, home.Event{Kind: home.KindCatalog, Device: name, Catalog: &home.Catalog{}})
		}
		late := reading("retained", "t", 1)
		late.Flags = home.FlagLate
		time.Sleep(5 * time.Second)
		accept(t, h, late)
		time.Sleep(6 * time.Second)
		if diff := cmp.Diff([]string{"mute stale", "patient ", "retained "}, status()); diff != "" {
			t.Errorf("after 11 s (-want +got):\n%s", diff)
		}
		if !h.Last("retained", "t").Known() {
			t.Error("what came late is forgotten too early")
		}
		time.Sleep(5 * time.Second)
		if diff := cmp.Diff([]string{"mute stale", "patient ", "retained stale"}, status()); diff != "" {
			t.Errorf("after 16 s (-want +got):\n%s", diff)
		}
		accept(t, h, reading("mute", "t", 2), home.Event{Kind: home.KindCatalog, Device: "retained", Catalog: &home.Catalog{Removed: true}},
			home.Event{Kind: home.KindCatalog, Device: "retained", Catalog: &home.Catalog{}})
		time.Sleep(9 * time.Second)
		if diff := cmp.Diff([]string{"mute online", "patient ", "retained "}, status()); diff != "" {
			t.Errorf("heard, and known again (-want +got):\n%s", diff)
		}
	})
}
