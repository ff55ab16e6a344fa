//go:build cgo

package main

import (
	"context"
	"fmt"
	"os"

	"servegrid/pipeline"
	"servegrid/queries"
	"servegrid/sinks"
	"servegrid/sinks/changes"
)

// compare reports what changed in a run since the previous one, if there is one.
func (o *jobOptions) compare(ctx context.Context, dir sinks.Store, previous string, m *pipeline.Manifest) (*changes.Report, error) {
	r := &changes.Report{
		Sweep: m.Name, Run: m.Run, FinishedAt: m.FinishedAt, Shards: m.Shards, ScoredShards: m.ScoredShards, Threshold: o.threshold,
		Notes: []string{}, Tables: []changes.Table{}, Served: []changes.Served{}, Frontiers: []changes.Frontier{}, Coverage: []changes.Coverage{},
	}
	if previous == "" {
		return r, nil
	}
	before, err := pipeline.ReadManifest(dir, previous)
	if err != nil {
		return nil, err
	}
	if before.SchemaVersion != m.SchemaVersion {
		r.Notes = append(r.Notes, fmt.Sprintf("run %s has tables of schema version %d, this one of %d: they cannot be compared", previous, before.SchemaVersion, m.SchemaVersion))
		return r, nil
	}
	db, done, err := openRuns(ctx, dir, previous, m.Run)
	if err != nil {
		return nil, err
	}
	defer done()
	return r, fillChanges(ctx, db, r, before, m, previous, m.Run)
}

// openRuns opens two runs for questions. Those of a bucket are brought to this machine
// first; what both hold comes once.
func openRuns(ctx context.Context, dir sinks.Store, a, b string) (db *queries.DB, done func(), err error) {
	if local, ok := dir.(*sinks.Dir); ok {
		if db, err = queries.Open(ctx, local.Root()); err != nil {
			return nil, nil, err
		}
		return db, func() { db.Close() }, nil
	}
	temp, err := os.MkdirTemp("", "servegrid-runs-")
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(temp)
		}
	}()
	to, err := sinks.OpenDir(temp)
	if err != nil {
		return nil, nil, err
	}
	for _, run := range []string{a, b} {
		if _, err = pipeline.Pull(ctx, dir, to, run, func(pipeline.Pulled) {}); err != nil {
			return nil, nil, fmt.Errorf("bring run %s here: %w", run, err)
		}
	}
	if db, err = queries.Open(ctx, temp); err != nil {
		return nil, nil, err
	}
	return db, func() { db.Close(); os.RemoveAll(temp) }, nil
}

// fillChanges compares two runs by name, or by the paths of their folders.
func fillChanges(ctx context.Context, db *queries.DB, r *changes.Report, before, after *pipeline.Manifest, a, b string) error {
	r.Previous, r.PreviousAt = before.Run, before.FinishedAt
	r.Tables = append(r.Tables, tableChanges(before, after)...)
	if err := addNotes(ctx, db, r, before, after, a, b); err != nil {
		return err
	}
	served, err := db.ServedChanges(ctx, a, b)
	if err != nil {
		return err
	}
	for _, row := range pickColumns(served, "what", "name", "new") {
		r.Served = append(r.Served, changes.Served{Change: oneSided(row[2].(bool)), What: row[0].(string), Name: row[1].(string)})
	}
	coverage, err := db.CoverageChanges(ctx, a, b)
	if err != nil {
		return err
	}
	r.Coverage = append(r.Coverage, coverageChanges(coverage)...)
	shifts, err := db.FrontierShifts(ctx, a, b)
	if err != nil {
		return err
	}
	r.Compare(frontierShifts(shifts))
	return nil
}

func oneSided(latter bool) string {
	if latter {
		return "new"
	}
	return "lost"
}

