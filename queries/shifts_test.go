package queries

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"servegrid/internal/schema"
)

// asked identifies a frontier: what was asked for, not what was chosen.
var asked = strings.Fields("mode model system decode_system backend version estimator search database_mode isl osl prefix gpus")

// combination is what a shard is of, with its workload: here a shard has one.
var combination = strings.Fields("model system decode_system backend version isl osl prefix")

// sizes are the columns of a layout.
var sizes = layoutNames[:5]

// shifts asks for shares to twelve digits: where both figures fall short equally, either
// quotient may be the one that is shown.
const shifts = "select s.* replace (round(s.loss, 12) as loss, round(s.gain, 12) as gain) from frontier_shifts(?, ?) as s"

// TestShiftsEqualBruteForce: what changed between two runs, over random ones of which
// some shards are the same, others were altered, lost or are new, and some of what was
// asked differs.
func TestShiftsEqualBruteForce(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 26))
		one := randomTables(rng, 90, 90)
		cover(rng, one)
		two := altered(rng, one)
		db := openWarehouse(t, one, nil)
		writeRun(t, db.Root(), "one", one)
		writeRun(t, db.Root(), "two", two)
		fronts := map[string][]record{"one": bruteFrontier(brutePoints(one)), "two": bruteFrontier(brutePoints(two))}
		runs := map[string]tables{"one": one, "two": two}
		for _, pair := range [][2]string{{"one", "two"}, {"two", "one"}, {"one", "one"}} {
			a, b := pair[0], pair[1]
			got := ask(t, db, shifts, a, b)
			want := bruteShifts(askedBy(fronts[a], runs[b]), askedBy(fronts[b], runs[a]))
			equalRows(t, fmt.Sprint(seed, pair), got, want, false)
			for _, r := range want {
				seen[r["change"].(string)]++
			}
			paths := ask(t, db, shifts, db.Root()+"/runs/"+a, db.Root()+"/runs/"+b)
			equalRows(t, "by path", paths, want, false)
			got = ask(t, db, "from coverage_changes(?, ?)", a, b)
			want = bruteCoverageChanges(records(runs[a]["coverage"]), records(runs[b]["coverage"]))
			equalRows(t, fmt.Sprint("coverage ", seed, pair), got, want, false)
			for _, r := range want {
				seen["coverage "+r["change"].(string)]++
			}
			if a == b && len(want) > 0 {
				t.Errorf("a run differs from itself: %v", want)
			}
		}
	}
	for _, kind := range []string{"down", "up", "mixed", "lost", "new", "coverage lost", "coverage new", "coverage less", "coverage more"} {
		if seen[kind] == 0 {
			t.Errorf("no change was of the kind %s", kind)
		}
	}
}

// cover gives each combination a shard, and each of its layouts a row of coverage.
func cover(rng *rand.Rand, tabs tables) {
	var rows []map[string]any
	seen := map[string]bool{}
	for _, side := range []struct{ table, mode, role, prefix string }{
		{"agg_points", "agg", "agg", ""}, {"disagg_points", "disagg", "prefill", "prefill_"}, {"disagg_points", "disagg", "decode", "decode_"},
	} {
		all := records(tabs[side.table])
		for i, r := range all {
			r["shard_key"] = "shard " + key(r, combination)
			row := map[string]any{"mode": side.mode, "role": side.role, "status": "ok"}
			for _, name := range append(strings.Fields("model system decode_system backend version estimator search database_mode shard_key isl osl prefix"), sizes...) {
				v := r[name]
				if slices.Contains(sizes, name) {
					v = r[side.prefix+name]
				}
				if n, ok := v.(int64); ok {
					v = int(n)
				}
				row[name] = v
			}
			row["n_candidates"], row["n_feasible"], row["reason"] = 4., 4., ""
			if rng.IntN(3) == 0 {
				row["status"], row["n_feasible"], row["n_no_data"], row["reason"] = "no_data", 0., 4., pick(rng, "no table", "no formats")
			}
			if at := fmt.Sprint(row["shard_key"], side.role, row["tp"], row["dp"], row["moe_tp"], row["moe_ep"]); !seen[at] {
				seen[at] = true
				rows = append(rows, row)
			}
			all[i] = r
		}
		tabs[side.table] = rebuild(tabs[side.table].Table, all)
	}
	tabs["coverage"] = build(schema.Coverage, len(rows), func(i int) map[string]any { return rows[i] })
}

