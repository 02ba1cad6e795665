package api

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Bounds of a door: the socket's and the page's are two.
const (
	maxStreams  = 150             // at once
	maxRequests = 64              // at once, beside the streams
	patience    = 5 * time.Second // for a turn
	slowReader  = 10 * time.Second
)

// room bounds what one door costs: what comes through it cannot take the other's place.
type room struct {
	streams, requests chan struct{}
}

func newRoom() *room {
	return &room{make(chan struct{}, maxStreams), make(chan struct{}, maxRequests)}
}

// bound serves when it is the request's turn. However long the handler takes, who is slow
// to take the answer is cut off: see [inTime].
func (m *room) bound(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !m.turn(r.Context()) {
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("%d requests are under way", maxRequests), "try again in a second")
			return
		}
		defer func() { <-m.requests }()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // what has no deadline is a test's recorder
		serve(w, r)
	}
}

// turn takes a place among the requests, and waits for one for a while.
func (m *room) turn(ctx context.Context) bool {
	select {
	case m.requests <- struct{}{}:
		return true
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case m.requests <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// stream serves a stream while there is room for it.
func (m *room) stream(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case m.streams <- struct{}{}:
			defer func() { <-m.streams }()
		default:
			refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("%d streams are open", maxStreams), "close some, or try again later")
			return
		}
		serve(w, r)
	}
}

// inTime bounds how long the reader of an answer may take for it.
func inTime(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(slowReader)) // what has no deadline is a test's recorder
}
