package main

import (
	"net"

	"hogar/gateway"
	"hogar/gateway/api"
	"hogar/gateway/config"
)

// configuration reads the files at path as they are now, for the page.
func configuration(path string) api.Configuration {
	cfg, source, found := config.Load(path)
	gateway.Check(cfg, found)
	shown := api.Configuration{Files: []api.File{}, Problems: []api.Problem{}}
	for _, f := range source.Files() {
		shown.Files = append(shown.Files, api.File{Name: f.Name, Text: f.Text})
	}
	for _, p := range source.Problems(found) {
		shown.Problems = append(shown.Problems, api.Problem{File: p.File, Line: p.Line, Column: p.Column,
			Message: p.Message, Hint: p.Hint, Warning: p.Warning})
	}
	return shown
}

// freeWeb is the usual address when nobody listens there, else a free port.
func freeWeb(usual string) string {
	l, err := net.Listen("tcp", usual)
	if err != nil {
		return "127.0.0.1:0"
	}
	l.Close()
	return usual
}
