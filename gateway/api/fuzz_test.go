package api

import (
	"net/http/httptest"
	"strings"
	"testing"

	"hogar/gateway/home"
)

// obedient carries out everything, and keeps what it was told.
type obedient struct {
	fake
	last home.Command
}

func (o *obedient) Submit(c home.Command, done func(home.Outcome)) {
	o.last = c
	done(home.Outcome{ID: c.ID, Device: c.Device, Result: home.Applied})
}

// FuzzCommand sends bodies to the API: each is answered, and refused ones with a reason.
func FuzzCommand(f *testing.F) {
	for _, body := range []string{
		`{"device":"hall.lamp","set":{"state":true}}`,
		`{"device":"hall.lamp","set":{"state":"toggle"},"id":"a","reason":"b","expires":"2026-01-01T00:00:00Z"}`,
		`{"device":"hall.lamp","set":{"state":true,"state":false}}`,
		`{"device":"hall.lamp","set":{"level":1e999}}`, `{"device":"hall.lamp","set":{"level":NaN}}`,
		`{"device":"hall.lamp","extra":1}`, `{}`, `[]`, `null`, ``, "\xff\xfe", `{"device":"hall.lamp","set":{}} {}`,
		strings.Repeat(`{"set":`, 20_000),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		door := &obedient{}
		s := &Server{House: door, Door: door}
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/commands", strings.NewReader(body))
		w := httptest.NewRecorder()
		s.command(w, r)
		if w.Code != 200 && (w.Code < 400 || w.Code >= 500 || !strings.Contains(w.Body.String(), `"title"`)) {
			t.Errorf("%q is answered by %d %s", body, w.Code, w.Body)
		}
		if w.Code != 200 && door.last.Set != nil {
			t.Errorf("%q is refused, and carried out", body)
		}
	})
}
