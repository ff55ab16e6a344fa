//go:build unix

package fetch

import "syscall"

// errUnreachable is what the system says when there is no network.
var errUnreachable = syscall.ENETUNREACH
