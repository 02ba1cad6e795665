package home

import (
	"encoding/json"
	"testing"
)

func TestMisread(t *testing.T) {
	for _, one := range []struct{ text, want string }{
		{`[]`, "found a list, expected an object"},
		{`5`, "found a number, expected an object"},
		{`{"name":5}`, "name is a number, expected a text"},
		{`{"list":{}}`, "list is an object, expected a list"},
		{`{"deep":{"on":"yes"}}`, "deep.on is a text, expected true or false"},
		{`{"deep":{"n":true}}`, "deep.n is true or false, expected a number"},
		{`{"deep":{"n":1.5}}`, "deep.n is a number, expected a whole number"},
		{`hello`, "invalid character 'h' looking for beginning of value"},
		{`{"name":"a"}`, ""},
	} {
		var v struct {
			Name string `json:"name"`
			List []int  `json:"list"`
			Deep struct {
				On bool `json:"on"`
				N  int  `json:"n"`
			} `json:"deep"`
		}
		got := ""
		if err := Misread(json.Unmarshal([]byte(one.text), &v)); err != nil {
			got = err.Error()
		}
		if got != one.want {
			t.Errorf("%s: %s, want %s", one.text, got, one.want)
		}
	}
}
