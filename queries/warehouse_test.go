package queries

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"servegrid/internal/schema"
	"servegrid/pipeline"
	"servegrid/sinks"
)

// tables holds the rows of a small warehouse by table name.
type tables map[string]*schema.Rows

// writeWarehouse puts the tables on disk, each cut into a few files at the
// depth that servegrid writes them, with a manifest per run.
func writeWarehouse(t testing.TB, root string, tabs tables, manifests map[string]string) {
	t.Helper()
	d, err := sinks.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	writeTables(t, d, tabs)
	if err := os.WriteFile(filepath.Join(root, "prices.csv"), []byte("system,usd_per_gpu_hour,note\nh200,4,test\nh100,2.5,test\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if manifests == nil {
		manifests = map[string]string{"r1": manifest("r1", "2026-11-23T18:00:00Z")}
	}
	for run, text := range manifests {
		p := filepath.Join(root, "runs", run)
		if err := os.MkdirAll(p, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p, "manifest.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// writeRun puts the tables of a run beside those that the views show.
func writeRun(t testing.TB, root, run string, tabs tables) {
	t.Helper()
	d, err := sinks.OpenDir(filepath.Join(root, "runs", run))
	if err != nil {
		t.Fatal(err)
	}
	writeTables(t, d, tabs)
}

func writeTables(t testing.TB, d *sinks.Dir, tabs tables) {
	t.Helper()
	w := sinks.NewParquetWriter()
	for _, tab := range schema.Tables() {
		r := tabs[tab.Name]
		switch {
		case r == nil && tab == schema.BestPoints && tabs["agg_points"] != nil && tabs["disagg_points"] != nil:
			r = bestPoints(t, tabs)
		case r == nil:
			r = empty(tab)
		}
		for name, part := range layOut(r) {
			writeFile(t, d, w, name, part)
		}
	}
}

// layOut cuts a table into files by name below the warehouse, as sweeps do: the big
// ones by model, and an empty file where there is nothing else.
func layOut(r *schema.Rows) map[string]*schema.Rows {
	root := "tables/" + r.Table.Name + "/"
	switch r.Table {
	case schema.GPUBudgets, schema.SLATargets:
		return map[string]*schema.Rows{root + "part.parquet": r}
	case schema.Validation:
		return map[string]*schema.Rows{"validation/empty.parquet": r}
	}
	files := map[string]*schema.Rows{root + "part.parquet": empty(r.Table)}
	folders, tail := []string{"system", "backend", "model"}, "/a.parquet"
	if r.Table == schema.BestPoints {
		folders, tail = folders[2:], ".parquet"
	}
	for folder, rows := range groupRows(r, folders) {
		parts := strings.Split(strings.ReplaceAll(strings.TrimSuffix(folder, "|"), "/", "--"), "|")
		for i, p := range parts {
			parts[i] = cmp.Or(p, "none")
		}
		files[root+strings.Join(parts, "/")+tail] = rows
	}
	if r.Table == schema.AggPoints || r.Table == schema.DisaggPoints { // each model has a folder, as after a sweep
		for _, m := range []string{"m1", "m2", "m"} {
			files[root+"h200/vllm/"+m+"/empty.parquet"] = empty(r.Table)
		}
	}
	return files
}

func writeFile(t testing.TB, d *sinks.Dir, w *sinks.ParquetWriter, name string, rows *schema.Rows) {
	t.Helper()
	f, err := d.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Reset(f, rows.Table, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
}

// groupRows cuts a block into one for each value of some columns.
func groupRows(r *schema.Rows, names []string) map[string]*schema.Rows {
	groups := map[string]*schema.Rows{}
	for k, recs := range groupBy(records(r), names) {
		groups[k] = rebuild(r.Table, recs)
	}
	return groups
}

// rebuild is the reverse of records.
func rebuild(tab *schema.Table, recs []record) *schema.Rows {
	return build(tab, len(recs), func(i int) map[string]any {
		row := map[string]any{}
		for name, v := range recs[i] {
			if n, ok := v.(int64); ok {
				v = int(n)
			}
			row[name] = v
		}
		return row
	})
}

// bestPoints computes the table of that name as a sweep does.
func bestPoints(t testing.TB, tabs tables) *schema.Rows {
	t.Helper()
	var budgets []int
	for _, b := range records(tabs["gpu_budgets"]) {
		budgets = append(budgets, int(b.num("gpus")))
	}
	names := append(slices.DeleteFunc(slices.Clone(frontGroup), func(n string) bool { return n == "gpus" }), "shard_key")
	agg, disagg := groupRows(tabs["agg_points"], names), groupRows(tabs["disagg_points"], names)
	picker := pipeline.NewBestPoints(budgets)
	var all []record
	keep := func(r *schema.Rows) error {
		all = append(all, records(r)...)
		return nil
	}
	groups := slices.Collect(maps.Keys(agg))
	for k := range disagg {
		if agg[k] == nil {
			groups = append(groups, k)
		}
	}
	for _, k := range groups {
		for _, rows := range []*schema.Rows{agg[k], disagg[k]} {
			if rows != nil {
				picker.Add(constant(rows, names))
			}
		}
		if err := picker.Finish(keep); err != nil {
			t.Fatal(err)
		}
	}
	return rebuild(schema.BestPoints, all)
}

// constant spells columns that have one value as the pipeline does.
func constant(r *schema.Rows, names []string) *schema.Rows {
	for _, n := range names {
		if c := r.Col(n); c.Code != nil {
			c.SetText(c.TextAt(0))
		} else {
			c.SetInt(int(c.IntAt(0)))
		}
	}
	return r
}

func manifest(run, started string) string {
	return fmt.Sprintf(`{"run": %q, "name": "nightly", "status": "finished", "started_at": %q,
		"finished_at": "2026-11-24T01:02:03.25+02:00", "estimator": "reference", "search": "exhaustive",
		"revision": 3, "schema_version": 2, "tool_version": "v0.1.0", "shards": 12,
		"candidates": {"agg_points": 100, "prefill_workers": 20, "decode_workers": 30, "disagg_pairs": 600},
		"rows": {"agg_points": 10, "workers": 20, "disagg_points": 30, "coverage": 40, "best_points": 50},
		"bytes": 123456, "spec": "models: [m]\n", "digests": {"x": ["y"]}}`, run, started)
}

// empty is a block without rows that still passes Check.
func empty(tab *schema.Table) *schema.Rows { return build(tab, 0, nil) }

// build makes n rows from a function that gives the values of row i by column
// name: string, int, float64, bool or nil. Columns it leaves out get zero.
func build(tab *schema.Table, n int, row func(i int) map[string]any) *schema.Rows {
	r := schema.NewRows(tab)
	r.N = n
	for j := range tab.Columns {
		c := &r.Cols[j]
		switch tab.Columns[j].Type {
		case schema.String:
			c.Dict, c.Code = []string{""}, make([]int32, n)
		case schema.Int32:
			c.Int = make([]int32, n)
		case schema.Float64:
			c.Float = make([]float64, n)
		case schema.Bool:
			c.Bool = make([]bool, n)
		}
	}
	for i := range n {
		for name, v := range row(i) {
			c := r.Col(name)
			switch v := v.(type) {
			case string:
				c.Code[i] = int32(len(c.Dict))
				c.Dict = append(c.Dict, v)
			case int:
				c.Int[i] = int32(v)
			case float64:
				c.Float[i] = v
			case bool:
				c.Bool[i] = v
			case nil:
				if c.Valid == nil {
					c.Valid = make([]bool, n)
					for k := range c.Valid {
						c.Valid[k] = true
					}
				}
				c.Valid[i] = false
			default:
				panic(fmt.Sprintf("%T", v))
			}
		}
	}
	return r
}

func pick[T any](rng *rand.Rand, v ...T) T { return v[rng.IntN(len(v))] }

// randomTables draws from few values, so that ties and equal rows abound.
func randomTables(rng *rand.Rand, agg, disagg int) tables {
	identity := func(rows map[string]any) {
		for k, v := range map[string]any{
			"model": pick(rng, "m1", "m2"), "system": pick(rng, "h200", "h100"), "decode_system": pick(rng, "h200", "h100"),
			"backend": pick(rng, "vllm", "sglang"), "version": pick(rng, "1.0", "1.0", "2.0"), "estimator": "reference",
			"search": "exhaustive", "database_mode": "SILICON", "shard_key": "k1",
			"gemm_quant": pick(rng, "fp8", "fp8", "fp16"), "moe_quant": "none", "kvcache_quant": "fp8", "fmha_quant": "fp16",
			"comm_quant": "half", "nextn": 0, "isl": pick(rng, 1000, 4000), "osl": 500, "prefix": pick(rng, 0, 0, 500),
		} {
			rows[k] = v
		}
	}
	metrics := func(row map[string]any) {
		row["ttft_ms"] = float64(100 * (1 + rng.IntN(6)))
		row["tpot_ms"] = float64(4 * (1 + rng.IntN(6)))
		row["request_latency_ms"] = row["ttft_ms"].(float64) + 499*row["tpot_ms"].(float64)
		row["replica_seq_per_s"] = float64(1+rng.IntN(9)) / 8
		row["tokens_per_s_per_user"] = 1000 / row["tpot_ms"].(float64)
		row["replica_tokens_per_s"] = row["replica_seq_per_s"].(float64) * 499
	}
	a := build(schema.AggPoints, agg, func(int) map[string]any {
		row := map[string]any{}
		identity(row)
		metrics(row)
		row["tp"], row["pp"], row["dp"], row["moe_tp"], row["moe_ep"] = pick(rng, 1, 2, 4), 1, pick(rng, 1, 1, 2), 1, pick(rng, 1, 1, 4)
		row["replica_gpus"] = row["tp"].(int) * row["dp"].(int)
		row["bs"] = pick(rng, 1, 8, 64)
		row["global_bs"] = row["bs"].(int) * row["dp"].(int)
		row["replica_concurrency"] = row["global_bs"]
		row["ctx_tokens"] = pick(rng, 2048, 4096)
		row["tokens_per_s_per_gpu"] = row["replica_tokens_per_s"].(float64) / float64(row["replica_gpus"].(int))
		row["memory_gib"] = float64(40 + rng.IntN(100))
		row["feasible"] = rng.IntN(5) > 0
		return row
	})
	d := build(schema.DisaggPoints, disagg, func(int) map[string]any {
		row := map[string]any{}
		identity(row)
		metrics(row)
		for _, side := range []string{"prefill_", "decode_"} {
			row[side+"tp"], row[side+"pp"], row[side+"dp"] = pick(rng, 1, 2), 1, pick(rng, 1, 1, 2)
			row[side+"moe_tp"], row[side+"moe_ep"], row[side+"bs"] = pick(rng, 1, 1, 2), 1, pick(rng, 1, 8)
			row[side+"workers"] = 1 + rng.IntN(2)
			row[side+"gpus"] = row[side+"tp"].(int) * row[side+"dp"].(int)
			row[side+"memory_gib"] = float64(40 + rng.IntN(100))
		}
		row["replica_gpus"] = row["prefill_workers"].(int)*row["prefill_gpus"].(int) + row["decode_workers"].(int)*row["decode_gpus"].(int)
		row["replicas"] = 1 + rng.IntN(2)
		row["used_gpus"] = row["replicas"].(int) * row["replica_gpus"].(int)
		row["gpus"] = max(pick(rng, 4, 8, 16), row["used_gpus"].(int))
		row["replica_concurrency"] = row["decode_bs"]
		row["tokens_per_s_per_gpu"] = row["replica_tokens_per_s"].(float64) / float64(row["replica_gpus"].(int))
		row["tokens_per_s_per_gpu_cluster"] = row["tokens_per_s_per_gpu"].(float64) * float64(row["used_gpus"].(int)) / float64(row["gpus"].(int))
		return row
	})
	budgets := []int{1, 4, 8, 16}
	slas := [][2]float64{{200, 8}, {400, 16}, {1e9, 1e9}, {1, 1}}
	return tables{
		"agg_points":    a,
		"disagg_points": d,
		"gpu_budgets": build(schema.GPUBudgets, len(budgets), func(i int) map[string]any {
			return map[string]any{"gpus": budgets[i]}
		}),
		"sla_targets": build(schema.SLATargets, len(slas), func(i int) map[string]any {
			return map[string]any{"ttft_limit_ms": slas[i][0], "tpot_limit_ms": slas[i][1]}
		}),
	}
}
