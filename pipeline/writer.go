package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"servegrid/estimator"
	"servegrid/internal/schema"
	"servegrid/jobs"
	"servegrid/sinks"
)

// shardTables are the tables that shards write rows of.
var shardTables = []*schema.Table{schema.AggPoints, schema.Workers, schema.DisaggPoints, schema.Coverage, schema.BestPoints}

// shardWriter scores shards and writes their files. It belongs to one worker.
type shardWriter struct {
	dir    sinks.Store
	scorer *scorer
	best   *BestPoints
	tables []*tableFile
}

// tableFile is the file of one table that a shard is writing.
type tableFile struct {
	table  *schema.Table
	writer *sinks.ParquetWriter
	file   *sinks.File // nil: the shard has no rows of this table yet
	now    workloadKey // of the last rows
}

// cutRows is from how many rows on another workload starts another row group of the
// big tables: a question about one workload then reads a few thousand rows of a shard.
// Every row group has its price, read or not, so best_points, whose files hold all
// shards of a model, has one per shard.
const cutRows = 8192

type workloadKey struct{ isl, osl, prefix int32 }

// workloadOf is the workload of a block that has one.
func workloadOf(rows *schema.Rows) workloadKey {
	return workloadKey{rows.Col("isl").IntAt(0), rows.Col("osl").IntAt(0), rows.Col("prefix").IntAt(0)}
}

func newShardWriter(spec *jobs.Spec, dir sinks.Store, compiled *plans) *shardWriter {
	w := &shardWriter{dir: dir, scorer: newScorer(spec, compiled), best: NewBestPoints(spec.GPUs)}
	for _, t := range shardTables {
		w.tables = append(w.tables, &tableFile{table: t, writer: writerFor(t, spec.Keep)})
	}
	return w
}

// writerFor returns the writer of a table's rows. Where all points are kept,
// writing is most of the work; where few are, they are stored for long.
func writerFor(t *schema.Table, keep string) *sinks.ParquetWriter {
	if keep == jobs.KeepAll {
		return sinks.NewFastParquetWriter()
	}
	return sinks.NewParquetWriter()
}

// writtenShard is a shard whose files are written, but not yet under their names.
type writtenShard struct {
	index   int
	begin   time.Time
	receipt receipt
	files   []*sinks.File
	sync    func() error // of the folders
}

// write scores one shard and writes its files. When it fails nothing is left.
func (w *shardWriter) write(ctx context.Context, s *shard) (out *writtenShard, err error) {
	out = &writtenShard{receipt: receipt{Key: s.key}}
	defer func() {
		for _, t := range w.tables {
			t.file = nil
		}
		if err != nil {
			out.abort()
			out = nil
		}
	}()
	dir, sync := w.dir.Group()
	out.sync = sync
	meta := s.metadata()
	put := func(rows *schema.Rows) error {
		for _, t := range w.tables {
			if t.table != rows.Table {
				continue
			}
			if t.file == nil {
				if err := t.open(dir, shardName(t.table.Name, s.key), meta); err != nil {
					return err
				}
				out.files = append(out.files, t.file)
			}
			return t.write(rows)
		}
		return errors.New("rows of an unknown table")
	}
	w.scorer.write = func(rows *schema.Rows) error {
		w.best.Add(rows)
		return put(rows)
	}
	w.scorer.workloadDone = func() error { return w.best.Finish(put) }
	counts, err := w.scorer.score(ctx, s)
	if err != nil {
		w.best.Reset()
		return out, err
	}
	out.receipt.Counts = counts
	out.receipt.Counts.Rows = map[string]int64{}
	for _, t := range w.tables {
		if t.file == nil {
			continue
		}
		rows, err := t.writer.Close()
		if err != nil {
			return out, err
		}
		t.file.Flush()
		out.receipt.Files = append(out.receipt.Files, shardFile{Table: t.table.Name, Name: t.file.Name(), Rows: rows, Bytes: t.file.Size(), XXH128: t.file.XXH128()})
		out.receipt.Counts.Rows[t.table.Name] = rows
		out.receipt.Counts.Bytes += t.file.Size()
	}
	return out, nil
}

func (t *tableFile) open(dir sinks.Store, name string, meta map[string]string) error {
	f, err := dir.Create(name)
	if err != nil {
		return err
	}
	if t.table == schema.BestPoints {
		f.KeepCached() // until the run joins them
	}
	t.file = f
	return t.writer.Reset(f, t.table, meta)
}

func (t *tableFile) write(rows *schema.Rows) error {
	if rows.Table != schema.Coverage && rows.Table != schema.BestPoints {
		if at := workloadOf(rows); at != t.now {
			if err := t.writer.Cut(cutRows); err != nil {
				return err
			}
			t.now = at
		}
	}
	return t.writer.Write(rows)
}

// abort removes the files. It may be called on nil.
func (s *writtenShard) abort() {
	if s == nil {
		return
	}
	for _, f := range s.files {
		f.Abort()
	}
}

// commit makes the shard durable: its files first, then the receipt that says so.
func (s *writtenShard) commit(dir sinks.Store) (*receipt, error) {
	defer s.abort()
	for _, f := range s.files {
		if err := f.Commit(); err != nil {
			return nil, err
		}
	}
	if err := s.sync(); err != nil {
		return nil, err
	}
	return &s.receipt, writeJSON(dir, receiptName(s.receipt.Key), &s.receipt)
}

// relink puts a shard that was damaged right in the runs that hold it.
func relink(dir sinks.Store, r *receipt) error {
	runs, err := dir.Folders(runsDir)
	if err != nil {
		return err
	}
	for _, run := range runs {
		for _, f := range r.Files {
			// The layout of layOut, with any combination.
			files, err := dir.List(path.Join(runsDir, run, tablesRel, f.Table))
			if err != nil {
				return err
			}
			for _, file := range files {
				if !strings.HasSuffix(file.Name, "_"+r.Key[:shownKey]+".parquet") {
					continue
				}
				if err := dir.Link(f.Name, file.Name); err != nil {
					return err
				}
			}
		}
	}
	return nil
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
