//go:build !unix

package fetch

import "errors"

// errUnreachable is not told apart here: requests are retried instead.
var errUnreachable = errors.New("network is unreachable")
