package sinks

import (
	"errors"
	"fmt"
	"os"
)

// lockName is the file that locks of a directory hang on.
const lockName = ".lock"

// ErrLocked is returned when another process holds a lock that excludes the one
// asked for.
var ErrLocked = errors.New("another process is working on it")

// Lock locks the directory against other processes that ask for a lock, without
// waiting: shared, with any number of others, or exclusive. It is advice: nothing
// else is kept from reading or writing. The lock ends with the function or with
// the process. File systems without locks give none, and no error.
func (d *Dir) Lock(exclusive bool) (unlock func(), err error) {
	f, err := os.OpenFile(d.Path(lockName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", d.root, cause(err))
	}
	if err := lockFile(f, exclusive); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", d.root, err)
	}
	return func() { f.Close() }, nil
}
