package estimator

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"servegrid/perftables"
)

// oracleTolerance is the relative error allowed against AIConfigurator 0.6.0.
// Folding the operators of a phase into one curve changes the order of about
// fifteen additions; every kernel agrees to 5e-16.
const oracleTolerance = 1e-12

// oracleRow is one row of a file of the peer's answers.
type oracleRow struct {
	t      *testing.T
	file   string
	line   int
	column map[string]int
	rec    []string
}

// readOracle reads a compressed file of answers.
func readOracle(t *testing.T, file string) []oracleRow {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	recs, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range recs[0] {
		column[name] = i
	}
	rows := make([]oracleRow, len(recs)-1)
	for i := range rows {
		rows[i] = oracleRow{t, file, i + 2, column, recs[i+1]}
	}
	return rows
}

func (r oracleRow) text(name string) string {
	i, ok := r.column[name]
	if !ok {
		r.t.Fatalf("%s has no column %s", r.file, name)
	}
	return r.rec[i]
}

func (r oracleRow) float(name string) float64 {
	v, err := strconv.ParseFloat(r.text(name), 64)
	if err != nil {
		r.t.Fatalf("%s line %d: %s: %v", r.file, r.line, name, err)
	}
	return v
}

func (r oracleRow) int(name string) int { return int(r.float(name)) }

func (r oracleRow) workload() Workload {
	return Workload{ISL: r.int("isl"), OSL: r.int("osl"), Prefix: r.int("prefix")}
}

// family names the operator list of the row's model.
func (r oracleRow) family() string {
	m, err := LookupModel(r.text("model"))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(m.Family)
}

// config returns the row's configuration.
func (r oracleRow) config() Config {
	m, err := LookupModel(r.text("model"))
	if err != nil {
		r.t.Fatal(err)
	}
	db, err := perftables.Embedded().Open(r.text("system"), r.text("backend"), r.text("version"))
	if err != nil {
		r.t.Fatal(err)
	}
	return Config{
		Model: m, DB: db,
		Quant: Quant{
			GEMM: perftables.GEMMQuant(r.text("gemm_quant")), MoE: perftables.MoEQuant(r.text("moe_quant")),
			KV: perftables.KVQuant(r.text("kvcache_quant")), FMHA: perftables.FMHAQuant(r.text("fmha_quant")),
			Comm: perftables.CommQuant(r.text("comm_quant")),
		},
		Layout: Layout{TP: r.int("tp"), PP: r.int("pp"), DP: r.int("dp"), MoETP: r.int("moe_tp"), MoEEP: r.int("moe_ep")},
		NextN:  r.int("nextn"), AcceptRates: []float64{0.85, 0, 0, 0, 0},
	}
}

// tally collects the worst error per group of rows.
type tally struct {
	rows, errors int
	worst        float64
	where        string
	also         []*tally // counted in these groups too
}

type tallies map[string]*tally

func (ts tallies) group(name string) *tally {
	if ts[name] == nil {
		ts[name] = &tally{}
	}
	return ts[name]
}

// of returns the group of that name for a row, which also counts in the groups
// of its model, system and backend.
func (ts tallies) of(r oracleRow, name string) *tally {
	c := *ts.group(name)
	c.also = []*tally{ts.group(name)}
	for _, column := range []string{"model", "system", "backend"} {
		c.also = append(c.also, ts.group("by "+column+": "+r.text(column)))
	}
	return &c
}

func (c *tally) compare(r oracleRow, name string, got, want float64) {
	for _, a := range c.also {
		a.compare(r, name, got, want)
	}
	e := 0.0
	if got != want {
		e = math.Abs(got-want) / max(math.Abs(want), math.SmallestNonzeroFloat64)
	}
	if e > c.worst || math.IsNaN(e) {
		c.worst, c.where = e, fmt.Sprintf("line %d, %s: got %v, want %v", r.line, name, got, want)
	}
}

func (ts tallies) report(t *testing.T) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(ts)) {
		c := ts[name]
		t.Logf("%-32s %5d rows, %4d errors on both sides, worst relative error %.1e (%s)", name, c.rows, c.errors, c.worst, c.where)
		if !(c.worst <= oracleTolerance) {
			t.Errorf("%s: %s: relative error %.2e, allowed is %.0e", name, c.where, c.worst, oracleTolerance)
		}
	}
}

// status checks that both sides answer, or neither.
func (c *tally) status(r oracleRow, err error) (answered bool) {
	for _, a := range c.also {
		a.rows++
		if err != nil {
			a.errors++
		}
	}
	c.rows++
	if want := r.text("status") == "ok"; want != (err == nil) {
		r.t.Errorf("%s line %d (%s %s/%s/%s tp%s): got error %v, want status %s: %s", r.file, r.line, r.text("model"),
			r.text("system"), r.text("backend"), r.text("version"), r.text("tp"), err, r.text("status"), r.text("error"))
		return false
	}
	if err != nil {
		c.errors++
	}
	return err == nil
}

// Every static run of the peer has the same status and the same figures, down
// to single operators.
func TestStaticMatchesOracle(t *testing.T) {
	ts := tallies{}
	for _, r := range readOracle(t, "testdata/static.csv.gz") {
		c := ts.of(r, r.text("mode")+" "+r.family()+" "+r.text("backend"))
		if p, ok := c.static(r, r.config()); ok {
			compareOperators(c, r, p, r.workload(), r.int("batch"), r.float("latency_correction_scale"))
		}
	}
	ts.report(t)
}

