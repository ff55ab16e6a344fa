package main

import (
	"context"
	"os"
	"time"

	"servegrid/estimator/search"
	"servegrid/jobs"
	"servegrid/perftables"
	"servegrid/pipeline"
	"servegrid/sinks"
)

// measureWritten times a whole sweep of aggregated candidates in this process,
// from tables to a published run, every scored row written with all columns.
func measureWritten(c *config, r *results) error {
	spec, err := readSpec("dense")
	if err != nil {
		return err
	}
	root, err := os.MkdirTemp("", "servegrid-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	var m *pipeline.Manifest
	took, err := timed(func() (err error) {
		m, err = c.sweep(spec, root)
		return err
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
		Spec: spec, Catalog: search.NewCatalog(perftables.Embedded()), Dir: dir, Run: "bench",
		Workers: c.workers, Events: quiet{}, Now: time.Now,
	})
}

type quiet struct{}

func (quiet) Damaged(string)               {}
func (quiet) Started(int, int)             {}
func (quiet) ShardDone(pipeline.ShardDone) {}
