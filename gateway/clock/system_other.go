//go:build !linux

package clock

import (
	"context"
	"errors"
	"time"
)

func sinceBoot() time.Duration { return 0 }

// kernelSynchronised trusts the machine of a developer.
func kernelSynchronised() bool { return true }

// awaitSet is not known here: who looks at the clock finds out.
func awaitSet(context.Context) error { return errors.ErrUnsupported }
