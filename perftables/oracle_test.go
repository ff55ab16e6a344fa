package perftables

import (
	"compress/gzip"
	"encoding/csv"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
)

// oracleTolerance is the relative error allowed against AIConfigurator 0.6.0.
// Both sides compute in IEEE doubles by the same rules; what is left is the
// order of a few operations.
const oracleTolerance = 1e-12

// oracleRow reads the named fields of one recorded query of the peer.
type oracleRow struct {
	t      *testing.T
	column map[string]int
	rec    []string
}

func (r oracleRow) text(name string) string { return r.rec[r.column[name]] }

func (r oracleRow) float(name string) float64 {
	v, err := strconv.ParseFloat(r.text(name), 64)
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	return v
}

func (r oracleRow) int(name string) int { return int(r.float(name)) }

// has reports whether the file has the column and the row a value in it.
func (r oracleRow) has(name string) bool {
	i, ok := r.column[name]
	return ok && r.rec[i] != ""
}

// moeShape reads the arguments of an expert layer. Files without the columns of
// wide expert parallelism ask for the context phase of the ordinary kernels.
func (r oracleRow) moeShape() MoEShape {
	return MoEShape{
		Hidden: r.int("hidden_size"), Inter: r.int("inter_size"), TopK: r.int("topk"), Experts: r.int("num_experts"),
		TP: r.int("moe_tp"), EP: r.int("moe_ep"), Quant: MoEQuant(r.text("moe_quant")), Distribution: r.text("workload_distribution"),
		Context: !r.has("is_context") || r.text("is_context") == "1", DeepEP: r.has("moe_backend"),
	}
}

// attentionKernel is the wide-EP attention kernel; FlashInfer is the peer's
// default.
func (r oracleRow) attentionKernel() string {
	if r.has("attention_backend") {
		return r.text("attention_backend")
	}
	return FlashInfer
}

// answer asks the database what the row asked the peer.
func (r oracleRow) answer(db *Database) (v float64, ok bool) {
	line := func(k Kernel, err error, x float64) (float64, bool) {
		if err != nil {
			return 0, false
		}
		return k.At(x)
	}
	context := func(a *ContextAttention, err error) (float64, bool) {
		if err != nil {
			return 0, false
		}
		return a.At(r.float("b"), r.float("s"), r.float("prefix"))
	}
	generation := func(a *GenerationAttention, err error) (float64, bool) {
		if err != nil {
			return 0, false
		}
		return a.At(r.float("b"), r.float("s"))
	}
	shape := func() AttentionShape {
		return AttentionShape{
			Heads: r.int("num_heads"), KVHeads: r.int("num_kv_heads"), HeadDim: r.int("head_size"), Window: r.int("window_size"),
			KV: KVQuant(r.text("kvcache_quant")), FMHA: FMHAQuant(r.text("fmha_quant")),
		}
	}
	switch Kind(r.text("kind")) {
	case KindGEMM:
		l, err := db.GEMM(GEMMQuant(r.text("gemm_quant")), r.int("n"), r.int("k"))
		return line(l, err, r.float("m"))
	case KindContextAttention:
		return context(db.ContextAttention(shape()))
	case KindGenerationAttention:
		return generation(db.GenerationAttention(shape()))
	case KindContextMLA:
		return context(db.ContextMLA(r.int("num_heads"), KVQuant(r.text("kvcache_quant")), FMHAQuant(r.text("fmha_quant"))))
	case KindGenerationMLA:
		return generation(db.GenerationMLA(r.int("num_heads"), KVQuant(r.text("kvcache_quant"))))
	case KindMLABMM:
		k, err := db.MLABMM(r.int("num_heads"), GEMMQuant(r.text("gemm_quant")), r.text("if_pre") == "1")
		return line(k, err, r.float("num_tokens"))
	case KindMoE, KindWideEPContextMoE, KindWideEPGenerationMoE:
		k, err := db.MoE(r.moeShape())
		return line(k, err, r.float("num_tokens"))
	case KindWideEPContextMLA:
		return context(db.WideEPContextMLA(r.int("tp"), KVQuant(r.text("kvcache_quant")), FMHAQuant(r.text("fmha_quant")), r.attentionKernel()))
	case KindWideEPGenerationMLA:
		return generation(db.WideEPGenerationMLA(r.int("tp"), KVQuant(r.text("kvcache_quant")), FMHAQuant(r.text("fmha_quant")), r.attentionKernel()))
	case "deepep_ll":
		k, err := db.DeepEPLowLatency(r.float("nodes"), r.int("num_experts"), r.int("topk"), r.int("hidden_size"))
		return line(k, err, r.float("num_tokens"))
	case "deepep_normal":
		k, err := db.DeepEPNormal(r.float("nodes"), r.int("num_experts"), r.int("topk"), r.int("hidden_size"), r.int("sms"))
		return line(k, err, r.float("num_tokens"))
	case KindCustomAllReduce:
		l, err := db.CustomAllReduce(r.int("num_gpus"))
		return line(l, err, r.float("size"))
	case KindNCCL:
		l, err := db.NCCL(CommQuant(r.text("comm_quant")), NCCLOp(r.text("operation")), r.int("num_gpus"))
		return line(l, err, r.float("size"))
	case "p2p":
		return db.P2P().At(r.float("bytes"))
	case "mem_op":
		return db.MemOp().At(r.float("bytes"))
	}
	r.t.Fatalf("unknown kind %q", r.text("kind"))
	return 0, false
}