// altered is the run after: of some shards the figures are others, some are gone, some
// had not been there; a workload and a budget may be asked for no longer.
func altered(rng *rand.Rand, one tables) tables {
	fate := map[string]int{}
	fateOf := func(r record) int {
		k := key(r, combination)
		if _, ok := fate[k]; !ok {
			fate[k] = rng.IntN(8)
		}
		return fate[k]
	}
	refused := pick(rng, records(one["coverage"])...)
	dropped, fewer := pick(rng, 0, 500, -1), rng.IntN(3) == 0
	two := tables{"sla_targets": one["sla_targets"], "gpu_budgets": one["gpu_budgets"]}
	if fewer {
		two["gpu_budgets"] = build(schema.GPUBudgets, 1, func(int) map[string]any { return map[string]any{"gpus": 16} })
	}
	for _, name := range []string{"agg_points", "disagg_points", "coverage"} {
		var rows []record
		for _, r := range records(one[name]) {
			f := fateOf(r)
			if key(r, served) == key(refused, served) {
				if name == "coverage" {
					rows = append(rows, refusal(r))
				}
				continue
			}
			if f == 0 || r.num("prefix") == int64(dropped) {
				continue
			}
			if f < 5 {
				r = with(r, record{"shard_key": "altered " + key(r, combination)})
				perturb(rng, r, f)
			}
			if fewer { // budgets are part of a shard's key, and points exist for those of their run
				r = with(r, record{"shard_key": "fewer " + r["shard_key"].(string)})
				if name == "disagg_points" {
					r["gpus"] = int64(16)
				}
			}
			rows = append(rows, r)
		}
		two[name] = rebuild(one[name].Table, rows)
	}
	return two
}

// served is what is refused as a whole.
var served = strings.Fields("model system backend version")

// refusal is the row of a combination that is refused: without a layout and a workload.
func refusal(r record) record {
	r = with(r, record{"status": "refused", "role": "", "reason": "refused by the engine", "shard_key": "refused", "n_candidates": 0., "n_feasible": 0., "n_no_data": 0.})
	for _, name := range append([]string{"isl", "osl", "prefix"}, sizes...) {
		r[name] = nil
	}
	return r
}

// perturb changes the figures of a row: by less than counts, or by more.
func perturb(rng *rand.Rand, r record, fate int) {
	scale := func(name string, by float64) {
		if _, ok := r[name]; ok {
			r[name] = r.float(name) * by
			if fate%2 == 1 {
				r[name] = r.float(name) + pick(rng, 0, 0.001, -0.001, 0.002)
			}
		}
	}
	by := []float64{0, 1, 0.5, pick(rng, 0.99, 1.01), 2}[fate]
	scale("tokens_per_s_per_user", by)
	scale("tokens_per_s_per_gpu", by)
	scale(yName, by)
	if _, ok := r["n_feasible"]; ok && rng.IntN(3) == 0 {
		if r.float("n_feasible") > 0 {
			r["n_feasible"], r["n_no_data"], r["status"], r["reason"] = 0., 4., "no_data", "no table"
		} else {
			r["n_feasible"], r["n_no_data"], r["status"], r["reason"] = 4., 0., "ok", ""
		}
	}
}

// askedBy leaves the points that another run asked for too.
func askedBy(points []record, other tables) []record {
	what := strings.Fields("mode estimator search database_mode isl osl prefix")
	workloads, budgets := groupBy(records(other["coverage"]), what), groupBy(records(other["gpu_budgets"]), []string{"gpus"})
	return slices.DeleteFunc(slices.Clone(points), func(r record) bool {
		return workloads[key(r, what)] == nil || budgets[key(r, []string{"gpus"})] == nil
	})
}

// keptShare is the share of x that y keeps: all of it where the figure that falls short
// most does so by no more than rounding.
func keptShare(x, y record) float64 {
	u, t := "tokens_per_s_per_user", yName
	share, short := y.float(u)/x.float(u), x.float(u)-y.float(u)
	if s := y.float(t) / x.float(t); s < share {
		share, short = s, x.float(t)-y.float(t)
	}
	if short < 0.0015 {
		share = max(share, 1)
	}
	return share
}

// leastKept finds the point of xs that ys keep least, and what keeps it.
func leastKept(xs, ys []record) (x, y record, share float64) {
	faster := func(a, b record) bool { // of equal ones the faster counts
		if a.float("tokens_per_s_per_user") != b.float("tokens_per_s_per_user") {
			return a.float("tokens_per_s_per_user") > b.float("tokens_per_s_per_user")
		}
		return a.float(yName) > b.float(yName)
	}
	share = math.Inf(1)
	for _, p := range xs {
		best, near := 0., record(nil)
		for _, q := range ys {
			if s := keptShare(p, q); s > best || s == best && faster(q, near) {
				best, near = s, q
			}
		}
		if best < share || best == share && faster(p, x) {
			x, y, share = p, near, best
		}
	}
	return x, y, share
}

