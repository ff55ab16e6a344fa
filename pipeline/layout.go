package pipeline

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"servegrid/internal/schema"
	"servegrid/sinks"
)

// runFile is a file of a run's tables, as tables.json lists it.
type runFile struct {
	Name   string `json:"name"` // below the run's tables
	Bytes  int64  `json:"bytes"`
	XXH128 string `json:"xxh128"`
}

// layout puts the files of a run where readers look for them.
type layout struct {
	dir  sinks.Store
	root string
	jobs errgroup.Group

	mu    sync.Mutex
	files []runFile
}

// layOut links the shards' files where readers look for them, adds their best points,
// joined, and writes the small tables of the run. Every table has at least one file. It
// returns all files in order of their names.
func layOut(dir sinks.Store, o Options, root string, shards []shard, receipts []*receipt, best *joins) ([]runFile, error) {
	l := &layout{dir: dir, root: root}
	l.jobs.SetLimit(o.waiting())
	present := map[string]bool{}
	folders := map[[2]string]bool{} // table and model
	for i := range shards {
		c := shards[i].Combo
		for _, f := range receipts[i].Files {
			present[f.Table] = true
			if f.Table == schema.BestPoints.Name {
				continue // joined
			}
			folders[[2]string{f.Table, c.Model}] = true
			base := fmt.Sprintf("%s_%s.parquet", slug(orNone(c.Version)), shards[i].key[:shownKey])
			l.link(f, path.Join(f.Table, slug(c.System), slug(c.Backend), slug(c.Model), base))
		}
	}
	for _, rows := range smallTables(o, present) {
		l.write(path.Join(rows.Table.Name, "part.parquet"), rows)
	}
	// The views look for a model in its folders: each model has one, if an empty one.
	for i := range shards {
		c := shards[i].Combo
		for _, t := range []*schema.Table{schema.AggPoints, schema.DisaggPoints} {
			if at := [2]string{t.Name, c.Model}; !folders[at] {
				folders[at] = true
				l.write(path.Join(t.Name, slug(c.System), slug(c.Backend), slug(c.Model), "empty.parquet"), schema.NewRows(t))
			}
		}
	}
	joined, err := best.wait()
	if e := l.jobs.Wait(); err == nil {
		err = e
	}
	l.files = append(l.files, joined...)
	slices.SortFunc(l.files, func(a, b runFile) int { return strings.Compare(a.Name, b.Name) })
	return l.files, err
}

// smallTables are the budgets and limits of the run, and the tables that no shard
// has rows of.
func smallTables(o Options, present map[string]bool) []*schema.Rows {
	budgets := schema.NewRows(schema.GPUBudgets)
	budgets.N = len(o.Spec.GPUs)
	for _, g := range o.Spec.GPUs {
		budgets.Cols[0].Int = append(budgets.Cols[0].Int, int32(g))
	}
	slas := schema.NewRows(schema.SLATargets)
	for _, ttft := range o.Spec.TTFT {
		for _, tpot := range o.Spec.TPOT {
			slas.N++
			slas.Cols[0].Float = append(slas.Cols[0].Float, ttft)
			slas.Cols[1].Float = append(slas.Cols[1].Float, tpot)
		}
	}
	small := []*schema.Rows{budgets, slas}
	for _, t := range schema.Tables() {
		if !present[t.Name] && t != schema.GPUBudgets && t != schema.SLATargets && t != schema.Validation {
			small = append(small, schema.NewRows(t))
		}
	}
	return small
}

// link puts a shard's file at a name below the root.
func (l *layout) link(f shardFile, name string) {
	l.jobs.Go(func() error {
		if err := l.dir.Link(f.Name, path.Join(l.root, name)); err != nil {
			return err
		}
		l.done(runFile{name, f.Bytes, f.XXH128})
		return nil
	})
}

// write writes a file of its own.
func (l *layout) write(name string, rows *schema.Rows) {
	l.jobs.Go(func() error {
		f, err := writeSmall(l.dir, path.Join(l.root, name), rows)
		if err != nil {
			return err
		}
		l.done(runFile{name, f.Size(), f.XXH128()})
		return nil
	})
}

func (l *layout) done(f runFile) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files = append(l.files, f)
}

// writeSmall writes a table of a few rows; the file that it returns is finished.
func writeSmall(dir sinks.Store, name string, rows *schema.Rows) (*sinks.File, error) {
	f, err := dir.Create(name)
	if err != nil {
		return nil, err
	}
	defer f.Abort()
	w := sinks.NewParquetWriter()
	if err := w.Reset(f, rows.Table, nil); err != nil {
		return nil, err
	}
	if rows.N > 0 {
		if err := w.Write(rows); err != nil {
			return nil, err
		}
	}
	if _, err := w.Close(); err != nil {
		return nil, err
	}
	return f, f.Commit()
}

func orNone(version string) string {
	if version == "" {
		return "none"
	}
	return version
}

// slug makes a name fit for one path element: Qwen--Qwen3-32B-FP8.
func slug(name string) string {
	name = strings.ReplaceAll(name, "/", "--")
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-+", r):
			return r
		}
		return '_'
	}, name)
}
