//go:build !linux

package clock

import "time"

func sinceBoot() time.Duration { return 0 }

// kernelSynchronised trusts the machine of a developer.
func kernelSynchronised() bool { return true }
