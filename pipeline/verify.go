package pipeline

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"servegrid/internal/schema"
	"servegrid/sinks"
)

// verify reads back every file of a run below the folder of its tables, and the best
// points of the shards, which were joined: they have the bytes that were written, and the
// rows of each table are as many as the manifest counts.
func verify(ctx context.Context, o Options, dir sinks.Store, root string, files []runFile, receipts []*receipt, want ManifestRows) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, o.Workers, dir.AtOnce()))
	found := rowCounts{byTable: map[string]int64{}}
	for _, f := range files {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			rows, err := readBack(dir, path.Join(root, f.Name), f.XXH128)
			if err != nil {
				return fmt.Errorf("tables/%s: %w", f.Name, err)
			}
			table, _, _ := strings.Cut(f.Name, "/")
			found.add(table, rows)
			return nil
		})
	}
	for _, r := range receipts {
		for _, f := range r.Files {
			if f.Table != schema.BestPoints.Name {
				continue // among the files of the run
			}
			group.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				if _, err := readBack(dir, f.Name, f.XXH128); err != nil {
					return fmt.Errorf("%s: %w", f.Name, err)
				}
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return found.compare(want)
}

// readBack compares a Parquet file with its sum, and counts its rows.
func readBack(dir sinks.Store, name, sum string) (rows int64, err error) {
	b, err := sinks.ReadFile(dir, name)
	if err != nil {
		return 0, err
	}
	if sinks.XXH128(b) != sum {
		return 0, fmt.Errorf("other bytes than were written: sweep again, and its shard is scored again")
	}
	return sinks.ParquetRows(b)
}

// rowCounts are the rows that were found, by table.
type rowCounts struct {
	mu      sync.Mutex
	byTable map[string]int64
}

func (c *rowCounts) add(table string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byTable[table] += n
}

func (c *rowCounts) compare(want ManifestRows) error {
	for table, n := range map[string]int64{
		schema.AggPoints.Name: want.AggPoints, schema.Workers.Name: want.Workers, schema.DisaggPoints.Name: want.DisaggPoints,
		schema.Coverage.Name: want.Coverage, schema.BestPoints.Name: want.BestPoints,
	} {
		if c.byTable[table] != n {
			return fmt.Errorf("the files of %s have %d rows, the manifest counts %d", table, c.byTable[table], n)
		}
	}
	return nil
}
