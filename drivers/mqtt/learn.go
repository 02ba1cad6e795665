package mqtt

import (
	"slices"

	"hogar/drivers/mqtt/dialect"
)

// lessons is what the session that learns was told, by source: a device that
// announces itself piece by piece is told to the house once, and whole.
type lessons map[dialect.Dialect]*dialect.Told

// add takes what one message told.
func (l lessons) add(source Source, t dialect.Told) {
	all := l[source.Dialect]
	if all == nil {
		all = &dialect.Told{}
		l[source.Dialect] = all
	}
	if t.Whole {
		all.Whole, all.Devices = true, nil
	}
	gone := func(d dialect.Device) bool { return slices.Contains(t.Gone, d.ID) }
	all.Devices = slices.DeleteFunc(all.Devices, gone)
	for _, d := range t.Devices {
		i := slices.IndexFunc(all.Devices, func(known dialect.Device) bool { return known.ID == d.ID })
		if i < 0 {
			all.Devices = append(all.Devices, d)
		} else {
			all.Devices[i] = d
		}
	}
	all.Gone = append(all.Gone, t.Gone...)
	all.Statuses = append(all.Statuses, t.Statuses...)
	all.Readings = append(all.Readings, t.Readings...)
	all.Ignored = append(all.Ignored, t.Ignored...)
	all.Send = append(all.Send, t.Send...)
}

// of returns all that a source told.
func (l lessons) of(source Source) dialect.Told {
	if all := l[source.Dialect]; all != nil {
		return *all
	}
	return dialect.Told{}
}
