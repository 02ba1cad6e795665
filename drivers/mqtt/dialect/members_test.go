package dialect

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func members(text string) (map[string]json.RawMessage, error) {
	var got map[string]json.RawMessage
	err := Members([]byte(text), func(key, value []byte) {
		if got == nil {
			got = make(map[string]json.RawMessage)
		}
		got[string(key)] = append(json.RawMessage(nil), value...)
	})
	return got, err
}

// FuzzMembers holds Members against encoding/json.
func FuzzMembers(f *testing.F) {
	for _, text := range []string{`{"temperature":21.3,"humidity":44}`, " \n{ \"a\" : {\"b\":[1,\"]}\",{}]} , \"c\\u0064\\\"\" : \"x\\\\\" , \"a\":null }\t",
		`{}`, `{"a":[]}`, "{\"\xff\":true}", `null`, `[1]`, `{"a":1`, `{"a":1}x`, ``, `{"a":1,}`, `{"":-1e9 }`, `"{"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want map[string]json.RawMessage
		wantErr := json.Unmarshal([]byte(text), &want)
		got, err := members(text)
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("%v, want %v", err, wantErr)
		}
		if len(want) == 0 {
			want = nil
		}
		if err == nil && !cmp.Equal(got, want) {
			t.Error(cmp.Diff(got, want))
		}
	})
}

func BenchmarkMembers(b *testing.B) {
	text := []byte(`{"temperature":21.3,"humidity":44,"battery":97,"linkquality":120}`)
	n := 0
	for b.Loop() {
		_ = Members(text, func(key, value []byte) { n += len(value) })
	}
}
