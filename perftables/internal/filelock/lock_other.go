//go:build !unix

package filelock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Lock takes the lock file. Without a lock that ends with its process, one that
// is taken is an error that says what to do.
func Lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("another installation holds it; if none is running, remove %s", name)
	}
	if err != nil {
		return nil, err
	}
	return func() {
		f.Close()
		os.Remove(name)
	}, nil
}
