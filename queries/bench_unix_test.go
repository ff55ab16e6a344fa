//go:build unix

package queries

import (
	"syscall"
	"time"
)

// cpuTime is what the process has used; beside the wall time it tells how busy the
// machine was with other things.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
