package queries

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"servegrid/internal/suggest"
)

// ComparedBy lists what two of can be compared, beside runs: columns of the views.
var ComparedBy = []string{"system", "backend", "version", "mode"}

// CompareParams asks [DB.Compare]. The zero of a field means all of them; GPUs, ISL and
// OSL narrow the questions.
type CompareParams struct {
	By         string // one of ComparedBy
	A, B       string
	Model      string
	ISL, OSL   int // tokens
	GPUs       int
	TTFT, TPOT float64 // ms; zero of both: the pairs of limits that were swept
}

// Compare sets the best of A beside the best of B for every question that at least
// one of them answers: model, workload, GPU budget and pair of latency limits, and
// whatever is coarser than what is compared (two backends on each system, two modes on
// each system, backend and version). The largest difference comes first; what only
// one of them answers has a null and comes before.
func (db *DB) Compare(ctx context.Context, p CompareParams) (*Result, error) {
	at := slices.Index(ComparedBy, p.By)
	if at < 0 {
		return nil, suggest.Unknown("comparison", p.By, ComparedBy)
	}
	keys := append([]string{"model"}, ComparedBy[:at]...)
	keys = append(keys, "isl", "osl", "prefix", "gpus", "estimator", "search", "database_mode", "ttft_limit_ms", "tpot_limit_ms")
	var c clauses
	c.add("p."+p.By+" in (?", p.A)
	c.text[0] += ", ?)"
	c.args = append(c.args, p.B)
	c.addSet("p.model = ?", p.Model)
	c.addSet("p.isl = ?", p.ISL)
	c.addSet("p.osl = ?", p.OSL)
	c.addSet("p.gpus = ?", p.GPUs)
	limits, from := "from sla_targets", "sla_frontier"
	var args []any
	if p.TTFT > 0 || p.TPOT > 0 {
		limits = "select coalesce(nullif(?::double, 0), 'infinity') as ttft_limit_ms, coalesce(nullif(?::double, 0), 'infinity') as tpot_limit_ms"
		args = append(args, p.TTFT, p.TPOT)
	}
	if p.Model != "" {
		from = "sla_frontier_of(?)"
		args = append(args, p.Model)
	}
	args = append(args, c.args...)
	args = append(args, p.A, p.B)
	const y = "tokens_per_s_per_gpu_cluster"
	query := fmt.Sprintf(`with limits as (%s), within as not materialized (
	select p.*, l.* from %s as p inner join limits as l on p.ttft_ms <= l.ttft_limit_ms and p.tpot_ms <= l.tpot_limit_ms
), bests as (
	select %s, p.%s as side, max(p.%s) as best
	from within as p where %s group by all
), sides as (
	select %s, b.ttft_limit_ms, b.tpot_limit_ms, max(b.best) filter (b.side = ?) as %s_a, max(b.best) filter (b.side = ?) as %s_b
	from bests as b group by all
)
select s.*, s.%s_b / s.%s_a as ratio from sides as s order by abs(ln(ratio)) desc nulls first, %s`,
		limits, from, qualified("p", keys), p.By, y, strings.Join(c.text, " and "), qualified("b", keys), y, y, y, y, qualified("s", keys))
	return db.ofModel(ctx, p.Model, query, args...)
}

// CompareRuns lists what changed on the frontiers between two runs, as the macro
// frontier_changes does: what appeared and disappeared first, then the largest change of
// throughput.
func (db *DB) CompareRuns(ctx context.Context, a, b, model string) (*Result, error) {
	known, err := db.Runs(ctx)
	if err != nil {
		return nil, err
	}
	for _, run := range []string{a, b} {
		if !slices.Contains(known, run) {
			return nil, suggest.Unknown("run", run, known)
		}
	}
	query, args := "from frontier_changes(?, ?) as c", []any{a, b}
	if model != "" {
		query += " where c.model = ?"
		args = append(args, model)
	}
	r, err := db.run(ctx, query+" order by abs(ln(c.ratio)) desc nulls first, "+changeOrder, args...)
	if err != nil && strings.Contains(err.Error(), "No files found") {
		return nil, fmt.Errorf("compare: one of the runs %s and %s was made by an older program and has no best_points: sweep again", a, b)
	}
	return r, err
}

// changeOrder makes the order of equal changes a full one.
var changeOrder = qualified("c", strings.Fields(`model system decode_system backend version mode isl osl prefix gpus used_gpus parallel
	prefill_parallel bs ctx_tokens prefill_bs prefill_workers decode_workers tokens_per_s_per_gpu_cluster_a tokens_per_s_per_gpu_cluster_b`))

// Runs lists the names of the finished runs, newest first.
func (db *DB) Runs(ctx context.Context) ([]string, error) {
	return db.names(ctx, "select r.run from runs as r")
}

// Values lists what a column of the best points holds, in order.
func (db *DB) Values(ctx context.Context, column string) ([]string, error) {
	if !slices.Contains(ComparedBy, column) {
		return nil, suggest.Unknown("column", column, ComparedBy)
	}
	return db.names(ctx, "select distinct p."+column+" from best_points as p order by all")
}

// names runs a query for one column of text.
func (db *DB) names(ctx context.Context, query string) ([]string, error) {
	r, err := db.run(ctx, query)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(r.Rows))
	for _, row := range r.Rows {
		if name, ok := row[0].(string); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

func qualified(table string, names []string) string {
	return table + "." + strings.Join(names, ", "+table+".")
}
