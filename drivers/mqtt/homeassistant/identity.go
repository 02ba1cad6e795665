package homeassistant

import (
	"slices"
	"strings"
)

// identity is how the entities of a device name it.
type identity struct {
	label       string   // the device's own name; of an entity without a device, the entity's
	ids         []string // its identifiers
	connections []string // its addresses in networks: mac aa:bb:…
}

// with is what both say.
func (i identity) with(more identity) identity {
	for _, list := range []struct {
		of   *[]string
		more []string
	}{{&i.ids, more.ids}, {&i.connections, more.connections}} {
		for _, one := range list.more {
			if !slices.Contains(*list.of, one) {
				*list.of = append(*list.of, one)
			}
		}
	}
	return i
}

// another reports whether the two are not one device although they share something: each has an
// identifier that the other has not beside one that both have, or the same identifiers at other addresses.
func (i identity) another(j identity) bool {
	shared, here, there := compared(i.ids, j.ids)
	if shared && here && there {
		return true
	}
	near, _, _ := compared(i.connections, j.connections)
	return shared && !near && len(i.connections) > 0 && len(j.connections) > 0
}

// compared reports whether two lists share something, and whether each has something for itself.
func compared(a, b []string) (shared, onlyA, onlyB bool) {
	for _, one := range a {
		if slices.Contains(b, one) {
			shared = true
		} else {
			onlyA = true
		}
	}
	return shared, onlyA, slices.ContainsFunc(b, func(one string) bool { return !slices.Contains(a, one) })
}

// part gives each of two devices that have an identifier in common one that is its own, so that who is
// who does not depend on which of them was heard first.
func (d *Discovery) part(who identity, changed map[string]bool) {
	for _, shared := range slices.Concat(who.ids, who.connections) {
		id, ok := d.aliases[shared]
		one := d.devices[id]
		if !ok || one == nil || id != shared || !one.identity.another(who) {
			continue
		}
		i := slices.IndexFunc(one.identity.all(), func(own string) bool {
			of, taken := d.aliases[own]
			return !slices.Contains(who.all(), own) && (!taken || of == id)
		})
		if i < 0 {
			continue
		}
		own := one.identity.all()[i]
		d.devices[own] = one
		delete(d.devices, id)
		for alias, of := range d.aliases {
			if of == id {
				d.aliases[alias] = own
			}
		}
		for _, e := range one.entities {
			e.id = own
		}
		one.status = ""
		changed[id], changed[own] = true, true
	}
}

func (i identity) all() []string { return slices.Concat(i.ids, i.connections) }

// identify finds the device of an entity by what it has in common with one that is
// known: an identifier, or an address of its network.
func (d *Discovery) identify(c config, key string, changed map[string]bool) (id string, who identity) {
	dev := c.below("device")
	who = identity{label: dev.text("name", ""), ids: dev.list("identifiers")}
	list, _ := dev["connections"].([]any)
	for _, item := range list {
		if pair, ok := item.([]any); ok && len(pair) == 2 {
			who.connections = append(who.connections, strings.ToLower(textOf(pair[0])+" "+textOf(pair[1])))
		}
	}
	aliases := slices.Concat(who.ids, who.connections)
	if len(aliases) == 0 {
		aliases = []string{c.text("unique_id", key)}
		if who.label == "" {
			who.label = c.text("name", "")
		}
	}
	d.part(who, changed)
	for _, alias := range aliases {
		known, ok := d.aliases[alias]
		if one := d.devices[known]; ok && (one == nil || !one.identity.another(who)) {
			id = known
			break
		}
	}
	for _, alias := range aliases {
		if _, ok := d.aliases[alias]; !ok {
			if id == "" {
				id = alias // the first that is no other device's
			}
			d.aliases[alias] = id
		}
	}
	if id == "" {
		id = strings.Join(aliases, " ") // all of them are other devices'
	}
	return id, who
}
