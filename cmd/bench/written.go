package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"servegrid/estimator/search"
	"servegrid/jobs"
	"servegrid/perftables"
	"servegrid/pipeline"
	"servegrid/sinks"
)

// writtenRounds is how many sweeps are timed; the median counts. A disk is not as fast
// from one second to the next.
const writtenRounds = 3

// measureWritten times whole sweeps of aggregated candidates in this process, from
// tables to a published run, every scored row written with all columns.
func measureWritten(c *config, r *results) error {
	spec, err := readSpec("dense")
	if err != nil {
		return err
	}
	var m *pipeline.Manifest
	took, err := median(writtenRounds, func(i int) (stretch, error) {
		return timed(func() (err error) {
			m, err = c.sweep(spec, filepath.Join(c.scratch, fmt.Sprint("written-", i)))
			return err
		})
	})
	if err != nil {
		return err
	}
	r.rate("agg_points_written", m.Rows.AggPoints, took, "rows")
	r.lower("bytes_per_row", float64(m.Bytes)/float64(m.Rows.AggPoints), "bytes", "all tables of the run over the rows of agg_points")
	return nil
}

// sweep runs a sweep into a new warehouse.
func (c *config) sweep(spec *jobs.Spec, root string) (*pipeline.Manifest, error) {
	dir, err := sinks.OpenDir(root)
	if err != nil {
		return nil, err
	}
	return pipeline.Run(context.Background(), pipeline.Options{
		Spec: spec, Catalog: search.NewCatalog(packedTables()), Dir: dir, Run: "bench",
		Workers: c.workers, Events: quiet{}, Now: time.Now,
	})
}

// packedTables are the embedded tables, of which nothing was decoded yet.
func packedTables() *perftables.Set { return perftables.Layers(perftables.Embedded().Layers()...) }

type quiet struct{}

func (quiet) Damaged(string)               {}
func (quiet) Started(int, int)             {}
func (quiet) ShardDone(pipeline.ShardDone) {}
