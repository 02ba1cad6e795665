package control

import "testing"

// Rights is another text exactly when a source has other rights.
func TestRights(t *testing.T) {
	get := func(source string, patterns ...string) Grant {
		return Grant{source, map[string][]string{VerbGet: patterns}}
	}
	of := func(a *Access) string {
		c := &Control{}
		c.house.Access = a
		return c.Rights("web:ana")
	}
	base := of(&Access{Grants: []Grant{get("web:ana", "#")}})
	for _, c := range []struct {
		name string
		a    *Access
		same bool
	}{
		{"the same", &Access{Grants: []Grant{get("web:ana", "#")}}, true},
		{"another user, another kind", &Access{Grants: []Grant{get("amqp", "#"), get("web:eve", "hall"), get("web:ana", "#"), get("cli", "#")}}, true},
		{"less", &Access{Grants: []Grant{get("web:ana", "kids.#")}}, false},
		{"another verb", &Access{Grants: []Grant{{"web:ana", map[string][]string{VerbSet: {"#"}}}}}, false},
		{"more", &Access{Grants: []Grant{get("web:ana", "#"), get("web", "#")}}, false},
		{"gone", &Access{Grants: []Grant{get("web:eve", "#")}}, false},
		{"its kind is not spoken of", &Access{}, false},
		{"none at all", nil, false},
	} {
		if got := of(c.a) == base; got != c.same {
			t.Errorf("%s: the same: %t", c.name, got)
		}
	}
}
