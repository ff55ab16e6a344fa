package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"servegrid/estimator"
	"servegrid/internal/schema"
	"servegrid/sinks"
)

const (
	runsDir     = "runs"
	latestLink  = "tables" // → runs/<run>/tables
	manifestRel = "manifest.json"
	filesRel    = "files.json"
)

// shownKey is how much of a shard's key is in the names of a run's files.
const shownKey = 12

// usableRun reports whether a run can be named so: letters, digits, dot, dash and
// underscore, beginning with one of the first two. (A pattern for that would take
// a third of a millisecond to compile at every start of the program.)
func usableRun(run string) bool {
	alphanumeric := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' }
	return run != "" && len(run) <= 100 && alphanumeric(rune(run[0])) &&
		!strings.ContainsFunc(run, func(r rune) bool { return !alphanumeric(r) && !strings.ContainsRune("._-", r) })
}

// checkRun reports a run name that cannot be used.
func checkRun(dir *sinks.Dir, run string) error {
	if !usableRun(run) {
		return fmt.Errorf("run name %q: want letters, digits, dot, dash and underscore, at most 100 of them", run)
	}
	if _, err := dir.Stat(path.Join(runsDir, run)); err == nil {
		return fmt.Errorf("run %q exists in %s: choose another name, or leave the name out", run, dir.Root())
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// newManifest counts the shards of a run.
func newManifest(o Options, shards []shard, receipts []*receipt, scored int, started time.Time) *Manifest {
	m := &Manifest{
		Run: o.Run, Name: o.Spec.Name, Status: "finished", StartedAt: started.UTC(),
		Estimator: o.Spec.Estimator, Search: o.Spec.Search, Revision: estimator.Revision, SchemaVersion: schema.Version,
		ToolVersion: o.ToolVersion, Shards: len(shards), ScoredShards: scored, Spec: string(o.Spec.YAML()),
	}
	var counts Counts
	for i := range shards {
		counts.add(receipts[i].Counts)
		m.addTables(&shards[i])
	}
	m.Candidates = ManifestCandidates{counts.AggPoints, counts.PrefillWorkers, counts.DecodeWorkers, counts.DisaggPairs}
	m.Rows = ManifestRows{
		counts.Rows[schema.AggPoints.Name], counts.Rows[schema.Workers.Name],
		counts.Rows[schema.DisaggPoints.Name], counts.Rows[schema.Coverage.Name], counts.Rows[schema.BestPoints.Name],
	}
	m.Bytes = counts.Bytes
	return m
}

// publish puts the run's folder together under a temporary name, renames it, and
// makes it the latest one. A reader sees the previous run until the last step.
func publish(o Options, shards []shard, receipts []*receipt, scored int, started time.Time) (*Manifest, error) {
	m := newManifest(o, shards, receipts, scored, started)
	// Beside the runs, where no reader looks.
	building := sinks.TempName(o.Run)
	defer os.RemoveAll(o.Dir.Path(building)) // nothing is left there when all went well
	dir, sync := o.Dir.Batch()
	if err := layOut(dir, o, path.Join(building, "tables"), shards, receipts); err != nil {
		return nil, err
	}
	if err := writeJSON(dir, path.Join(building, filesRel), receipts); err != nil {
		return nil, err
	}
	m.FinishedAt = o.Now().UTC()
	if err := writeJSON(dir, path.Join(building, manifestRel), m); err != nil {
		return nil, err
	}
	if err := sync(); err != nil {
		return nil, err
	}
	if err := lasting(o.Dir); err != nil {
		return nil, err
	}
	final := path.Join(runsDir, o.Run)
	if err := o.Dir.Rename(building, final); err != nil {
		return nil, err
	}
	return m, setLatest(o.Dir, path.Join(final, "tables"))
}

// addTables lists the kernel tables of a shard once.
func (m *Manifest) addTables(s *shard) {
	if s.combo.DB == nil {
		return
	}
	c := s.Combo
	for _, t := range m.Tables {
		if t.System == c.System && t.Backend == c.Backend && t.Version == c.Version {
			return
		}
	}
	m.Tables = append(m.Tables, ManifestTables{c.System, c.Backend, c.Version, s.combo.DB.Digests()})
}

// layOut links the shards' files where readers look for them, and writes the
// small tables of the run. Every table has at least one file.
func layOut(dir *sinks.Dir, o Options, root string, shards []shard, receipts []*receipt) error {
	present := map[string]bool{}
	folders := map[[2]string]bool{} // table and model
	for i := range shards {
		c := shards[i].Combo
		for _, f := range receipts[i].Files {
			present[f.Table] = true
			if f.Table == schema.BestPoints.Name {
				continue // joined below
			}
			folders[[2]string{f.Table, c.Model}] = true
			base := fmt.Sprintf("%s_%s.parquet", slug(orNone(c.Version)), shards[i].key[:shownKey])
			name := path.Join(root, f.Table, slug(c.System), slug(c.Backend), slug(c.Model), base)
			if err := dir.Link(f.Name, name); err != nil {
				return err
			}
		}
	}
	if err := joinBestPoints(dir, o.Workers, path.Join(root, schema.BestPoints.Name), shards, receipts); err != nil {
		return err
	}
	w := sinks.NewParquetWriter()
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
	for _, rows := range small {
		if err := writeSmall(dir, w, path.Join(root, rows.Table.Name, "part.parquet"), rows); err != nil {
			return err
		}
	}
	// The views look for a model in its folders: each model has one, if an empty one.
	for i := range shards {
		c := shards[i].Combo
		for _, t := range []*schema.Table{schema.AggPoints, schema.DisaggPoints} {
			if at := [2]string{t.Name, c.Model}; !folders[at] {
				folders[at] = true
				name := path.Join(root, t.Name, slug(c.System), slug(c.Backend), slug(c.Model), "empty.parquet")
				if err := writeSmall(dir, w, name, schema.NewRows(t)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func writeSmall(dir *sinks.Dir, w *sinks.ParquetWriter, name string, rows *schema.Rows) error {
	f, err := dir.Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := w.Reset(f, rows.Table, nil); err != nil {
		return err
	}
	if rows.N > 0 {
		if err := w.Write(rows); err != nil {
			return err
		}
	}
	if _, err := w.Close(); err != nil {
		return err
	}
	return f.Commit()
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

// setLatest points the link that readers follow at a run's tables, in one step.
func setLatest(dir *sinks.Dir, target string) error {
	if info, err := os.Lstat(dir.Path(latestLink)); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("%s is not a link that a sweep made: move it away", dir.Path(latestLink))
	}
	temp := sinks.TempName(latestLink)
	if err := os.Symlink(target, dir.Path(temp)); err != nil {
		return err
	}
	defer os.Remove(dir.Path(temp)) // gone when it was renamed
	return dir.Rename(temp, latestLink)
}
