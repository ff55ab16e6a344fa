package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"golang.org/x/sync/errgroup"

	"servegrid/internal/schema"
	"servegrid/perftables"
	"servegrid/sinks"
)

// joinBestPoints joins the shards' best points into one file per model, so that a
// question about one model opens one file. Row groups stay those of the shards, in
// order of system, backend and version; their statistics tell readers which to skip.
func joinBestPoints(dir *sinks.Dir, workers int, root string, shards []shard, receipts []*receipt) error {
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
	var joining errgroup.Group
	joining.SetLimit(max(1, workers))
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
		joining.Go(func() error {
			if err := joinFiles(dir, path.Join(root, slug(model)+".parquet"), schema.BestPoints, names); err != nil {
				return fmt.Errorf("join the best points of %s: %w", model, err)
			}
			return nil
		})
	}
	return joining.Wait()
}

// joinFiles writes the row groups of files of one table into one file.
func joinFiles(dir *sinks.Dir, name string, t *schema.Table, files []string) error {
	out, err := dir.Create(name)
	if err != nil {
		return err
	}
	defer out.Abort()
	w := sinks.NewFastParquetWriter() // row groups come compressed, or not
	if err := w.Reset(out, t, nil); err != nil {
		return err
	}
	for _, f := range files {
		if err := appendFile(w, dir.Path(f)); err != nil {
			return err
		}
	}
	if _, err := w.Close(); err != nil {
		return err
	}
	return out.Commit()
}

func appendFile(w *sinks.ParquetWriter, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	return w.Append(in, info.Size())
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
func lasting(dir *sinks.Dir) error {
	missing := func(name string) (bool, error) {
		_, err := dir.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		return false, err
	}
	if no, err := missing(validationStart); err != nil {
		return err
	} else if no {
		if err := writeSmall(dir, sinks.NewParquetWriter(), validationStart, schema.NewRows(schema.Validation)); err != nil {
			return err
		}
	}
	no, err := missing(pricesFile)
	if err != nil || !no {
		return err
	}
	return dir.WriteFile(pricesFile, func(w io.Writer) error {
		if _, err := fmt.Fprintln(w, "system,usd_per_gpu_hour,note"); err != nil {
			return err
		}
		for _, s := range perftables.SystemNames() {
			if _, err := fmt.Fprintf(w, "%s,%s,%s\n", s, samplePrice, sampleNote); err != nil {
				return err
			}
		}
		return nil
	})
}
