package queries

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"servegrid/internal/schema"
)

// record is a row by column name: nil, bool, int64, float64 or string.
type record map[string]any

// records reads a table back from the block it was written from.
func records(r *schema.Rows) []record {
	var all []record
	if r == nil {
		return nil
	}
	for i := range r.N {
		rec := record{}
		for j := range r.Table.Columns {
			c, d := &r.Cols[j], &r.Table.Columns[j]
			switch {
			case c.IsNull(i):
				rec[d.Name] = nil
			case d.Type == schema.String:
				rec[d.Name] = c.TextAt(i)
			case d.Type == schema.Int32:
				rec[d.Name] = int64(c.IntAt(i))
			case d.Type == schema.Float64:
				rec[d.Name] = c.FloatAt(i)
			case d.Type == schema.Bool:
				rec[d.Name] = c.BoolAt(i)
			}
		}
		all = append(all, rec)
	}
	return all
}

func (r record) num(name string) int64     { return r[name].(int64) }
func (r record) float(name string) float64 { return r[name].(float64) }

func parallelOf(r record, prefix string) string {
	s := fmt.Sprintf("tp%dpp%d", r[prefix+"tp"], r[prefix+"pp"])
	if r.num(prefix+"dp") > 1 || r.num(prefix+"moe_tp") > 1 || r.num(prefix+"moe_ep") > 1 {
		s += fmt.Sprintf("dp%detp%dep%d", r[prefix+"dp"], r[prefix+"moe_tp"], r[prefix+"moe_ep"])
	}
	return s
}

var layoutNames = []string{"tp", "pp", "dp", "moe_tp", "moe_ep", "bs"}

// bruteColumns are the columns of points, spelled here a second time on purpose.
var bruteColumns = strings.Fields(`mode model system decode_system backend version estimator search database_mode gemm_quant
	moe_quant kvcache_quant fmha_quant comm_quant nextn isl osl prefix gpus used_gpus replicas replica_gpus concurrency
	replica_concurrency ttft_ms tpot_ms request_latency_ms tokens_per_s_per_gpu tokens_per_s_per_gpu_cluster
	tokens_per_s_per_user seq_per_s replica_seq_per_s parallel prefill_parallel tp pp dp moe_tp moe_ep bs ctx_tokens prefill_tp prefill_pp
	prefill_dp prefill_moe_tp prefill_moe_ep prefill_bs prefill_workers decode_workers memory_gib shard_key`)

func brutePoints(tabs tables) []record {
	var out []record
	budgets := records(tabs["gpu_budgets"])
	for _, a := range records(tabs["agg_points"]) {
		for _, b := range budgets {
			n := b.num("gpus") / a.num("replica_gpus")
			if a["feasible"] != true || n == 0 {
				continue
			}
			p := record{"mode": "agg", "gpus": b["gpus"], "replicas": n, "used_gpus": n * a.num("replica_gpus"),
				"parallel": parallelOf(a, "")}
			for _, c := range bruteColumns {
				if _, done := p[c]; !done {
					p[c] = a[c] // nil where agg has no such column
				}
			}
			p["concurrency"] = n * a.num("replica_concurrency")
			p["seq_per_s"] = a.float("replica_seq_per_s") * float64(n)
			p["tokens_per_s_per_gpu_cluster"] = a.float("tokens_per_s_per_gpu") * float64(n) * float64(a.num("replica_gpus")) / float64(b.num("gpus"))
			out = append(out, p)
		}
	}
	for _, d := range records(tabs["disagg_points"]) {
		p := record{"mode": "disagg", "ctx_tokens": nil,
			"parallel": parallelOf(d, "decode_"), "prefill_parallel": parallelOf(d, "prefill_")}
		for _, c := range layoutNames {
			p[c] = d["decode_"+c]
		}
		for _, c := range bruteColumns {
			if _, done := p[c]; !done {
				p[c] = d[c]
			}
		}
		p["concurrency"] = d.num("replicas") * d.num("replica_concurrency")
		p["seq_per_s"] = d.float("replica_seq_per_s") * float64(d.num("replicas"))
		p["memory_gib"] = max(d.float("prefill_memory_gib"), d.float("decode_memory_gib"))
		out = append(out, p)
	}
	return out
}

