package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"servegrid/internal/measure"
	"servegrid/sinks"
)

// recordable opens a warehouse on this machine to add measurements to it.
func recordable(warehouse string) (*sinks.Dir, error) {
	warehouse, err := localWarehouse(warehouse)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(warehouse, "tables")); err != nil {
		return nil, fmt.Errorf("%s is no warehouse: servegrid sweep makes one", warehouse)
	}
	return sinks.OpenDir(warehouse)
}

// record adds a comparison to the measurements of a warehouse. Only what was
// measured as it was predicted counts.
func record(warehouse, source string, c *measure.Comparison, stderr io.Writer) error {
	p, r := c.Prediction, c.Result
	if r.Concurrency != 0 && r.Concurrency != p.Concurrency {
		return fmt.Errorf("the result is of concurrency %d, the prediction of %d", r.Concurrency, p.Concurrency)
	}
	dir, err := recordable(warehouse)
	if err != nil {
		return err
	}
	var list []sinks.Measurement
	for i := range c.Rows {
		row := &c.Rows[i]
		if row.Actual == nil {
			continue
		}
		list = append(list, sinks.Measurement{
			Source: source, Mode: p.Mode, Model: p.Model, System: p.System, DecodeSystem: cmp.Or(p.DecodeSystem, p.System),
			Backend: p.Backend, Version: p.Version, Estimator: p.Estimator, Deployment: p.Deployment,
			ISL: p.ISL, OSL: p.OSL, Prefix: p.Prefix, GPUs: p.UsedGPUs, Concurrency: p.Concurrency,
			Metric: row.Column, Predicted: row.Predicted, Measured: row.Actual.Avg,
		})
	}
	name, err := sinks.RecordMeasurements(dir, time.Now(), list)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "recorded %d metrics in %s\n", len(list), filepath.Join(warehouse, name))
	return nil
}
