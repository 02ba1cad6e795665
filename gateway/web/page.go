package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed page
var files embed.FS

// page is the built-in files, compressed once.
type page struct {
	of     map[string]file // by path
	refuse func(w http.ResponseWriter, code int, title, detail string)
}

type file struct {
	kind       string // content type
	plain, zip []byte
	tag        string
}

// types are those of the page; the machine's own table is not asked.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".json": "application/json", ".webmanifest": "application/manifest+json", ".md": "text/plain; charset=utf-8",
}

func newPage(refuse func(w http.ResponseWriter, code int, title, detail string)) *page {
	p := &page{of: make(map[string]file), refuse: refuse}
	_ = fs.WalkDir(files, "page", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		kind := types[path.Ext(name)]
		if kind == "" {
			kind = mime.TypeByExtension(path.Ext(name))
		}
		sum := sha256.Sum256(data)
		p.of[strings.TrimPrefix(name, "page")] = file{kind, data, compress(data), `"` + hex.EncodeToString(sum[:8]) + `"`}
		return nil
	})
	p.of["/"] = p.of["/index.html"]
	return p
}

func compress(data []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // a level that exists
	_, _ = z.Write(data)
	_ = z.Close() // memory takes everything
	return b.Bytes()
}

// ServeHTTP serves a file; a browser that has it already is told so.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := p.of[r.URL.Path]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		p.refuse(w, http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path, "the page is at /, the API below /api/")
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache") // asked for each time, and answered with 304
	h.Set("ETag", f.tag)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.zip
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}