// tieBreak is the full order among rows of equal merit; null sorts first.
var tieBreak = strings.Fields(`used_gpus mode request_latency_ms ttft_ms tpot_ms system decode_system backend version
	parallel prefill_parallel bs ctx_tokens prefill_bs prefill_workers decode_workers gemm_quant moe_quant kvcache_quant
	fmha_quant comm_quant nextn estimator search database_mode shard_key memory_gib concurrency replica_concurrency seq_per_s
	tokens_per_s_per_gpu replica_gpus replicas`)

const (
	xName = "tokens_per_s_per_user"
	yName = "tokens_per_s_per_gpu_cluster"
)

func compareValues(a, b any) int {
	if a == nil || b == nil {
		return cmp.Compare(bit(a != nil), bit(b != nil))
	}
	switch a := a.(type) {
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case string:
		return cmp.Compare(a, b.(string))
	}
	panic(fmt.Sprintf("%T", a))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// better orders by cluster throughput, user throughput, then the tie-break.
func better(a, b record) int {
	c := cmp.Or(compareValues(b[yName], a[yName]), compareValues(b[xName], a[xName]))
	for _, name := range tieBreak {
		c = cmp.Or(c, compareValues(a[name], b[name]))
	}
	return c
}

var frontGroup = strings.Fields(`model system decode_system backend version estimator search database_mode gemm_quant moe_quant
	kvcache_quant fmha_quant comm_quant nextn isl osl prefix gpus`)

func key(r record, names []string) string {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "%v|", r[n])
	}
	return b.String()
}

func groupBy(rows []record, names []string) map[string][]record {
	g := map[string][]record{}
	for _, r := range rows {
		g[key(r, names)] = append(g[key(r, names)], r)
	}
	return g
}

// onFront keeps the rows that no row dominates, and the first of equal ones.
func onFront(group []record) []record {
	var out []record
	for i, p := range group {
		keep := true
		for j, q := range group {
			x, y := compareValues(q[xName], p[xName]), compareValues(q[yName], p[yName])
			dominated := x >= 0 && y >= 0 && x+y > 0
			c := better(q, p)
			earlier := x == 0 && y == 0 && (c < 0 || c == 0 && j < i)
			keep = keep && !dominated && !earlier
		}
		if keep {
			out = append(out, p)
		}
	}
	return out
}

func bruteFrontier(points []record) []record {
	var out []record
	overall := map[string]bool{}
	for _, g := range groupBy(points, frontGroup) {
		for _, p := range onFront(g) {
			overall[key(p, bruteColumns)] = true
		}
	}
	for _, g := range groupBy(points, append([]string{"mode"}, frontGroup...)) {
		for _, p := range onFront(g) {
			q := record{"overall": overall[key(p, bruteColumns)]}
			for k, v := range p {
				q[k] = v
			}
			out = append(out, q)
		}
	}
	return out
}

func bruteBestView(points []record, slas []record) []record {
	group := strings.Fields(`model system decode_system backend version estimator search database_mode isl osl prefix gpus`)
	var out []record
	for _, s := range slas {
		var within []record
		for _, p := range points {
			if p.float("ttft_ms") <= s.float("ttft_limit_ms") && p.float("tpot_ms") <= s.float("tpot_limit_ms") {
				within = append(within, p)
			}
		}
		for _, g := range groupBy(within, group) {
			best := slices.MinFunc(g, better)
			q := record{}
			for k, v := range best {
				q[k] = v
			}
			for k, v := range s {
				q[k] = v
			}
			out = append(out, q)
		}
	}
	return out
}

func bruteBest(points []record, p BestParams) []record {
	var in []record
	for _, r := range matching(points, p) {
		if within(r, p.TTFT, p.TPOT) {
			in = append(in, r)
		}
	}
	return bestLayouts(in, p)
}

// bestLayouts ranks the best row of every layout.
func bestLayouts(in []record, p BestParams) []record {
	var rows []record
	for _, g := range groupBy(in, strings.Fields("system decode_system backend version mode parallel")) {
		rows = append(rows, slices.MinFunc(g, better))
	}
	slices.SortFunc(rows, better)
	n := p.TopN
	if n == 0 {
		n = 5
	}
	return rows[:min(n, len(rows))]
}
