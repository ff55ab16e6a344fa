package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"servegrid/internal/schema"
	"servegrid/sinks"
)

// joins are the files of best points of a run: the shards' ones joined into one per
// model, so that a question about one model opens one file. A model is joined as soon
// as its shards are done, while those of the next are scored; nothing is visible before
// commit.
type joins struct {
	dir    sinks.Store
	root   string // of the run's tables
	shards []shard
	models map[string]*join
	ready  chan *join   // those whose shards are done
	stop   func()       // ends the work on them early
	end    func() error // waits until they are joined; no shard may be done after that

	mu sync.Mutex // guards what a join knows of its shards until it is ready
}

// join is the file of one model.
type join struct {
	model string
	parts []joinPart
	left  int         // shards that are not done
	file  *sinks.File // whole, but not visible yet; nil: not joined
}

// joinPart is what a shard adds.
type joinPart struct {
	shard *shard
	file  string
}

// startJoins begins to wait for shards that are done. Defer abort, which does nothing
// after commit.
func startJoins(ctx context.Context, dir sinks.Store, root string, shards []shard, atOnce int) *joins {
	j := &joins{dir: dir, root: root, shards: shards, models: map[string]*join{}}
	for i := range shards {
		model := shards[i].Combo.Model
		if j.models[model] == nil {
			j.models[model] = &join{model: model}
		}
		j.models[model].left++
	}
	j.ready = make(chan *join, len(j.models))
	ctx, j.stop = context.WithCancel(ctx)
	jobs, ctx := errgroup.WithContext(ctx)
	for range atOnce {
		jobs.Go(func() error {
			var file bytes.Buffer // one for all
			for m := range j.ready {
				if err := j.join(ctx, m, &file); err != nil {
					return fmt.Errorf("join the best points of %s: %w", m.model, err)
				}
			}
			return nil
		})
	}
	j.end = sync.OnceValue(func() error {
		close(j.ready)
		return jobs.Wait()
	})
	return j
}

// done takes the shard of that number. It does not wait.
func (j *joins) done(i int, r *receipt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	m := j.models[j.shards[i].Combo.Model]
	for _, f := range r.Files {
		if f.Table == schema.BestPoints.Name {
			m.parts = append(m.parts, joinPart{&j.shards[i], f.Name})
		}
	}
	if m.left--; m.left == 0 && len(m.parts) > 0 {
		j.ready <- m
	}
}

// join writes the file of a model, with memory for one file of a shard. Row groups stay those of the shards, in order of
// system, backend and version; their statistics tell readers which to skip.
func (j *joins) join(ctx context.Context, m *join, file *bytes.Buffer) error {
	slices.SortFunc(m.parts, func(a, b joinPart) int {
		x, y := a.shard.Combo, b.shard.Combo
		return cmp.Or(cmp.Compare(x.System, y.System), cmp.Compare(x.Backend, y.Backend), cmp.Compare(x.Version, y.Version),
			cmp.Compare(a.shard.Slice, b.shard.Slice), cmp.Compare(a.shard.Index, b.shard.Index))
	})
	out, err := j.dir.Create(path.Join(j.root, m.name()))
	if err != nil {
		return err
	}
	m.file = out
	w := sinks.NewFastParquetWriter() // row groups come compressed, or not
	if err := w.Reset(out, schema.BestPoints, nil); err != nil {
		return err
	}
	for _, part := range m.parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		file.Reset()
		if err := sinks.ReadFileTo(file, j.dir, part.file); err != nil {
			return err
		}
		if err := w.Append(file.Bytes()); err != nil {
			return err
		}
	}
	if _, err = w.Close(); err != nil {
		return err
	}
	out.Flush()
	return nil
}

// name is where the file is, below the run's tables.
func (m *join) name() string { return path.Join(schema.BestPoints.Name, slug(m.model)+".parquet") }

// commit makes the files visible when all shards are done, and lists them.
func (j *joins) commit(visible func(f runFile)) error {
	if err := j.end(); err != nil {
		return err
	}
	var jobs errgroup.Group
	for _, m := range j.models {
		if m.file == nil {
			continue
		}
		jobs.Go(func() error {
			if err := m.file.Commit(); err != nil {
				return err
			}
			visible(runFile{m.name(), m.file.Size(), m.file.XXH128()})
			return nil
		})
	}
	return jobs.Wait()
}

// abort removes what is not visible.
func (j *joins) abort() {
	j.stop()
	j.end()
	for _, m := range j.models {
		if m.file != nil {
			m.file.Abort()
		}
	}
}
