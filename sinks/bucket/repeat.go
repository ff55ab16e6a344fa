package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"time"

	"gocloud.dev/gcerrors"

	"servegrid/sinks"
)

// A request that fails is repeated after a pause that doubles each time, half of it by
// chance so that many pods do not come back together: for about half a minute in
// all. The providers' libraries repeat by themselves within each of these attempts.
const (
	attempts = 8
	// A mistyped endpoint should not take that long to be told.
	openAttempts = 4
	firstPause   = 200 * time.Millisecond
	mostPause    = 8 * time.Second
)

// A request that brings no answer within these times is given up and repeated. What
// carries contents has more time, at the pace of a very slow line.
const (
	requestTime = time.Minute
	copyTime    = 10 * time.Minute
	slowestLine = 256 << 10 // bytes/s
)

// repeat does a request until it succeeds or the reason why it does not will stay. what
// says what it does, in the words of error messages. within is how long one
// attempt may take; 0 stands for requestTime.
func (b *Bucket) repeat(what string, within time.Duration, request func(ctx context.Context) error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		ctx, cancel := context.WithTimeout(b.ctx, max(within, requestTime))
		err := request(ctx)
		cancel()
		switch {
		case err == nil:
			return nil
		case b.ctx.Err() != nil:
			return fmt.Errorf("%s: %w", what, b.ctx.Err())
		case errors.Is(err, fs.ErrExist), errors.Is(err, sinks.ErrLocked):
			return fmt.Errorf("%s: %w", what, err)
		case gcerrors.Code(err) == gcerrors.NotFound:
			return fmt.Errorf("%s: %w", what, fs.ErrNotExist)
		case lasting(err):
			return fmt.Errorf("%s: %w", what, plain(err))
		case attempt == b.attempts:
			return fmt.Errorf("%s: %w, the last time: %w", what, sinks.ErrUnreachable, plain(err))
		}
		select {
		case <-b.ctx.Done():
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		}
		pause = min(2*pause, mostPause)
	}
}

// lasting reports whether a request would fail for the same reason again.
func lasting(err error) bool {
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) {
		switch code := answer.HTTPStatusCode(); code {
		case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
			return false
		default:
			return code >= 400 && code < 500
		}
	}
	switch gcerrors.Code(err) {
	case gcerrors.InvalidArgument, gcerrors.PermissionDenied, gcerrors.FailedPrecondition, gcerrors.Unimplemented, gcerrors.AlreadyExists:
		return true
	}
	return false
}