// addNotes says what else the runs differ in: programs, formulas, and what was asked.
func addNotes(ctx context.Context, db *queries.DB, r *changes.Report, before, after *pipeline.Manifest, a, b string) error {
	if before.ToolVersion != after.ToolVersion {
		r.Notes = append(r.Notes, fmt.Sprintf("made by servegrid %s, the previous one by %s", after.ToolVersion, before.ToolVersion))
	}
	if before.Revision != after.Revision {
		r.Notes = append(r.Notes, fmt.Sprintf("formulas of revision %d, in the previous run of %d", after.Revision, before.Revision))
	}
	asked, err := db.AskedChanges(ctx, a, b)
	if err != nil {
		return err
	}
	for _, row := range pickColumns(asked, "what", "name", "new") {
		when := "no longer asked for, and not compared"
		if row[2].(bool) {
			when = "asked for the first time, and not compared"
		}
		r.Notes = append(r.Notes, fmt.Sprintf("%s %s: %s", row[0], row[1], when))
	}
	return nil
}

func tableChanges(before, after *pipeline.Manifest) []changes.Table {
	var all []changes.Table
	for _, t := range pipeline.TableChanges(before, after) {
		change := "altered"
		if t.DigestA == "" || t.DigestB == "" {
			change = oneSided(t.DigestA == "")
		}
		all = append(all, changes.Table{Change: change, System: t.System, Backend: t.Backend, Version: t.Version, Kind: t.Kind, DigestA: t.DigestA, DigestB: t.DigestB})
	}
	return all
}

func coverageChanges(r *queries.Result) []changes.Coverage {
	var all []changes.Coverage
	for _, v := range pickColumns(r, "change", "model", "system", "backend", "version", "mode", "status_a", "status_b", "reason", "n_lost", "n_new") {
		all = append(all, changes.Coverage{
			Change: cellText(v[0]), Model: cellText(v[1]), System: cellText(v[2]), Backend: cellText(v[3]), Version: cellText(v[4]), Mode: cellText(v[5]),
			StatusA: cellText(v[6]), StatusB: cellText(v[7]), Reason: cellText(v[8]), Lost: v[9].(int64), New: v[10].(int64),
		})
	}
	return all
}

func frontierShifts(r *queries.Result) []changes.Shift {
	const user, gpu = "_tokens_per_s_per_user", "_tokens_per_s_per_gpu_cluster"
	var all []changes.Shift
	for _, v := range pickColumns(r, "change", "model", "system", "decode_system", "backend", "version", "mode", "isl", "osl", "prefix", "gpus",
		"loss", "gain", "loss"+user+"_a", "loss"+user+"_b", "loss"+gpu+"_a", "loss"+gpu+"_b", "gain"+user+"_a", "gain"+user+"_b", "gain"+gpu+"_a", "gain"+gpu+"_b") {
		all = append(all, changes.Shift{
			Change:      cellText(v[0]),
			Combination: changes.Combination{Model: cellText(v[1]), System: cellText(v[2]), DecodeSystem: cellText(v[3]), Backend: cellText(v[4]), Version: cellText(v[5]), Mode: cellText(v[6])},
			Workload:    changes.Workload{ISL: v[7].(int64), OSL: v[8].(int64), Prefix: v[9].(int64), GPUs: v[10].(int64)},
			Loss:        cellNumber(v[11]), Gain: cellNumber(v[12]),
			LossAt: changes.Move{PerUserA: cellNumber(v[13]), PerUserB: cellNumber(v[14]), PerGPUA: cellNumber(v[15]), PerGPUB: cellNumber(v[16])},
			GainAt: changes.Move{PerUserA: cellNumber(v[17]), PerUserB: cellNumber(v[18]), PerGPUA: cellNumber(v[19]), PerGPUB: cellNumber(v[20])},
		})
	}
	return all
}

// cellText and cellNumber read a cell that may be null.
func cellText(v any) string {
	s, _ := v.(string)
	return s
}

func cellNumber(v any) float64 {
	f, _ := v.(float64)
	return f
}
