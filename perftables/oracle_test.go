package perftables

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"testing"
)

// oracleTolerance is the relative error allowed against AIConfigurator 0.6.0.
// Both sides compute in IEEE doubles by the same rules; what is left is the
// order of a few operations.
const oracleTolerance = 1e-12

// oracleRow reads the named fields of one row of ops.csv.
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

// answer asks the database what the row asked the peer. known is false for the
// kinds that have no query yet.
func (r oracleRow) answer(db *Database) (v float64, ok, known bool) {
	line := func(l *Line, err error, x float64) (float64, bool, bool) {
		if err != nil {
			return 0, false, true
		}
		if l == nil { // one GPU: nothing to send
			return 0, true, true
		}
		v, ok := l.At(x)
		return v, ok, true
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
		a, err := db.ContextAttention(shape())
		if err != nil {
			return 0, false, true
		}
		v, ok := a.At(r.float("b"), r.float("s"), r.float("prefix"))
		return v, ok, true
	case KindGenerationAttention:
		a, err := db.GenerationAttention(shape())
		if err != nil {
			return 0, false, true
		}
		v, ok := a.At(r.float("b"), r.float("s"))
		return v, ok, true
	case KindCustomAllReduce:
		l, err := db.CustomAllReduce(r.int("num_gpus"))
		return line(l, err, r.float("size"))
	case KindNCCL:
		l, err := db.NCCL(CommQuant(r.text("comm_quant")), NCCLOp(r.text("operation")), r.int("num_gpus"))
		return line(l, err, r.float("size"))
	case "p2p":
		return db.System.P2P(r.float("bytes")), true, true
	case "mem_op":
		return db.System.MemOp(r.float("bytes")), true, true
	}
	return 0, false, false
}

// Every query of the peer has the same status here, and the same value.
func TestQueriesMatchOracle(t *testing.T) {
	f, err := os.Open("testdata/ops.csv.gz")
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
		got, ok, known := row.answer(db)
		if !known {
			continue
		}
		kind := row.text("kind")
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
		if e := relativeError(got, want); e > c.worst {
			c.worst, c.worstRow = e, i+2
		}
	}
	for _, kind := range sortedKeys(tallies) {
		c := tallies[kind]
		t.Logf("%-21s %4d rows, %3d of them without data, worst relative error %.1e (line %d)", kind, c.rows, c.errors, c.worst, c.worstRow)
		if c.worst > oracleTolerance {
			t.Errorf("%s: line %d is off by %.2e, allowed is %.0e", kind, c.worstRow, c.worst, oracleTolerance)
		}
	}
	if len(tallies) != 7 {
		t.Errorf("compared %d kinds, want 7", len(tallies))
	}
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
		{"memory", h200.System.MemOp(123456789), 0.03515020546875},
		{"point to point", h200.System.P2P(123456789), 4.948271559999999},
	} {
		if e := relativeError(c.got, c.want); e > oracleTolerance {
			t.Errorf("%s: got %v, want %v (off by %.1e)", c.name, c.got, c.want, e)
		}
	}
}

func lineAt(t *testing.T, x float64) func(l *Line, err error) float64 {
	return func(l *Line, err error) float64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		v, ok := l.At(x)
		if !ok {
			t.Fatalf("no answer at %g", x)
		}
		return v
	}
}
