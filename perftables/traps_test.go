package perftables

import (
	"math"
	"math/big"
	"testing"
)

// Traps of the reference that a rewrite walks into, by their numbers in the
// specification of these tables. The others have tests of their own: the cubic
// and line rules (1, 5) in line_test.go, which row counts (2) in the importer,
// the grids (3, 4) in embedded_test.go, prefixes and negative cells (8, 21) in
// oracle_test.go. Unrounded figures (18) are what both comparisons with the
// reference rest on, fused products (20) are looked for in the compiled code.
func TestTraps(t *testing.T) {
	open := func(system, backend, version string) *Database {
		db, err := Embedded().Open(system, backend, version)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	h200 := open("h200_sxm", "vllm", "0.12.0")
	gb200 := open("gb200_sxm", "trtllm", "1.2.0rc5")
	b200 := open("b200_sxm", "trtllm", "1.2.0rc5")
	half := func(heads, kvHeads int) AttentionShape {
		return AttentionShape{Heads: heads, KVHeads: kvHeads, HeadDim: 128, KV: KVFloat16, FMHA: FMHAFloat16}
	}
	at := func(k Kernel, err error) func(x float64) float64 {
		return func(x float64) float64 { return lineAt(t, x)(k, err) }
	}
	decode := func(db *Database, a AttentionShape, b, length float64) float64 {
		t.Helper()
		g, err := db.GenerationAttention(a)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := g.At(b, length)
		if !ok {
			t.Fatalf("no answer for %+v at batch %g, length %g", a, b, length)
		}
		return v
	}
	same := func(t *testing.T, what string, got, want float64) {
		t.Helper()
		if e := relativeError(got, want); !(e <= oracleTolerance) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}

	t.Run("6 a hit on a knot takes the interval to its right", func(t *testing.T) {
		keys := []int{1, 2, 4}
		for x, want := range map[int]int{0: 0, 1: 0, 2: 1, 3: 1, 4: 1, 5: 1} {
			if got := segment(keys, x); got != want {
				t.Errorf("segment of %d: got %d, want %d", x, got, want)
			}
		}
		// The last head count answers although nothing is on its right.
		g, err := h200.grid(KindGenerationAttention, "float16", "8", "128", "0")
		if err != nil {
			t.Fatal(err)
		}
		last := len(g.x) - 1
		got := decode(h200, half(int(g.x[last]), 8), g.y[0], g.z[1])
		same(t, "last head count", got, g.plane(last)[1])
	})
	t.Run("7 one head with its own KV head is not multi-query", func(t *testing.T) {
		for _, c := range []struct {
			a    AttentionShape
			want string
		}{{half(1, 1), "0"}, {half(8, 8), "0"}, {half(8, 1), "1"}, {half(16, 8), "8"}} {
			if got := c.a.kvKey(); got != c.want {
				t.Errorf("%d heads, %d KV heads: looked up under %s, want %s", c.a.Heads, c.a.KVHeads, got, c.want)
			}
		}
		if _, err := h200.ContextAttention(half(1, 1)); err != nil {
			t.Error(err) // multi-query was measured from 2 heads on
		}
	})
	t.Run("9 fewer heads than measured for a number of KV heads", func(t *testing.T) {
		for heads, want := range map[int]bool{9: false, 15: false, 16: true, 17: true, 128: true, 129: false} {
			if _, err := h200.GenerationAttention(half(heads, 8)); (err == nil) != want {
				t.Errorf("%d heads of 8 KV heads: got error %v, want an answer: %v", heads, err, want)
			}
		}
	})
	t.Run("10 no grid is extended to 64 heads", func(t *testing.T) {
		got := decode(h200, half(64, 64), 32, 4096)
		low, high := decode(h200, half(56, 56), 32, 4096), decode(h200, half(72, 72), 32, 4096)
		same(t, "64 heads", got, (low+high)/2)
	})
	t.Run("11 ends of the GEMM grid", func(t *testing.T) {
		for n, want := range map[int]bool{31: false, 32: true, 262144: true, 262145: false} {
			if _, err := h200.GEMM(GEMMFP8, n, 4096); (err == nil) != want {
				t.Errorf("n %d: got error %v, want an answer: %v", n, err, want)
			}
			if _, err := h200.GEMM(GEMMFP8, 4096, n); (err == nil) != want {
				t.Errorf("k %d: got error %v, want an answer: %v", n, err, want)
			}
		}
		k, err := h200.GEMM(GEMMFP8, 4096, 4096)
		if err != nil {
			t.Fatal(err)
		}
		f := at(k, nil)
		same(t, "between the rows 8192 and 16384", f(12288), (f(8192)+f(16384))/2)
		for m, want := range map[float64]bool{0: false, 1: true, 16777216: true, 16777217: false} {
			if _, ok := k.At(m); ok != want {
				t.Errorf("m %g: answered = %v, want %v", m, ok, want)
			}
		}
	})
	t.Run("12 no way back from the low-latency MoE kernels", func(t *testing.T) {
		// The low-latency table has nothing for 384 experts.
		m := MoEShape{Hidden: 7168, Inter: 2048, TopK: 8, Experts: 384, TP: 1, EP: 8, Quant: MoENVFP4, Distribution: "power_law_1.2"}
		k, err := b200.MoE(m)
		if err != nil {
			t.Fatal(err)
		}
		for tokens, want := range map[float64]bool{1: false, 128: false, 129: true} {
			if _, ok := k.At(tokens); ok != want {
				t.Errorf("%g tokens: answered = %v, want %v", tokens, ok, want)
			}
		}
		hybrid, formula := at(b200.WithMode(Hybrid).MoE(m)), at(b200.WithMode(Empirical).MoE(m))
		same(t, "HYBRID, 128 tokens", hybrid(128), formula(128))
		same(t, "HYBRID, 129 tokens", hybrid(129), at(k, nil)(129))
	})
	t.Run("13 what HYBRID falls back to", func(t *testing.T) {
		// Nothing is measured for int8 caches. Zero KV heads leave out the
		// traffic of keys and values.
		own, none := half(32, 32), half(32, 0)
		own.KV, none.KV = KVInt8, KVInt8
		same(t, "attention", decode(h200.WithMode(Hybrid), own, 4, 4096), decode(h200.WithMode(Empirical), none, 4, 4096))
		if decode(h200.WithMode(Empirical), own, 4, 4096) <= 2*decode(h200.WithMode(Hybrid), own, 4, 4096) {
			t.Error("attention: EMPIRICAL leaves out keys and values as well")
		}
		// Without any table the number of KV heads stays what it is.
		bare := &Database{System: h200.System, Backend: "vllm", Version: "none", Mode: Hybrid, store: &store{}}
		same(t, "attention without a table", decode(bare, own, 4, 4096), decode(h200.WithMode(Empirical), own, 4, 4096))
		// int4_wo stands for float16 once it is not found, 3 heads are not found
		// either; without any table it stays what it is.
		sglang := open("h200_sxm", "sglang", "0.5.6.post2")
		same(t, "MLA BMM", at(sglang.WithMode(Hybrid).MLABMM(3, GEMMInt4WO, true))(100), at(sglang.WithMode(Empirical).MLABMM(3, GEMMFloat16, true))(100))
		same(t, "MLA BMM without a table", at(h200.WithMode(Hybrid).MLABMM(3, GEMMInt4WO, true))(100), at(h200.WithMode(Empirical).MLABMM(3, GEMMInt4WO, true))(100))
		for _, mode := range Modes() {
			if _, err := h200.WithMode(Mode(mode)).ContextAttention(half(8, 9)); err == nil {
				t.Errorf("%s: 9 KV heads for 8 heads are accepted", mode)
			}
		}
		for mode, want := range map[Mode]bool{Silicon: true, Hybrid: true, Empirical: false, SOL: false} {
			if _, err := sglang.WithMode(mode).DeepEPLowLatency(2, 256, 8, 7168); (err == nil) != want {
				t.Errorf("DeepEP in %s: got error %v, want an answer: %v", mode, err, want)
			}
		}
		if _, err := sglang.WithMode(Hybrid).DeepEPLowLatency(0.5, 256, 8, 7168); err == nil {
			t.Error("HYBRID has an answer for DeepEP on half a node")
		}
	})
	t.Run("14 where the scaling of collectives starts", func(t *testing.T) {
		// Both go from the 8 GPUs of a node to 16 over the slower link.
		const ratio = 15.0 / 16 * 8 / 7 * 4.5e11 / 2.5e10
		same(t, "all-reduce", at(h200.CustomAllReduce(16))(1e6), ratio*at(h200.CustomAllReduce(8))(1e6))
		same(t, "NCCL", at(h200.NCCL(CommHalf, AllGather, 16))(1e6), ratio*at(h200.NCCL(CommHalf, AllGather, 8))(1e6))
		for _, gpus := range []int{3, 6} {
			if _, err := h200.NCCL(CommHalf, AllGather, gpus); err == nil {
				t.Errorf("%d GPUs have an answer, nothing lies between the measured counts", gpus)
			}
		}
	})
	t.Run("15 racks of 72 GPUs with nodes of 4", func(t *testing.T) {
		for tp, want := range map[int]bool{2: true, 4: true, 8: false, 72: false} {
			if _, err := gb200.CustomAllReduce(tp); (err == nil) != want {
				t.Errorf("all-reduce over %d GPUs: got error %v, want an answer: %v", tp, err, want)
			}
		}
		base := at(gb200.NCCL(CommHalf, AllReduce, 64))(1e6)
		for _, c := range []struct {
			gpus int
			link float64
		}{{65, 1}, {72, 1}, {73, 36}, {144, 36}} {
			g := float64(c.gpus)
			same(t, "NCCL beyond the table", at(gb200.NCCL(CommHalf, AllReduce, c.gpus))(1e6), base*((g-1)/g*64/63*c.link))
		}
	})
	t.Run("16 which NCCL measurements are used", func(t *testing.T) {
		for system, want := range map[string]string{
			"a100_sxm": "2.27.3", "h100_sxm": "2.27.3", "h200_sxm": "2.26.2", "b200_sxm": "2.27.3", "gb200_sxm": "2.23", "l40s": "2.27.3",
		} {
			if s, _ := LookupSystem(system); s.NCCLVersion != want {
				t.Errorf("%s: got %s, want %s", system, s.NCCLVersion, want)
			}
		}
		used, _ := embeddedTable(t, "h200_sxm/nccl/2.26.2/nccl.tbl")
		if h200.tables[KindNCCL].digest != used.digest {
			t.Error("h200_sxm does not use the NCCL table that its description names")
		}
	})
	t.Run("17 message sizes are element counts", func(t *testing.T) {
		for _, q := range []CommQuant{CommHalf, CommInt8} {
			l, err := h200.commLine(KindNCCL, 8, string(q), string(AllGather))
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range l.X {
				same(t, string(q), at(h200.NCCL(q, AllGather, 8))(x), l.Y[i])
			}
		}
	})
	t.Run("19 large products", func(t *testing.T) {
		// 4 b n d T² / 2 leaves 64 bits behind.
		c, err := h200.WithMode(SOL).ContextAttention(half(128, 8))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := c.At(2048, 1<<20, 0)
		ops := new(big.Int).Lsh(big.NewInt(2*2048*128*128), 40)
		exact, _ := new(big.Float).SetInt(ops).Float64()
		same(t, "context attention", got, exact/h200.System.Float16Rate*1000)
		// Whole-number division: 3 tokens of one expert each over 8 ranks leave
		// none to this one, and no weights to read; its share of the arithmetic
		// remains.
		m := MoEShape{Hidden: 4096, Inter: 1536, TopK: 1, Experts: 128, TP: 1, EP: 8, Quant: MoEFP8}
		same(t, "MoE", at(h200.WithMode(SOL).MoE(m))(3), math.Floor(3*4096*1536*3*2/8.0)/(h200.System.Float16Rate*2)*1000)
	})
}
