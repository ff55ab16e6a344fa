//go:build unix

package sinks

import (
	"errors"
	"os"
	"syscall"
)

// processAlive reports whether the id is in use; in doubt it is.
func processAlive(pid int) bool {
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// syncDir makes renames in the directory durable. File systems that cannot sync
// a directory say EINVAL or ENOTSUP and need no sync.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
