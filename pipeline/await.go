package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path"
	"time"

	"servegrid/estimator"
	"servegrid/internal/schema"
)

// How often it is looked whether parts are there: a hundred times, within bounds.
const (
	shortestPoll = 500 * time.Millisecond
	longestPoll  = 15 * time.Second
)

// Await is [Finish], but waits so long for the parts that are missing. Whenever their
// number is another one than before, it tells.
func Await(ctx context.Context, o Options, longest time.Duration, tell func(*MissingPartsError)) (*Manifest, error) {
	enough := time.NewTimer(longest)
	defer enough.Stop()
	poll := time.NewTicker(min(max(longest/100, shortestPoll), longestPoll))
	defer poll.Stop()
	known := 0
	for {
		m, err := Finish(ctx, o)
		var missing *MissingPartsError
		if !errors.As(err, &missing) || Published(o) != nil {
			return m, err
		}
		if n := len(missing.Parts); n != known {
			known = n
			tell(missing)
		}
		select {
		case <-poll.C:
		case <-enough.C:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Published returns the manifest of the run if it is published, and of what the
// options ask for; otherwise nil. A process that shares the sweep with others may find
// that they have published it, before it began or meanwhile.
func Published(o Options) *Manifest {
	b, err := os.ReadFile(o.Dir.Path(path.Join(runsDir, o.Run, manifestRel)))
	if err != nil {
		return nil
	}
	var m Manifest
	if json.Unmarshal(b, &m) != nil || m.Revision != estimator.Revision || m.SchemaVersion != schema.Version || m.Spec != string(o.Spec.YAML()) {
		return nil
	}
	return &m
}
