//go:build !linux

package journal

func (f diskFile) Allocate(size int64) error { return f.zeroFill(size) }

func (f diskFile) Datasync() error { return f.Sync() }
