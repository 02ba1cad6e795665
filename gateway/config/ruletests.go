package config

import (
	"io"
	"os"

	"hogar/gateway/home"
)

// File reads one file of the configuration's language that is no house: tests of
// rules, or rules alone. Its node is nil when nothing of it could be read. "-" is
// standard input.
func File(path string) (*home.Node, *Source, *home.Faults) {
	src, faults := newSource(), &home.Faults{}
	name, in := path, io.Reader(os.Stdin)
	if path == "-" {
		name = "<stdin>"
	} else {
		f, err := os.Open(path)
		if err != nil {
			src.files = append(src.files, &file{name: path})
			faults.Add(home.Fault{Message: "cannot be read: " + reason(err)})
			return nil, src, faults
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxSize+1))
	if err != nil {
		src.files = append(src.files, &file{name: name})
		faults.Add(home.Fault{Message: "cannot be read: " + reason(err)})
		return nil, src, faults
	}
	return src.add(nil, name, data, faults), src, faults
}
