package sinks

import (
	"os"

	"golang.org/x/sys/unix"
)

// setDirect has writes of whole blocks go past the page cache, or through it again. Not
// every file system can.
func setDirect(f *os.File, direct bool) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) {
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		if err == nil {
			if flags &^= unix.O_DIRECT; direct {
				flags |= unix.O_DIRECT
			}
			_, err = unix.FcntlInt(fd, unix.F_SETFL, flags)
		}
		failed = err
	})
	if err != nil {
		return err
	}
	return failed
}
