package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	Dir     *sinks.Dir // the warehouse

	Run         string // name of the run; must not exist yet
	Workers     int    // goroutines that score; at least 1
	FailFast    bool   // stop at the first shard that fails
	ToolVersion string
	Events      Events
	Now         func() time.Time
}

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
// done stay.
func Run(ctx context.Context, o Options) (*Manifest, error) {
	started := o.Now()
	if err := checkRun(o.Dir, o.Run); err != nil {
		return nil, err
	}
	if _, err := o.Dir.CleanTemp(); err != nil {
		return nil, err
	}
	shards := resolve(o.Spec, o.Catalog)
	receipts := make([]*receipt, len(shards))
	var todo []int
	for i := range shards {
		r, err := readReceipt(o.Dir, shards[i].key)
		if err != nil {
			return nil, err
		}
		if receipts[i] = r; r == nil {
			todo = append(todo, i)
		}
	}
	o.Events.Started(len(shards), len(shards)-len(todo))
	if err := scoreAll(ctx, o, shards, receipts, todo); err != nil {
		return nil, err
	}
	return publish(o, shards, receipts, len(todo), started)
}

// resolve prepares the shards of a spec: what they are made of, and their keys.
func resolve(spec *jobs.Spec, catalog *search.Catalog) []shard {
	var shards []shard
	for _, g := range grid.New(spec, catalog.Versions).Shards() {
		s := shard{Shard: g}
		s.combo, s.refused = catalog.Resolve(g.Combo.Model, g.Combo.System, g.Combo.Backend, g.Combo.Version, perftables.Mode(spec.DatabaseMode))
		k := g.KeyInput(spec)
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

// scoreAll scores the shards of todo and stores their receipts.
func scoreAll(ctx context.Context, o Options, shards []shard, receipts []*receipt, todo []int) error {
	group, ctx := errgroup.WithContext(ctx)
	queue := make(chan int)
	group.Go(func() error {
		defer close(queue)
		for _, i := range todo {
			select {
			case queue <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})

	var mu sync.Mutex // guards the events and what follows
	failed := &FailedError{Shards: len(shards)}
	for range max(1, o.Workers) {
		group.Go(func() error {
			w := newShardWriter(o.Spec, o.Dir)
			for i := range queue {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				begin := o.Now()
				r, err := w.run(&shards[i])
				mu.Lock()
				done := ShardDone{Name: shards[i].Name(), Key: shards[i].key, Elapsed: o.Now().Sub(begin), Err: err}
				if err != nil {
					err = fmt.Errorf("%s (shard %s): %w", shards[i].Name(), shards[i].key, err)
					if failed.Failed++; failed.First == nil {
						failed.First = err
					}
				} else {
					receipts[i] = r
					done.Counts = r.Counts
				}
				o.Events.ShardDone(done)
				mu.Unlock()
				if err != nil && o.FailFast {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	if failed.Failed > 0 {
		return failed
	}
	return err
}

// shardWriter scores shards and writes their files. It belongs to one worker.
type shardWriter struct {
	dir    *sinks.Dir
	scorer *scorer
	tables []*tableFile
}

// tableFile is the file of one table that a shard is writing.
type tableFile struct {
	table  *schema.Table
	writer *sinks.ParquetWriter
	file   *sinks.File // nil: the shard has no rows of this table yet
}

func newShardWriter(spec *jobs.Spec, dir *sinks.Dir) *shardWriter {
	w := &shardWriter{dir: dir, scorer: newScorer(spec)}
	for _, t := range []*schema.Table{schema.AggPoints, schema.Workers, schema.DisaggPoints, schema.Coverage} {
		w.tables = append(w.tables, &tableFile{table: t, writer: writerFor(spec.Keep)})
	}
	return w
}

// run scores one shard and makes it durable.
func (w *shardWriter) run(s *shard) (r *receipt, err error) {
	defer func() {
		for _, t := range w.tables {
			if t.file != nil {
				t.file.Abort()
				t.file = nil
			}
		}
	}()
	meta := s.metadata()
	w.scorer.write = func(rows *schema.Rows) error {
		for _, t := range w.tables {
			if t.table == rows.Table {
				return t.write(w.dir, shardName(t.table.Name, s.key), meta, rows)
			}
		}
		return errors.New("rows of an unknown table")
	}
	counts, err := w.scorer.score(s)
	if err != nil {
		return nil, err
	}
	r = &receipt{Key: s.key, Counts: counts}
	r.Counts.Rows = map[string]int64{}
	for _, t := range w.tables {
		if t.file == nil {
			continue
		}
		rows, err := t.writer.Close()
		if err != nil {
			return nil, err
		}
		if err := t.file.Commit(); err != nil {
			return nil, err
		}
		r.Files = append(r.Files, shardFile{Table: t.table.Name, Name: t.file.Name(), Rows: rows, Bytes: t.file.Size(), SHA256: t.file.SHA256()})
		r.Counts.Rows[t.table.Name] = rows
		r.Counts.Bytes += t.file.Size()
		t.file = nil
	}
	return r, writeJSON(w.dir, receiptName(s.key), r)
}

func (t *tableFile) write(dir *sinks.Dir, name string, meta map[string]string, rows *schema.Rows) error {
	if t.file == nil {
		f, err := dir.Create(name)
		if err != nil {
			return err
		}
		t.file = f
		if err := t.writer.Reset(f, t.table, meta); err != nil {
			return err
		}
	}
	return t.writer.Write(rows)
}

// metadata is stored in every file of the shard.
func (s *shard) metadata() map[string]string {
	m := map[string]string{
		"shard_key": s.key,
		"revision":  fmt.Sprint(estimator.Revision),
	}
	if s.combo.DB != nil {
		m["tables"] = fmt.Sprint(s.combo.DB.Digests())
	}
	return m
}

// writerFor returns the writer of a sweep's rows. Where all of them are kept,
// writing is most of the work and the files are read in place; where few are,
// they are stored for long.
func writerFor(keep string) *sinks.ParquetWriter {
	if keep == jobs.KeepAll {
		return sinks.NewFastParquetWriter()
	}
	return sinks.NewParquetWriter()
}
