package home

import "testing"

// FuzzFold: whatever a device calls itself, its folded name is one that may stand in a
// routing key and in the name of a file, and is folded into itself.
func FuzzFold(f *testing.F) {
	for _, name := range []string{"Kitchen Lamp/1", "Baño", "", "a.b.c.d.e", "#", "*", "../../etc", "\x00", "\xff", "true.x", "ÄÖÜ ß", "now",
		"0x00158d0001a2b3c4", "🙂", "a//b", "_._", "é"} {
		f.Add(name, "0x00158d0001a2b3c4")
	}
	f.Fuzz(func(t *testing.T, name, address string) {
		folded := Fold(name, address)
		if err := CheckDevice(folded); err != nil {
			t.Errorf("%q of %q is folded into %q: %v", name, address, folded, err)
		}
		if again := Fold(folded, address); again != folded {
			t.Errorf("%q becomes %q, and that %q", name, folded, again)
		}
	})
}
