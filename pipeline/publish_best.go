package pipeline

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"servegrid/internal/schema"
	"servegrid/perftables"
	"servegrid/sinks"
)

// joinBestPoints joins the shards' best points into one file per model, so that a
// question about one model opens one file. Row groups stay those of the shards, in
// order of system, backend and version; their statistics tell readers which to skip.
func (l *layout) joinBestPoints(shards []shard, receipts []*receipt) {
	type part struct {
		shard *shard
		file  string
	}
	models := map[string][]part{}
	for i := range shards {
		for _, f := range receipts[i].Files {
			if f.Table == schema.BestPoints.Name {
				models[shards[i].Combo.Model] = append(models[shards[i].Combo.Model], part{&shards[i], f.Name})
			}
		}
	}
	for model, parts := range models {
		slices.SortStableFunc(parts, func(a, b part) int {
			x, y := a.shard.Combo, b.shard.Combo
			return cmp.Or(cmp.Compare(x.System, y.System), cmp.Compare(x.Backend, y.Backend), cmp.Compare(x.Version, y.Version),
				cmp.Compare(a.shard.Slice, b.shard.Slice))
		})
		var names []string
		for _, p := range parts {
			names = append(names, p.file)
		}
		l.jobs.Go(func() error {
			name := path.Join(schema.BestPoints.Name, slug(model)+".parquet")
			f, err := joinFiles(l.dir, path.Join(l.root, name), schema.BestPoints, names)
			if err != nil {
				return fmt.Errorf("join the best points of %s: %w", model, err)
			}
			l.done(runFile{name, f.Size(), f.XXH128()})
			return nil
		})
	}
}

// joinFiles writes the row groups of files of one table into one file, and returns it
// finished.
func joinFiles(dir sinks.Store, name string, t *schema.Table, files []string) (*sinks.File, error) {
	out, err := dir.Create(name)
	if err != nil {
		return nil, err
	}
	defer out.Abort()
	w := sinks.NewFastParquetWriter() // row groups come compressed, or not
	if err := w.Reset(out, t, nil); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, f := range files {
		b.Reset()
		if err := sinks.ReadFileTo(&b, dir, f); err != nil {
			return nil, err
		}
		if err := w.Append(b.Bytes()); err != nil {
			return nil, err
		}
	}
	if _, err := w.Close(); err != nil {
		return nil, err
	}
	return out, out.Commit()
}

// Files of the warehouse itself, which outlive its runs.
const (
	validationStart = "validation/empty.parquet" // so that the documented glob always finds a file
	pricesFile      = "prices.csv"
)

// samplePrice is plainly no market price: the same for every system.
const (
	samplePrice = "10.00"
	sampleNote  = "INVENTED SAMPLE: put your own price here"
)

// lasting makes what is missing of the files that belong to people: measurements
// and prices. What is there is never touched.
func lasting(dir sinks.Store) error {
	for name, fill := range map[string]func() ([]byte, error){validationStart: emptyValidation, pricesFile: samplePrices} {
		if _, err := dir.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return err
			}
			continue
		}
		b, err := fill()
		if err != nil {
			return err
		}
		if err := sinks.PutNew(dir, name, b); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func emptyValidation() ([]byte, error) {
	var b bytes.Buffer
	w := sinks.NewParquetWriter()
	if err := w.Reset(&b, schema.Validation, nil); err != nil {
		return nil, err
	}
	_, err := w.Close()
	return b.Bytes(), err
}

func samplePrices() ([]byte, error) {
	b := []byte("system,usd_per_gpu_hour,note\n")
	for _, s := range perftables.SystemNames() {
		b = fmt.Appendf(b, "%s,%s,%s\n", s, samplePrice, sampleNote)
	}
	return b, nil
}
