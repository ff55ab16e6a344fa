package pipeline

import (
	"context"
	"encoding/json"
	"path"
	"time"

	"servegrid/estimator"
	"servegrid/internal/schema"
	"servegrid/sinks"
)

// How often it is looked whether parts are there: a hundred times, within bounds.
const (
	shortestPoll = 500 * time.Millisecond
	longestPoll  = 15 * time.Second
)

// Await is [Finish], but waits so long for the parts that are missing. Whenever their
// number is another one than before, it tells. Looking takes one listing, however
// many parts there are.
func Await(ctx context.Context, o Options, longest time.Duration, tell func(*MissingPartsError)) (*Manifest, error) {
	enough := time.NewTimer(longest)
	defer enough.Stop()
	poll := time.NewTicker(min(max(longest/100, shortestPoll), longestPoll))
	defer poll.Stop()
	known := 0
	for {
		// The parts of a run that exists are gone.
		if err := checkRun(o.Dir, o.Run); err != nil {
			return nil, err
		}
		missing, err := missingParts(o)
		if err != nil {
			return nil, err
		}
		if missing == nil {
			return Finish(ctx, o)
		}
		if n := len(missing.Parts); n != known {
			known = n
			tell(missing)
		}
		select {
		case <-poll.C:
		case <-enough.C:
			return nil, missing
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// missingParts returns nil when all parts of the run are there.
func missingParts(o Options) (*MissingPartsError, error) {
	parts, err := o.Dir.List(path.Join(partsDir, o.Run))
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, p := range parts {
		there[p.Name] = true
	}
	missing := &MissingPartsError{Run: o.Run}
	for i := range o.Part.Count {
		if part := (Part{i, o.Part.Count}); !there[part.name(o.Run)] {
			missing.Parts = append(missing.Parts, part)
		}
	}
	if len(missing.Parts) == 0 {
		return nil, nil
	}
	return missing, nil
}

// Published returns the manifest of the run if it is published, and of what the
// options ask for; otherwise nil. A process that shares the sweep with others may find
// that they have published it, before it began or meanwhile.
func Published(o Options) *Manifest {
	b, err := sinks.ReadFile(o.Dir, path.Join(runsDir, o.Run, manifestRel))
	if err != nil {
		return nil
	}
	var m Manifest
	if json.Unmarshal(b, &m) != nil || m.Revision != estimator.Revision || m.SchemaVersion != schema.Version || m.Spec != string(o.Spec.YAML()) {
		return nil
	}
	return &m
}
