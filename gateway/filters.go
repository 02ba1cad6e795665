package gateway

import (
	"fmt"
	"strings"

	"hogar/drivers/mqtt"
	"hogar/gateway/filter"
	"hogar/gateway/home"
)

// decodeFilters reads the filters of a device: a list for each of its properties.
func decodeFilters(n *home.Node, device string, properties []home.Property, faults *home.Faults) map[string]*filter.Chain {
	if n == nil {
		return nil
	}
	d := home.NewDecoder(n, faults)
	byName := make(map[string]home.Property, len(properties))
	var names []string
	for _, p := range properties {
		byName[p.Name] = p
		names = append(names, p.Name)
	}
	chains := make(map[string]*filter.Chain)
	for _, pair := range d.Node.Pairs {
		p, ok := byName[pair.Key]
		if !ok {
			hint := "it has " + strings.Join(names, ", ")
			if near := home.Nearest(pair.Key, names); near != "" {
				hint = "did you mean " + near + "?"
			}
			faults.Add(home.Fault{Path: pair.Value.Path, OnKey: true, Message: fmt.Sprintf("%s has no property %s", device, pair.Key), Hint: hint})
			continue
		}
		if c := filter.Decode(pair.Value, p, faults); c != nil {
			chains[p.Name] = c
		}
	}
	return chains
}

// withSpans adds when a property of a discovered device is off, or unknown, because nothing is heard
// of it.
func withSpans(chains map[string]*filter.Chain, d mqtt.Discovered) map[string]*filter.Chain {
	for _, p := range d.Properties {
		off, expire := d.OffDelay[p.Name], d.Expire[p.Name]
		if chains == nil && (off > 0 || expire > 0) {
			chains = make(map[string]*filter.Chain)
		}
		if off > 0 {
			chains[p.Name] = filter.Off(chains[p.Name], off)
		}
		if expire > 0 {
			chains[p.Name] = filter.Expire(chains[p.Name], expire)
		}
	}
	return chains
}
