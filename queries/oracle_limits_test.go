package queries

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// What the views about latency limits and prices say, by comparing every row with
// every other.

// questionGroup is what a best configuration is looked for within.
var questionGroup = strings.Fields(`model system decode_system backend version estimator search database_mode isl osl prefix gpus`)

// testPrices are those of writeWarehouse.
var testPrices = map[any]float64{"h200": 4, "h100": 2.5}

// with returns a copy of a row with more columns.
func with(r record, more record) record {
	q := maps.Clone(r)
	maps.Copy(q, more)
	return q
}

func bruteSLAFrontier(points []record) []record {
	var out []record
	for _, g := range groupBy(points, append([]string{"mode"}, frontGroup...)) {
		for i, p := range g {
			if !slices.ContainsFunc(indices(g), func(j int) bool {
				c := better(g[j], p)
				return j != i && g[j].float("ttft_ms") <= p.float("ttft_ms") && g[j].float("tpot_ms") <= p.float("tpot_ms") && (c < 0 || c == 0 && j < i)
			}) {
				out = append(out, p)
			}
		}
	}
	return out
}

// only keeps some columns.
func only(rows []record, columns []string) []record {
	var out []record
	for _, r := range rows {
		q := record{}
		for _, c := range columns {
			q[c] = r[c]
		}
		out = append(out, q)
	}
	return out
}

func indices(rows []record) []int {
	n := make([]int, len(rows))
	for i := range n {
		n[i] = i
	}
	return n
}

// excessOver is how many times a row takes the worse limit; 0 stands for no limit.
func excessOver(r record, ttft, tpot float64) float64 {
	excess := math.Inf(-1)
	for _, l := range [][2]float64{{r.float("ttft_ms"), ttft}, {r.float("tpot_ms"), tpot}} {
		if l[1] > 0 {
			excess = max(excess, l[0]/l[1])
		}
	}
	return excess
}

func within(r record, ttft, tpot float64) bool {
	return (ttft == 0 || r.float("ttft_ms") <= ttft) && (tpot == 0 || r.float("tpot_ms") <= tpot)
}

// limited adds to a row how it stands to the limits.
func limited(r record, p BestParams) record {
	q := with(r, record{"meets_limits": within(r, p.TTFT, p.TPOT), "excess": nil})
	if excess := excessOver(r, p.TTFT, p.TPOT); !math.IsInf(excess, -1) {
		q["excess"] = excess
	}
	return q
}

// admitted returns the rows within the limits, or else the closest.
func admitted(rows []record, p BestParams) []record {
	var in []record
	least := math.Inf(1)
	for _, r := range rows {
		if within(r, p.TTFT, p.TPOT) {
			in = append(in, r)
		}
		least = min(least, excessOver(r, p.TTFT, p.TPOT))
	}
	for _, r := range rows {
		if len(in) == 0 || !within(in[0], p.TTFT, p.TPOT) {
			if excessOver(r, p.TTFT, p.TPOT) == least {
				in = append(in, r)
			}
		}
	}
	return in
}

func bruteUnmet(points, slas []record) []record {
	var out []record
	for _, s := range slas {
		ttft, tpot := s.float("ttft_limit_ms"), s.float("tpot_limit_ms")
		for _, g := range groupBy(points, questionGroup) {
			closest := slices.MinFunc(g, func(a, b record) int {
				return cmp.Or(cmp.Compare(excessOver(a, ttft, tpot), excessOver(b, ttft, tpot)), better(a, b))
			})
			if !slices.ContainsFunc(g, func(r record) bool { return within(r, ttft, tpot) }) {
				out = append(out, with(with(closest, s), record{"excess": excessOver(closest, ttft, tpot)}))
			}
		}
	}
	return out
}

