package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/sinks"
)

// recordedAt is when the measurements that come with the program were published: the
// last of InferenceX's dumps. Recording them again replaces them.
var recordedAt = time.Date(2026, 4, 27, 0, 0, 0, 0, time.UTC)

// record adds every judged measurement, with what both estimators say of it, to the
// table validation of a warehouse. A model goes by the id that was swept into it, where
// one of its architecture was.
func (v *validation) record(ctx context.Context, warehouse string, at time.Time, all bool, stderr io.Writer) error {
	dir, err := recordable(warehouse)
	if err != nil {
		return err
	}
	swept, err := sweptModels(ctx, dir.Root())
	if err != nil {
		return err
	}
	var list []sinks.Measurement
	for i, c := range v.cases {
		if c.Suspect != "" && !all {
			continue
		}
		row := measuredRow(c)
		row.Model = cmp.Or(swept[c.Architecture], row.Model)
		for _, e := range v.estimators()[:2] {
			a := e.of(i)
			for _, m := range []struct {
				metric              string
				predicted, measured float64
			}{{"ttft_ms", a.TTFT, c.TTFT}, {"tpot_ms", a.TPOT, c.TPOT}} {
				if !math.IsNaN(m.predicted) {
					row.Estimator, row.Metric, row.Predicted, row.Measured = e.name, m.metric, estimator.Round3(m.predicted), m.measured
					list = append(list, row)
				}
			}
		}
	}
	name, err := sinks.RecordMeasurements(dir, at, list)
	if err != nil {
		return err
	}
	if at.Equal(recordedAt) {
		if err := removeOthers(dir.Path(name)); err != nil {
			return err
		}
	}
	fmt.Fprintf(stderr, "recorded %d metrics in %s\n", len(list), filepath.Join(warehouse, name))
	return nil
}

// removeOthers removes what was recorded at the same time as a file: the program's
// measurements with what another version of it, or another split, said of them.
func removeOthers(path string) error {
	dir, name := filepath.Split(path)
	prefix, _, _ := strings.Cut(name, "-")
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Name() != name && strings.HasPrefix(f.Name(), prefix+"-") {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// measuredRow is what a case's rows of the table have in common.
func measuredRow(c *calibrate.Case) sinks.Measurement {
	system := c.GPUSystem()
	return sinks.Measurement{
		Source: c.ID, Mode: c.Mode, Model: c.Model, System: system, DecodeSystem: system, Backend: c.Backend, Version: c.Version,
		Deployment: caseDeployment(c), ISL: c.ISL, OSL: c.OSL, Prefix: c.Prefix, GPUs: c.GPUs(), Concurrency: c.Load.Concurrency,
	}
}

// caseDeployment words what ran.
func caseDeployment(c *calibrate.Case) string {
	moe := c.Plan.Model.IsMoE()
	if !c.Disaggregated() {
		return "1 x " + c.Plan.Layout.Short(moe)
	}
	m := c.Measurement
	return fmt.Sprintf("%d x prefill %s + %d x decode %s", m.Prefill.Workers, c.PrefillPlan.Layout.Short(moe), m.Decode.Workers, c.Plan.Layout.Short(moe))
}