func bruteShifts(a, b []record) []record {
	var out []record
	first, second := groupBy(a, asked), groupBy(b, asked)
	row := func(r record, change string) record {
		s := record{"change": change, "loss": nil, "gain": nil}
		for _, name := range asked {
			s[name] = r[name]
		}
		for _, side := range []string{"loss", "gain"} {
			for _, end := range []string{"_tokens_per_s_per_user_a", "_tokens_per_s_per_user_b", "_" + yName + "_a", "_" + yName + "_b"} {
				s[side+end] = nil
			}
		}
		return s
	}
	points := func(s record, side string, a, b record) {
		for _, name := range []string{"tokens_per_s_per_user", yName} {
			s[side+"_"+name+"_a"], s[side+"_"+name+"_b"] = a[name], b[name]
		}
	}
	for k, xs := range first {
		ys := second[k]
		if ys == nil {
			out = append(out, row(xs[0], "lost"))
			continue
		}
		x, near, kept := leastKept(xs, ys)
		y, before, won := leastKept(ys, xs)
		if kept >= 1 && won >= 1 {
			continue
		}
		s := row(x, "mixed")
		s["loss"], s["gain"] = math.Round(max(1-kept, 0)*1e12)/1e12, math.Round(max(1/won-1, 0)*1e12)/1e12
		if kept < 1 {
			points(s, "loss", x, near)
		} else {
			s["change"] = "up"
		}
		if won < 1 {
			points(s, "gain", before, y)
		} else {
			s["change"] = "down"
		}
		out = append(out, s)
	}
	for k, ys := range second {
		if first[k] == nil {
			out = append(out, row(ys[0], "new"))
		}
	}
	return out
}

func bruteCoverageChanges(a, b []record) []record {
	combo := strings.Fields("model system backend version mode")
	workload := strings.Fields("mode isl osl prefix")
	cell := append(append(slices.Clone(combo), "decode_system", "role", "isl", "osl", "prefix"), sizes...)
	fits := func(rows []record) bool {
		return slices.ContainsFunc(rows, func(r record) bool { return r.float("n_feasible") > 0 })
	}
	status := func(rows []record) any {
		switch {
		case len(rows) == 0:
			return nil
		case rows[0]["status"] == "refused":
			return "refused"
		}
		has := func(role string) bool {
			return slices.ContainsFunc(rows, func(r record) bool { return r["role"] == role && r.float("n_feasible") > 0 })
		}
		for _, same := range groupBy(rows, []string{"decode_system"}) { // both sides on the same hardware
			rows = same
			if has("agg") || has("prefill") && has("decode") {
				return "supported"
			}
		}
		return "no_data"
	}
	reasonOf := func(rows, combo []record) string {
		if len(rows) == 0 && status(combo) == "refused" {
			rows = combo
		}
		for _, r := range rows {
			if r["reason"] != "" {
				return r["reason"].(string)
			}
		}
		return "not swept"
	}
	askedA, askedB := groupBy(a, workload), groupBy(b, workload)
	both := func(r record) bool { return askedA[key(r, workload)] != nil && askedB[key(r, workload)] != nil }
	cellsA, cellsB := groupBy(a, cell), groupBy(b, cell)
	combosA, combosB := groupBy(a, combo), groupBy(b, combo)
	changes, why := map[string]record{}, map[string]map[bool][]string{}
	note := func(r record, lost bool, reason string) {
		k := key(r, combo)
		if changes[k] == nil {
			changes[k] = record{"n_lost": int64(0), "n_new": int64(0), "status_a": status(combosA[k]), "status_b": status(combosB[k])}
			for _, name := range combo {
				changes[k][name] = r[name]
			}
			why[k] = map[bool][]string{}
		}
		n := map[bool]string{true: "n_lost", false: "n_new"}[lost]
		changes[k][n] = changes[k].num(n) + 1
		why[k][lost] = append(why[k][lost], reason)
	}
	for k, rows := range cellsA {
		if both(rows[0]) && fits(rows) && !fits(cellsB[k]) {
			note(rows[0], true, reasonOf(cellsB[k], combosB[key(rows[0], combo)]))
		}
	}
	for k, rows := range cellsB {
		if both(rows[0]) && fits(rows) && !fits(cellsA[k]) {
			note(rows[0], false, reasonOf(cellsA[k], combosA[key(rows[0], combo)]))
		}
	}
	var out []record
	for k, c := range changes {
		was, is := c["status_a"] == "supported", c["status_b"] == "supported"
		lost := c.num("n_lost") > 0
		switch {
		case lost && was && !is:
			c["change"] = "lost"
		case c.num("n_new") > 0 && is && !was:
			c["change"], lost = "new", false
		case c.num("n_lost") > c.num("n_new"):
			c["change"] = "less"
		default:
			c["change"] = "more"
		}
		reasons := why[k][lost]
		slices.Sort(reasons)
		c["reason"] = strings.Join(slices.Compact(reasons), "; ")
		out = append(out, c)
	}
	return out
}
