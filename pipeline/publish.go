package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	listRel     = "tables.json"
	tablesRel   = "tables"
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
func checkRun(dir sinks.Store, run string) error {
	if !usableRun(run) {
		return fmt.Errorf("run name %q: want letters, digits, dot, dash and underscore, at most 100 of them", run)
	}
	if _, err := dir.Stat(path.Join(runsDir, run, manifestRel)); err == nil {
		return &PublishedError{run, dir.Root(), true}
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

// PublishedError is returned when a run exists: it did before, or another process has
// published it meanwhile.
type PublishedError struct {
	Run, Root string
	Before    bool
}

func (e *PublishedError) Error() string {
	if e.Before {
		return fmt.Sprintf("run %q exists in %s: choose another name, or leave the name out", e.Run, e.Root)
	}
	return fmt.Sprintf("run %q exists in %s, published by another process meanwhile", e.Run, e.Root)
}

// publication is a run's folder that is being put together. A reader sees the previous
// run until the last step of publish.
type publication struct {
	o        Options
	final    string // the run's folder
	stage    sinks.Stage
	shards   []shard
	receipts []*receipt
	best     *joins
}

// prepublish begins the publication of a run of these shards; their receipts may come
// later, but are there when done is called. End it with drop.
//
// Best points are joined from then on where nobody sees them. In a bucket they would have
// to wait on this machine's disk until the run is claimed.
func prepublish(ctx context.Context, o Options, shards []shard, receipts []*receipt) (*publication, error) {
	p := &publication{o: o, final: path.Join(runsDir, o.Run), shards: shards, receipts: receipts}
	var err error
	if p.stage, err = o.Dir.Stage(p.final, manifestRel); err != nil {
		return nil, err
	}
	p.best = newJoins(p.stage.Store(), p.tables(), shards)
	if p.stage.Private() {
		p.best.start(ctx, o.waiting())
	}
	for i, r := range receipts {
		if r != nil {
			p.done(i)
		}
	}
	return p, nil
}

// tables is the folder of the run's tables until the run is published.
func (p *publication) tables() string { return path.Join(p.stage.Folder(), tablesRel) }

// done says that the shard of this number has its receipt.
func (p *publication) done(i int) { p.best.done(i, p.receipts[i]) }

// drop removes what is left when nothing was published.
func (p *publication) drop() {
	p.best.stop()
	p.stage.Drop()
}

// publish puts the run's folder together, when all shards are done, and makes it the
// latest one. Of several processes that publish one run at the same time one wins, the
// others get a [PublishedError].
func (p *publication) publish(ctx context.Context, scored int, started time.Time) (*Manifest, error) {
	o, stage := p.o, p.stage
	m := newManifest(o, p.shards, p.receipts, scored, started)
	dir, building := stage.Store(), stage.Folder()
	if err := claim(dir, path.Join(building, filesRel), p.receipts); err != nil {
		return nil, fmt.Errorf("publish run %s: %w", o.Run, err)
	}
	if !stage.Private() {
		p.best.start(ctx, o.waiting())
	}
	files, err := layOut(dir, o, p.tables(), p.shards, p.receipts, p.best)
	if err != nil {
		return nil, err
	}
	if o.Verify {
		if err := verify(ctx, o, dir, p.tables(), files, p.receipts, m.Rows); err != nil {
			return nil, fmt.Errorf("verify run %s, which is not published: %w", o.Run, err)
		}
	}
	if err := writeJSON(dir, path.Join(building, listRel), files); err != nil {
		return nil, err
	}
	if err := lasting(o.Dir); err != nil {
		return nil, err
	}
	m.FinishedAt = o.Now().UTC()
	b, err := encodeJSON(m)
	if err != nil {
		return nil, err
	}
	if err = sinks.PutNew(dir, path.Join(building, manifestRel), b); err == nil {
		err = stage.Publish()
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, &PublishedError{o.Run, o.Dir.Root(), false}
	}
	if err != nil {
		return nil, err
	}
	return m, o.Dir.Show(latestLink, path.Join(p.final, tablesRel))
}

// claim lists the shards of the run. In a bucket, where several processes may fill the
// run's folder at once, it keeps out those whose run has other shards; the others
// write the same files.
func claim(dir sinks.Store, name string, receipts []*receipt) error {
	b, err := encodeJSON(receipts)
	if err != nil {
		return err
	}
	if err = sinks.PutNew(dir, name, b); !errors.Is(err, fs.ErrExist) {
		return err
	}
	there, err := sinks.ReadFile(dir, name)
	if err == nil && !bytes.Equal(there, b) {
		err = errors.New("a run of that name with other shards is being published: choose another name, or remove that run's folder if nobody is at it any more")
	}
	return err
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
