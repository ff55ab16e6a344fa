//go:build !linux

package sinks

import (
	"errors"
	"os"
)

// setDirect has writes of whole blocks go past the page cache; not here.
func setDirect(*os.File, bool) error { return errors.ErrUnsupported }
