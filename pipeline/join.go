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

// joins make the files of best points of a run: those of the shards joined into one per
// model, so that a question about one model opens one file. A model is joined as soon
// as its shards are done, while those of the next are scored.
type joins struct {
	dir    sinks.Store
	root   string // of the run's tables
	shards []shard
	ready  chan *join   // those whose shards are done
	cancel func()       // ends the work early; nil: it was never started
	end    func() error // waits until all that is ready is joined; no shard may be done later

	mu     sync.Mutex // guards what follows
	models map[string]*join
	files  []runFile // that are finished
}

// join is the file of one model.
type join struct {
	model string
	left  int // shards that are not done
	parts []joinPart
}

// joinPart is what a shard adds.
type joinPart struct {
	shard *shard
	file  string
}

func newJoins(dir sinks.Store, root string, shards []shard) *joins {
	j := &joins{dir: dir, root: root, shards: shards, models: map[string]*join{}}
	for i := range shards {
		model := shards[i].Combo.Model
		if j.models[model] == nil {
			j.models[model] = &join{model: model}
		}
		j.models[model].left++
	}
	j.ready = make(chan *join, len(j.models))
	return j
}

// start begins to join what is ready. End it with stop, which does nothing after wait.
func (j *joins) start(ctx context.Context, atOnce int) {
	ctx, j.cancel = context.WithCancel(ctx)
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
}

// done takes the shard of that number. It never waits.
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

// wait returns the files when all shards are done and joined.
func (j *joins) wait() ([]runFile, error) {
	err := j.end()
	return j.files, err
}

// stop ends what is still being joined.
func (j *joins) stop() {
	if j.cancel != nil {
		j.cancel()
		j.end()
	}
}

// join writes the file of a model, with memory for one file of a shard. Row groups stay
// those of the shards, in order of system, backend and version; their statistics tell
// readers which to skip.
func (j *joins) join(ctx context.Context, m *join, file *bytes.Buffer) error {
	slices.SortFunc(m.parts, func(a, b joinPart) int {
		x, y := a.shard.Combo, b.shard.Combo
		return cmp.Or(cmp.Compare(x.System, y.System), cmp.Compare(x.Backend, y.Backend), cmp.Compare(x.Version, y.Version),
			cmp.Compare(a.shard.Slice, b.shard.Slice), cmp.Compare(a.shard.Index, b.shard.Index))
	})
	name := path.Join(schema.BestPoints.Name, slug(m.model)+".parquet")
	out, err := j.dir.Create(path.Join(j.root, name))
	if err != nil {
		return err
	}
	defer out.Abort()
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
	if _, err := w.Close(); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.files = append(j.files, runFile{name, out.Size(), out.XXH128()})
	return nil
}
