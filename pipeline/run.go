package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/grid"
	"servegrid/internal/schema"
	"servegrid/jobs"
	"servegrid/perftables"
	"servegrid/sinks"
)

// Options say how a sweep is run.
type Options struct {
	Spec    *jobs.Spec
	Catalog *search.Catalog
	Dir     sinks.Store // the warehouse: a directory or a bucket

	Run         string // name of the run; must not exist yet
	Part        Part   // the shards to take; the zero value takes all
	Workers     int    // goroutines that score; at least 1
	FailFast    bool   // stop at the first shard that fails
	Verify      bool   // read every file of the run back before it is published
	ToolVersion string
	Events      Events
	Now         func() time.Time
}

// waiting is how many goroutines are worth it that mostly wait for the store.
func (o *Options) waiting() int { return max(committers, o.Workers, o.Dir.AtOnce()) }

// FailedError is returned when shards failed. The others are done and kept, but
// the run is not published.
type FailedError struct {
	Failed, Shards int
	First          error
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("%d of %d shards failed, the first: %v", e.Failed, e.Shards, e.First)
}

func (e *FailedError) Unwrap() error { return e.First }

// Run scores the shards that no earlier run has, and publishes the result as the
// latest run. When the context ends it returns its error; shards that are
// done stay. With [Options.Part] it takes its share of the shards only and leaves
// a part manifest instead of a run; see [Finish].
func Run(ctx context.Context, o Options) (*Manifest, error) {
	started := o.Now()
	unlock, err := prepare(o)
	if err != nil {
		return nil, err
	}
	defer unlock()
	defer spareProcessors()()
	shards := resolve(o.Spec, o.Catalog)
	mine := o.Part.of(shards)
	receipts, err := readReceipts(ctx, o, mine)
	if err != nil {
		return nil, err
	}
	var todo []int
	for i, r := range receipts {
		if r == nil {
			todo = append(todo, i)
		}
	}
	o.Events.Started(len(mine), len(mine)-len(todo))
	if !o.Part.whole() {
		if err := scoreAll(ctx, o, mine, receipts, todo, func(int) {}); err != nil {
			return nil, err
		}
		return writePart(o, shards, mine, receipts, len(todo), started)
	}
	p, err := prepublish(ctx, o, mine, receipts)
	if err != nil {
		return nil, err
	}
	defer p.drop()
	if err := scoreAll(ctx, o, mine, receipts, todo, p.done); err != nil {
		return nil, err
	}
	return p.publish(ctx, len(todo), started)
}

// prepare checks the run's name and makes the warehouse ready for writing.
func prepare(o Options) (unlock func(), err error) {
	if err := checkRun(o.Dir, o.Run); err != nil {
		return nil, err
	}
	if unlock, err = o.Dir.Lock(false); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			unlock()
		}
	}()
	if _, err := o.Dir.CleanTemp(); err != nil {
		return nil, err
	}
	folders := []string{receiptsDir}
	for _, t := range shardTables {
		folders = append(folders, shardDir(t.Name))
	}
	for _, name := range folders {
		if err := o.Dir.Mkdir(name); err != nil {
			return nil, err
		}
	}
	return unlock, nil
}

// resolve prepares the shards of a spec: what they are made of, and their keys.
func resolve(spec *jobs.Spec, catalog *search.Catalog) []shard {
	var shards []shard
	digest := "" // of the constants, where the calibrated estimator scores
	if constants := constantsOf(spec); constants != nil {
		digest = constants.Digest()
	}
	for _, g := range grid.New(spec, catalog.Versions).Shards() {
		s := shard{Shard: g}
		s.combo, s.refused = catalog.Resolve(g.Combo.Model, g.Combo.System, g.Combo.Backend, g.Combo.Version, perftables.Mode(spec.DatabaseMode))
		if digest != "" {
			s.combo.NextN = 0 // the constants know nothing about drafts
		}
		k := g.KeyInput(spec)
		k.Constants = digest
		q := s.combo.Quant
		k.Quant = grid.Quant{GEMM: string(q.GEMM), MoE: string(q.MoE), KVCache: string(q.KV), FMHA: string(q.FMHA), Comm: string(q.Comm), NextN: s.combo.NextN}
		if s.combo.DB != nil {
			k.TableDigests = s.combo.DB.Digests()
		}
		k.EstimatorRevision, k.SchemaVersion = estimator.Revision, schema.Version
		s.key = k.Key()
		shards = append(shards, s)
	}
	return shards
}

// scoreAll scores the shards of todo and stores their receipts; done hears of each.
// Scoring and waiting for the disk overlap: workers hand written files to committers.
func scoreAll(ctx context.Context, o Options, shards []shard, receipts []*receipt, todo []int, done func(i int)) error {
	workers := max(1, o.Workers)
	queue := make(chan int, len(todo))
	for _, i := range todo {
		queue <- i
	}
	close(queue)
	written := make(chan *writtenShard, workers)
	scoring, ctx := errgroup.WithContext(ctx)
	tally := tally{o: o, shards: shards, receipts: receipts, stored: done, failed: FailedError{Shards: len(shards)}}
	compiled := newPlans(workers)
	for range workers {
		scoring.Go(func() error {
			w := newShardWriter(o.Spec, o.Dir, compiled)
			for i := range queue {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if tally.stop.Load() {
					return nil // the rest of the queue is left undone
				}
				begin := o.Now()
				s, err := w.write(ctx, &shards[i])
				if err != nil && ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					if err := tally.done(i, begin, nil, err); err != nil {
						return err
					}
					continue
				}
				s.index, s.begin = i, begin
				written <- s
			}
			return nil
		})
	}
	// What is written is committed even when the context ends meanwhile, but for uploads.
	var committing errgroup.Group
	for range max(committers, o.Dir.AtOnce()) {
		committing.Go(func() (first error) {
			for s := range written {
				r, err := s.commit(o.Dir)
				if err == nil && shards[s.index].damaged {
					err = relink(o.Dir, r)
				}
				if errors.Is(err, context.Canceled) {
					first = err
					continue
				}
				if err := tally.done(s.index, s.begin, r, err); err != nil && first == nil {
					first = err
					tally.stop.Store(true)
				}
			}
			return first
		})
	}
	err := scoring.Wait()
	close(written)
	if e := committing.Wait(); err == nil {
		err = e
	}
	if tally.failed.Failed > 0 {
		return &tally.failed
	}
	return err
}

// committers is the least number of goroutines that wait for the disk.
const committers = 4

// tally notes which shards are done and which failed.
type tally struct {
	o        Options
	shards   []shard
	receipts []*receipt
	stored   func(i int)
	stop     atomic.Bool // a commit met an error that stops the sweep

	mu     sync.Mutex // guards the events and what follows
	failed FailedError
}

// done notes a shard's end. It returns an error when the sweep is to stop.
func (t *tally) done(i int, begin time.Time, r *receipt, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.shards[i]
	done := ShardDone{Name: s.Name(), Key: s.key, Elapsed: t.o.Now().Sub(begin), Err: err}
	if err != nil {
		err = fmt.Errorf("%s (shard %s): %w", s.Name(), s.key, err)
		if t.failed.Failed++; t.failed.First == nil {
			t.failed.First = err
		}
	} else {
		t.receipts[i] = r
		t.stored(i)
		done.Counts = r.Counts
	}
	t.o.Events.ShardDone(done)
	if err != nil && (t.o.FailFast || sinks.Hopeless(err)) {
		return err
	}
	return nil
}