func bruteVersus(points, slas []record) []record {
	var out []record
	for _, s := range slas {
		for _, g := range groupBy(points, questionGroup) {
			most := map[any]float64{}
			for _, r := range g {
				if within(r, s.float("ttft_limit_ms"), s.float("tpot_limit_ms")) {
					most[r["mode"]] = max(most[r["mode"]], r.float(yName))
				}
			}
			row := with(s, record{"agg_tokens_per_s_per_gpu": nil, "disagg_tokens_per_s_per_gpu": nil, "disagg_over_agg": nil})
			for _, c := range questionGroup {
				row[c] = g[0][c]
			}
			agg, hasAgg := most["agg"]
			disagg, hasDisagg := most["disagg"]
			if hasAgg {
				row["agg_tokens_per_s_per_gpu"], row["winner"] = agg, "agg"
			}
			if hasDisagg {
				row["disagg_tokens_per_s_per_gpu"] = disagg
				if !hasAgg || disagg > agg {
					row["winner"] = "disagg"
				} else if disagg == agg {
					row["winner"] = "tie"
				}
			}
			if hasAgg && hasDisagg {
				row["disagg_over_agg"] = disagg / agg
			}
			if hasAgg || hasDisagg {
				out = append(out, row)
			}
		}
	}
	return out
}

// priceOf is the mean price of a deployment's GPUs.
func priceOf(r record) float64 {
	if r["mode"] == "agg" || r["system"] == r["decode_system"] {
		return testPrices[r["system"]]
	}
	prefill := float64(r.num("replicas") * r.num("prefill_workers") * r.num("prefill_tp") * r.num("prefill_pp") * r.num("prefill_dp"))
	used := float64(r.num("used_gpus"))
	return (testPrices[r["system"]]*prefill + testPrices[r["decode_system"]]*(used-prefill)) / used
}

func costOf(r record) float64 { return priceOf(r) * 1e6 / (3600 * r.float(yName)) }

func bruteCost(front []record) []record {
	var out []record
	for _, g := range groupBy(front, strings.Fields("model estimator search database_mode isl osl prefix gpus")) {
		for i, p := range g {
			if !slices.ContainsFunc(indices(g), func(j int) bool {
				x, cost := cmp.Compare(g[j].float(xName), p.float(xName)), cmp.Compare(costOf(p), costOf(g[j]))
				c := better(with(g[j], record{yName: 0.}), with(p, record{yName: 0.})) // the ties, whatever the throughput
				return j != i && x >= 0 && cost >= 0 && (x+cost > 0 || c < 0 || c == 0 && j < i)
			}) {
				q := with(p, record{"usd_per_gpu_hour": priceOf(p), "usd_per_million_tokens": costOf(p)})
				delete(q, "overall")
				out = append(out, q)
			}
		}
	}
	return out
}

func bruteBestSystem(points []record, p BestParams) []record {
	var rows []record
	for _, g := range groupBy(matching(points, p), []string{"system", "decode_system"}) {
		q := p
		best := slices.MinFunc(admitted(g, q), better)
		rows = append(rows, with(limited(best, p), record{"usd_per_million_tokens": costOf(best)}))
	}
	slices.SortFunc(rows, func(a, b record) int {
		c := -cmp.Compare(bit(a["meets_limits"] == true), bit(b["meets_limits"] == true))
		if c == 0 && a["meets_limits"] == false {
			c = cmp.Compare(a.float("excess"), b.float("excess"))
		}
		return cmp.Or(c, compareValues(b[yName], a[yName]), compareValues(b[xName], a[xName]),
			compareValues(a["system"], b["system"]), compareValues(a["decode_system"], b["decode_system"]))
	})
	return ranked(rows)
}

// ranked numbers rows from 1.
func ranked(rows []record) []record {
	for i := range rows {
		rows[i] = with(rows[i], record{"rank": int64(i + 1)})
	}
	return rows
}

// load is what min_gpus has to carry; 0 stands for no demand.
type load struct{ rate, concurrency float64 }