// Every query of the peer has the same status here, and the same value.
func TestQueriesMatchOracle(t *testing.T) {
	if n := compareWithOracle(t, "testdata/ops.csv.gz"); n != 11 {
		t.Errorf("compared %d kinds, want 11", n)
	}
}

// compareWithOracle asks every recorded query again and prints a summary by
// kind, and by mode where the file has modes. It returns the number of summary
// lines.
func compareWithOracle(t *testing.T, name string) int {
	t.Helper()
	f, err := os.Open(name)
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
	row := oracleRow{t: t, column: map[string]int{}}
	for i, name := range recs[0] {
		row.column[name] = i
	}
	type tally struct {
		rows, errors int
		worst        float64
		worstRow     int
	}
	tallies := map[string]*tally{}
	for i, rec := range recs[1:] {
		row.rec = rec
		db, err := Embedded().Open(row.text("system"), row.text("backend"), row.text("version"))
		if err != nil {
			t.Fatal(err)
		}
		kind := row.text("kind")
		if row.has("mode") {
			mode, err := ParseMode(row.text("mode"))
			if err != nil {
				t.Fatal(err)
			}
			db = db.WithMode(mode)
			kind += " " + row.text("mode")
		}
		got, ok := row.answer(db)
		c := tallies[kind]
		if c == nil {
			c = &tally{}
			tallies[kind] = c
		}
		c.rows++
		if wantOK := row.text("status") == "ok"; ok != wantOK {
			t.Errorf("line %d, %s on %s: answered = %v, want %v (%s)", i+2, kind, db, ok, wantOK, row.text("error"))
			continue
		} else if !ok {
			c.errors++
			continue
		}
		want := row.float("latency_ms")
		if e := relativeError(got, want); e > c.worst || math.IsNaN(e) {
			c.worst, c.worstRow = e, i+2
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(tallies)) {
		c := tallies[kind]
		t.Logf("%-31s %5d rows, %4d of them without data, worst relative error %.1e (line %d)", kind, c.rows, c.errors, c.worst, c.worstRow)
		if !(c.worst <= oracleTolerance) {
			t.Errorf("%s: line %d is off by %.2e, allowed is %.0e", kind, c.worstRow, c.worst, oracleTolerance)
		}
	}
	return len(tallies)
}

func relativeError(got, want float64) float64 {
	if got == want {
		return 0
	}
	return math.Abs(got-want) / max(math.Abs(want), math.SmallestNonzeroFloat64)
}

// Golden answers for points between and beyond measured ones.
// Source: AIConfigurator 0.6.0.
func TestGoldenAnswers(t *testing.T) {
	open := func(system, backend, version string) *Database {
		db, err := Embedded().Open(system, backend, version)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	h200 := open("h200_sxm", "vllm", "0.12.0")
	b200 := open("b200_sxm", "trtllm", "1.2.0rc5")
	gb200 := open("gb200_sxm", "trtllm", "1.2.0rc5")
	a100 := open("a100_sxm", "trtllm", "1.0.0")
	gemm := func(db *Database, q GEMMQuant, m float64, n, k int) float64 { return lineAt(t, m)(db.GEMM(q, n, k)) }
	context := func(db *Database, a AttentionShape, b, s, prefix float64) float64 {
		c, err := db.ContextAttention(a)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := c.At(b, s, prefix)
		return v
	}
	contextMLA := func(db *Database, heads int, kv KVQuant, b, s float64) float64 {
		c, err := db.ContextMLA(heads, kv, FMHAFloat16)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := c.At(b, s, 0)
		return v
	}
	generationMLA := func(db *Database, heads int, kv KVQuant, b, s float64) float64 {
		g, err := db.GenerationMLA(heads, kv)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := g.At(b, s)
		return v
	}
	sglang := open("h200_sxm", "sglang", "0.5.6.post2")
	qwen := MoEShape{Hidden: 4096, Inter: 1536, TopK: 8, Experts: 128, TP: 1, EP: 8, Quant: MoEFP8, Distribution: "power_law_1.2"}
	deepseek := MoEShape{Hidden: 7168, Inter: 2048, TopK: 8, Experts: 256, TP: 1, EP: 8, Quant: MoENVFP4, Distribution: "power_law_1.2"}
	wideC, err := sglang.WideEPContextMLA(2, KVFP8, FMHAFP8Block, FA3)
	if err != nil {
		t.Fatal(err)
	}
	wideContext, _ := wideC.At(2, 3000, 500)
	wideG, err := sglang.WideEPGenerationMLA(2, KVFP8, FMHAFP8Block, FlashInfer)
	if err != nil {
		t.Fatal(err)
	}
	wideGeneration, _ := wideG.At(60, 3000)
	gen, err := h200.GenerationAttention(AttentionShape{Heads: 24, KVHeads: 8, HeadDim: 128, KV: KVFP8})
	if err != nil {
		t.Fatal(err)
	}
	genValue, _ := gen.At(37, 5000)
	half24 := AttentionShape{Heads: 24, KVHeads: 8, HeadDim: 128, KV: KVFloat16, FMHA: FMHAFloat16}

	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"gemm on the grid", gemm(h200, GEMMFP8, 1024, 4096, 4096), 0.0648968882030911},
		{"gemm between", gemm(h200, GEMMFP8, 777, 6400, 5000), 0.0783476622324928},
		{"gemm beyond the measured rows", gemm(h200, GEMMFloat16, 50000, 151936, 4096), 73.3190374544385},
		{"gemm int4_wo", gemm(a100, GEMMInt4WO, 333, 11008, 4096), 0.15893521061840593},
		{"context attention", context(h200, half24, 3, 3500, 0), 0.540541858811922},
		{"context attention with a prefix", context(h200, half24, 3, 2500, 1000), 0.496415992786459},
		{"context attention, one KV head a head", context(h200, AttentionShape{Heads: 5, KVHeads: 5, HeadDim: 128, KV: KVFP8, FMHA: FMHAFloat16}, 1, 100, 0), 0.014372001497811768},
		{"context attention with a window", context(b200, AttentionShape{Heads: 64, KVHeads: 8, HeadDim: 64, Window: 128, KV: KVFP8, FMHA: FMHAFP8}, 2, 3000, 0), 0.20096778121683456},
		{"generation attention", genValue, 0.14005488199109095},
		{"custom all-reduce in a node", lineAt(t, 3e6)(h200.CustomAllReduce(8)), 0.06764195884490619},
		{"custom all-reduce over two nodes", lineAt(t, 3e6)(h200.CustomAllReduce(16)), 1.304523492008905},
		{"all-gather in a node", lineAt(t, 3e6)(h200.NCCL(CommHalf, AllGather, 8)), 0.03998165618896484},
		{"reduce-scatter over four nodes", lineAt(t, 3e6)(h200.NCCL(CommHalf, ReduceScatter, 32)), 0.7448161259242468},
		{"all-reduce in a rack", lineAt(t, 3e6)(gb200.NCCL(CommHalf, AllReduce, 72)), 0.08674614371486442},
		{"all-reduce over two racks", lineAt(t, 3e6)(gb200.NCCL(CommHalf, AllReduce, 144)), 3.1448531538318454},
		{"memory", lineAt(t, 123456789)(h200.MemOp(), nil), 0.03515020546875},
		{"point to point", lineAt(t, 123456789)(h200.P2P(), nil), 4.948271559999999},
		{"context MLA", contextMLA(h200, 24, KVFloat16, 3, 3500), 0.7722626835941995},
		{"context MLA on an A100", contextMLA(a100, 16, KVFP8, 2, 1200), 0.16602217916460732},
		{"generation MLA", generationMLA(h200, 24, KVFP8, 37, 5000), 0.22198321625910467},
		{"generation MLA, negative cell", generationMLA(h200, 128, KVFloat16, 8, 1), -0.5591786553462347},
		{"MoE", lineAt(t, 1000)(h200.MoE(qwen)), 0.469347520172596},
		{"MoE, extrapolated", lineAt(t, 200000)(h200.MoE(qwen)), 96.99100587666034},
		{"MLA BMM", lineAt(t, 100)(sglang.MLABMM(16, GEMMFP8, true)), 0.010613600071519614},
		{"MLA BMM in a format that was not measured", lineAt(t, 100)(sglang.MLABMM(16, GEMMInt4WO, false)), 0.004739600094035268},
		{"wide-EP context MLA", wideContext, 2.1611175837645415},
		{"wide-EP generation MLA", wideGeneration, 0.14054927828838115},
		{"DeepEP low latency", lineAt(t, 100)(sglang.DeepEPLowLatency(2, 256, 8, 7168)), 0.23468500000000003},
		{"DeepEP normal, one node", lineAt(t, 3000)(sglang.DeepEPNormal(1, 256, 8, 7168, 20)), 1.1088397265624999},
		{"DeepEP normal, two nodes", lineAt(t, 3000)(sglang.DeepEPNormal(2, 256, 8, 7168, 18)), 2.46840921875},
		{"wide-EP context MoE", lineAt(t, 3000)(sglang.MoE(MoEShape{Hidden: 7168, Inter: 2048, TopK: 8, Experts: 256, TP: 1, EP: 16, Quant: MoEFP8Block, Distribution: "power_law_0.8", Context: true, DeepEP: true})), 0.530378648655356},
		{"MoE, low latency", lineAt(t, 100)(b200.MoE(deepseek)), 0.12811760306358339},
		{"MoE, beyond low latency", lineAt(t, 129)(b200.MoE(deepseek)), 0.1609807975590229},
	} {
		if e := relativeError(c.got, c.want); e > oracleTolerance {
			t.Errorf("%s: got %v, want %v (off by %.1e)", c.name, c.got, c.want, e)
		}
	}
}

func lineAt(t *testing.T, x float64) func(k Kernel, err error) float64 {
	return func(k Kernel, err error) float64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		v, ok := k.At(x)
		if !ok {
			t.Fatalf("no answer at %g", x)
		}
		return v
	}
}