// static compares one static run, and returns its plan when both sides answer.
func (c *tally) static(r oracleRow, cfg Config) (*Plan, bool) {
	mode, w, b := r.text("mode"), r.workload(), r.int("batch")
	scale := r.float("latency_correction_scale")
	p, err := Compile(cfg)
	var got Static
	if err == nil {
		got, err = p.Static(Kind(mode), b, w, scale)
	}
	if !c.status(r, err) {
		return nil, false
	}
	for _, f := range []struct {
		name string
		got  float64
	}{
		{"context_latency_ms", got.Context}, {"generation_latency_ms", got.Generation}, {"ttft_ms", got.TTFT}, {"tpot_ms", got.TPOT},
		{"request_latency_ms", got.RequestLatency}, {"seq_s", got.SeqPerS}, {"tokens_s", got.TokensPerS},
		{"tokens_s_gpu", got.TokensPerSPerGPU}, {"tokens_s_user", got.TokensPerSPerUser},
		{"mem_weights_gib", got.Memory.Weights}, {"mem_activations_gib", got.Memory.Activations}, {"mem_kvcache_gib", got.Memory.KVCache},
		{"mem_nccl_gib", got.Memory.NCCL}, {"mem_others_gib", got.Memory.Others}, {"mem_total_gib", got.Memory.Total()},
	} {
		c.compare(r, f.name, f.got, r.float(f.name))
	}
	if got.OutOfMemory != (r.int("oom") == 1) {
		r.t.Errorf("%s line %d: out of memory = %v, want %s", r.file, r.line, got.OutOfMemory, r.text("oom"))
	}
	switch mode {
	case "static_ctx":
		pt, err := p.Prefill(b, w, scale)
		if err != nil {
			r.t.Errorf("%s line %d: %v", r.file, r.line, err)
		}
		c.compare(r, "prefill ttft", pt.TTFT, r.float("ttft_ms"))
		c.compare(r, "prefill seq_s", pt.SeqPerS, r.float("seq_s"))
		c.compare(r, "prefill memory", pt.MemoryGiB, r.float("mem_total_gib"))
	case "static_gen":
		if w.OSL < 2 {
			break // no decode worker
		}
		col, err := p.Decode(w, scale)
		if err != nil {
			r.t.Fatal(err)
		}
		pt, err := col.At(b)
		if err != nil {
			r.t.Errorf("%s line %d: %v", r.file, r.line, err)
		}
		c.compare(r, "decode tpot", pt.TPOT, r.float("tpot_ms"))
		c.compare(r, "decode seq_s_gpu", pt.SeqPerSPerGPU, r.float("seq_s_gpu"))
		c.compare(r, "decode memory", pt.MemoryGiB, r.float("mem_total_gib"))
	}
	return p, true
}

// compareOperators checks the slow road, operator by operator: it is also the
// oracle of the folded curves.
func compareOperators(c *tally, r oracleRow, p *Plan, w Workload, b int, scale float64) {
	check := func(text string, got map[string]float64) {
		var want map[string]float64
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			r.t.Fatalf("line %d: %v", r.line, err)
		}
		if len(want) != len(got) {
			r.t.Errorf("line %d: got operators %v, want %v", r.line, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
		for name, v := range want {
			c.compare(r, name, got[name]*scale, v)
		}
	}
	if text := r.text("context_ops_ms"); text != "" && text != "{}" {
		check(text, named("context_", p.ContextBreakdown(b, w)))
	}
	if text := r.text("generation_ops_ms"); text != "" && text != "{}" {
		got := named("generation_", p.GenerationBreakdown(b, w))
		// The peer's own spelling in its dense families.
		if strings.Contains(text, "generation_add_nrom_1") {
			got["generation_add_nrom_1"] = got["generation_add_norm_1"]
			delete(got, "generation_add_norm_1")
		}
		check(text, got)
	}
}

func named(prefix string, ops []OperatorLatency) map[string]float64 {
	m := map[string]float64{}
	for _, op := range ops {
		m[prefix+op.Name] += op.MS
	}
	return m
}

// Every aggregated point of the peer has the same status and the same figures.
func TestAggMatchesOracle(t *testing.T) {
	ts := tallies{}
	for _, r := range readOracle(t, "testdata/agg_points.csv.gz") {
		ts.of(r, "agg "+r.family()+" "+r.text("backend")).agg(r, r.config())
	}
	ts.report(t)
}

// agg compares one aggregated point.
func (c *tally) agg(r oracleRow, cfg Config) {
	var pts AggPoints
	pts.Append(r.int("batch"), r.int("ctx_tokens"))
	p, err := Compile(cfg)
	if err == nil {
		err = p.ScoreAgg(r.workload(), &pts)
	}
	if err == nil && pts.Status[0] == NoData {
		err = &OutOfRangeError{"beyond the tables"}
	}
	if !c.status(r, err) {
		return
	}
	for _, f := range []struct {
		name string
		got  float64
	}{
		{"ttft_ms", pts.TTFT[0]}, {"tpot_ms", pts.TPOT[0]}, {"request_latency_ms", pts.RequestLatency[0]},
		{"seq_s", pts.SeqPerS[0]}, {"tokens_s", pts.TokensPerS[0]}, {"tokens_s_gpu", pts.TokensPerSPerGPU[0]},
		{"tokens_s_user", pts.TokensPerSPerUser[0]}, {"mem_total_gib", pts.MemoryGiB[0]},
	} {
		c.compare(r, f.name, f.got, r.float(f.name))
	}
	if got := pts.Status[0] == OutOfMemory; got != (r.int("oom") == 1) {
		r.t.Errorf("%s line %d: out of memory = %v, want %s", r.file, r.line, got, r.text("oom"))
	}
}