func bruteMinGPUs(points []record, p BestParams, l load, largest int64) []record {
	var rows []record
	for _, r := range matching(points, p) {
		if r["mode"] == "agg" && r.num("gpus") != largest {
			continue
		}
		n := 1.
		if l.rate > 0 {
			n = max(n, math.Ceil(l.rate/r.float("replica_seq_per_s")))
		}
		if l.concurrency > 0 {
			n = max(n, math.Ceil(l.concurrency/float64(r.num("replica_concurrency"))))
		}
		rows = append(rows, with(r, record{
			"replicas_needed": int64(n), "gpus_needed": int64(n) * r.num("replica_gpus"),
			"seq_per_s": n * r.float("replica_seq_per_s"), "concurrency": int64(n) * r.num("replica_concurrency"),
		}))
	}
	order := func(a, b record) int {
		c := cmp.Or(compareValues(a["gpus_needed"], b["gpus_needed"]), compareValues(b["tokens_per_s_per_gpu"], a["tokens_per_s_per_gpu"]),
			compareValues(b[xName], a[xName]))
		for _, name := range tieBreak {
			if name != "used_gpus" {
				c = cmp.Or(c, compareValues(a[name], b[name]))
			}
		}
		return cmp.Or(c, compareValues(a["gpus"], b["gpus"]))
	}
	var firsts []record
	for _, g := range groupBy(admitted(rows, p), strings.Fields("system decode_system backend version mode parallel")) {
		firsts = append(firsts, limited(slices.MinFunc(g, order), p))
	}
	slices.SortFunc(firsts, order)
	return ranked(firsts[:min(len(firsts), cmp.Or(p.TopN, 5))])
}

// matching returns the points that a question is about; GPUs 0 stands for all budgets.
func matching(points []record, p BestParams) []record {
	var rows []record
	for _, r := range points {
		ok := r["model"] == p.Model && r.num("isl") == int64(p.ISL) && r.num("osl") == int64(p.OSL) &&
			(p.GPUs == 0 || r.num("gpus") == int64(p.GPUs)) && r.num("prefix") == int64(p.Prefix)
		for name, want := range map[string]string{"system": p.System, "backend": p.Backend, "version": p.Version, "mode": p.Mode} {
			ok = ok && (want == "" || r[name] == want)
		}
		if ok {
			rows = append(rows, r)
		}
	}
	return rows
}

// sameDeployment identifies a point of a frontier across runs.
var sameDeployment = append(append([]string{"mode", "used_gpus", "replicas", "bs", "ctx_tokens", "tp", "pp", "dp", "moe_tp", "moe_ep"}, frontGroup...),
	strings.Fields("prefill_tp prefill_pp prefill_dp prefill_moe_tp prefill_moe_ep prefill_bs prefill_workers decode_workers")...)

func bruteChanges(a, b []record) []record {
	figures := []string{"ttft_ms", "tpot_ms", yName}
	row := func(x, y record) record {
		var r record
		switch {
		case x == nil:
			r = with(y, record{"change": "added"})
		case y == nil:
			r = with(x, record{"change": "removed"})
		default:
			r = with(x, record{"change": "moved"})
		}
		for _, f := range figures {
			r[f+"_a"], r[f+"_b"] = x[f], y[f]
		}
		r["ratio"] = nil
		if x != nil && y != nil {
			r["ratio"] = y.float(yName) / x.float(yName)
		}
		return r
	}
	var out []record
	first, second := groupBy(a, sameDeployment), groupBy(b, sameDeployment)
	for k, xs := range first {
		for _, x := range xs {
			for _, y := range second[k] {
				if slices.ContainsFunc(figures, func(f string) bool { return x[f] != y[f] }) {
					out = append(out, row(x, y))
				}
			}
			if second[k] == nil {
				out = append(out, row(x, nil))
			}
		}
	}
	for k, ys := range second {
		if first[k] == nil {
			for _, y := range ys {
				out = append(out, row(nil, y))
			}
		}
	}
	return out
}
