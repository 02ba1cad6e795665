package api

import (
	_ "embed"
	"net/http"
)

// OpenAPI describes the requests and their answers (OpenAPI 3.1); tests hold it
// against the server.
//
//go:embed openapi.json
var OpenAPI []byte

func describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(OpenAPI)
}
