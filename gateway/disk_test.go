package gateway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatchDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		dead := func() bool {
			at := time.Since(began)
			return at > 10*time.Second && at < 35*time.Second || at > time.Minute
		}
		if !watchDisk(t.Context(), dead) {
			t.Error("it is not dead")
		}
		if at := time.Since(began); at < 89*time.Second || at > 92*time.Second {
			t.Errorf("dead after %s, it died for good after a minute", at)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if watchDisk(ctx, func() bool { return true }) {
			t.Error("dead before its time")
		}
	})
}
