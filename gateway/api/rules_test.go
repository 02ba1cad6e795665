package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// book is a house with one rule.
type book struct{ switched string }

func (b *book) Rules(context.Context) ([]Rule, error) {
	return []Rule{{Name: "dusk", State: "idle"}}, nil
}

func (b *book) RuleTrace(_ context.Context, name string) (RuleTrace, error) {
	switch name {
	case "dusk":
		return RuleTrace{Rule: Rule{Name: name}, Runs: []RuleRun{{Run: 1, Steps: []RuleStep{{Did: "wait 1h"}}}}, Quiet: []RuleQuiet{}}, nil
	case "broken":
		return RuleTrace{}, errors.New("the house is on fire")
	}
	return RuleTrace{}, &Error{Title: "there is no rule " + name, Hint: "did you mean dusk?", Code: http.StatusNotFound}
}

func (b *book) SwitchRule(_ context.Context, name string, on bool, reason string) (Rule, error) {
	b.switched = name + " " + reason
	return Rule{Name: name, Enabled: on}, nil
}

func TestRules(t *testing.T) {
	b := &book{}
	s := &Server{Rules: b}
	const never = `"0001-01-01T00:00:00Z"`
	for _, one := range []struct {
		method, target string
		code           int
		want           string // what is in the answer
	}{
		{"GET", "/api/rules", 200, `[{"rule":"dusk","enabled":false,"state":"idle","why":"","running":0,"started":0}]`},
		{"GET", "/api/rules/dusk", 200, `"runs":[{"run":1,"state":"","began":` + never + `,"trigger":"","event":"","steps":[{"at":` + never + `,"step":0,"did":"wait 1h"}]}],"quiet":[]`},
		{"GET", "/api/rules/dawn", 404, `"detail":"did you mean dusk?"`},
		{"GET", "/api/rules/broken", 500, `"title":"the house is on fire"`},
		{"POST", "/api/rules/dusk/enable", 200, `"enabled":true`},
		{"POST", "/api/rules/dusk/disable?reason=holiday", 200, `"enabled":false`},
		{"POST", "/api/rules/dusk/explode", 404, `there is no POST /api/rules/dusk/explode`},
	} {
		w := ask(s, one.method, one.target, "")
		if w.Code != one.code || !strings.Contains(w.Body.String(), one.want) {
			t.Errorf("%s %s: %d %s", one.method, one.target, w.Code, w.Body)
		}
	}
	if b.switched != "dusk by http: holiday" {
		t.Errorf("switched: %q", b.switched)
	}
}
