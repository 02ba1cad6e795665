package api

import (
	"context"
	"path/filepath"
	"testing"
)

// TestWatchEndsWithItsContext is Ctrl-C before the gateway has answered.
func TestWatchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := NewClient(filepath.Join(t.TempDir(), "s")).Watch(ctx, "#", nil, func(Event) {}); err != nil {
		t.Errorf("%v, want nothing said: it was asked to end", err)
	}
}
