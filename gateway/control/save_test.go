package control

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

// Outcomes come back from a checkpoint as they were, each with its own text, also
// from one in the form that had each outcome's id and text.
func TestOutcomesInTheCheckpoint(t *testing.T) {
	door, _ := house(t, &lamp{})
	now := time.Now()
	want := make(map[string]home.Outcome)
	for i := range 1000 {
		o := home.Outcome{ID: fmt.Sprint("id-", i), Device: "hall.lamp", Set: set("state", i%2 == 0), Result: home.Applied, Source: "amqp:app",
			Reading: set("state", i%2 == 0), TookMS: int64(i % 7)}
		if i%10 == 0 {
			o.Result, o.Error, o.Reading = home.Rejected, fmt.Sprintf("reason %d with \"quotes\"", i), nil
		}
		door.fold.ended.put(&o, now)
		want[o.ID] = o
	}
	write := door.Freeze()
	door.fold.ended.put(&home.Outcome{ID: "later"}, now)
	door.fold.ended.put(&home.Outcome{ID: "tomorrow"}, now.Add(25*time.Hour)) // all others are forgotten meanwhile
	fresh, err := write()
	if err != nil {
		t.Fatal(err)
	}
	old := []byte(`{"open":[],"order":3,"shown":{},"ended":[{"id":"id-1","at":` + fmt.Sprint(now.UnixMilli()) +
		`,"body":` + fmt.Sprint(fingerprint("hall.lamp", set("state", false))) +
		`,"told":{"outcome":"applied","reading":{"state":false},"source":"amqp:app","took_ms":1}}]}`)
	for name, c := range map[string]struct {
		data []byte
		n    int
	}{"now": {fresh, 1000}, "before": {old, 1}} {
		next, _ := house(t, &lamp{})
		if err := next.Restore(c.data); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := len(next.fold.ended.list); n != c.n {
			t.Errorf("%s: %d outcomes", name, n)
		}
		for id, o := range want {
			got, same, ok := next.fold.ended.get(&home.Command{ID: id, Device: o.Device, Set: o.Set, Source: o.Source})
			if name == "before" && id != "id-1" {
				continue
			}
			if diff := cmp.Diff(o, got, cmp.AllowUnexported(home.Value{})); diff != "" || !same || !ok {
				t.Errorf("%s: %s, same %v, known %v: %s", name, id, same, ok, diff)
			}
		}
	}
	if n := len(door.fold.ended.sayings); n != 1 {
		t.Errorf("%d texts are kept for one outcome", n)
	}
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte(`{"open":[],"told":[{"outcome":"applied"}],"ended":[["LXEWQrcmsEQBYnyp+6wy9Q==",946684800000,14797466191063454880,0]]}`))
	f.Add([]byte(`{"ended":[{"id":"x","at":1,"body":2,"told":{}}],"shown":{"a.b":{"value":1}}}`))
	f.Add([]byte(`{"ended":[["",1,2,3]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		door, _ := house(t, &lamp{})
		if door.Restore(data) != nil {
			return
		}
		again, err := door.Save()
		if err != nil || !json.Valid(again) {
			t.Fatalf("%s was restored and saved as %s: %v", data, again, err)
		}
	})
}
