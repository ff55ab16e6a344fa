package perftables

import (
	"math"
	"slices"
	"strconv"
	"testing"
)

// rawSet is the embedded tables read as generation raw.
func rawSet() *Set {
	l := Embedded().layers[0]
	l.Name, l.Generation = "raw", GenerationRaw
	return Layers(l)
}

func openRaw(t *testing.T, system, backend, version string) *Database {
	t.Helper()
	db, err := rawSet().Open(system, backend, version)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) }

// measured visits every 7th row of a kind.
func measured(t *testing.T, db *Database, kind Kind, visit func(key []string, r Row)) {
	t.Helper()
	tab, err := db.tables[kind].unpack()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range tab.Slices {
		for _, r := range s.Rows {
			if n++; n%7 == 0 {
				visit(s.Key, r)
			}
		}
	}
}

func atoi(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A raw table gives every measured point back.
func TestRawIsExactOnMeasuredPoints(t *testing.T) {
	db := openRaw(t, "h200_sxm", "trtllm", "1.2.0rc5")
	check := func(kind Kind, key []string, r Row, got float64, ok bool) {
		if !ok || !near(got, r.Latency) {
			t.Errorf("%s %v at %v: got %v, %v, want %v", kind, key, r.Coords, got, ok, r.Latency)
		}
	}
	measured(t, db, KindGEMM, func(key []string, r Row) {
		k, err := db.GEMM(GEMMQuant(key[0]), r.Coords[1], r.Coords[2])
		if err != nil {
			t.Fatal(err)
		}
		v, ok := k.At(float64(r.Coords[0]))
		check(KindGEMM, key, r, v, ok)
	})
	shape := func(heads int, kvn, dim, window string) AttentionShape {
		a := AttentionShape{Heads: heads, KVHeads: atoi(t, kvn), HeadDim: atoi(t, dim), Window: atoi(t, window)}
		if a.KVHeads == 0 {
			a.KVHeads = heads
		}
		return a
	}
	measured(t, db, KindContextAttention, func(key []string, r Row) {
		a := shape(r.Coords[0], key[2], key[3], key[4])
		a.FMHA, a.KV = FMHAQuant(key[0]), KVQuant(key[1])
		k, err := db.ContextAttention(a)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := k.At(float64(r.Coords[2]), float64(r.Coords[1]), 0)
		check(KindContextAttention, key, r, v, ok)
	})
	measured(t, db, KindGenerationAttention, func(key []string, r Row) {
		a := shape(r.Coords[0], key[1], key[2], key[3])
		a.KV = KVQuant(key[0])
		k, err := db.GenerationAttention(a)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := k.At(float64(r.Coords[1]), float64(r.Coords[2]))
		check(KindGenerationAttention, key, r, v, ok)
	})
	measured(t, db, KindContextMLA, func(key []string, r Row) {
		k, err := db.ContextMLA(r.Coords[0], KVQuant(key[1]), FMHAQuant(key[0]))
		if err != nil {
			t.Fatal(err)
		}
		v, ok := k.At(float64(r.Coords[2]), float64(r.Coords[1]), 0)
		check(KindContextMLA, key, r, v, ok)
	})
	measured(t, db, KindGenerationMLA, func(key []string, r Row) {
		k, err := db.GenerationMLA(r.Coords[0], KVQuant(key[0]))
		if err != nil {
			t.Fatal(err)
		}
		v, ok := k.At(float64(r.Coords[1]), float64(r.Coords[2]))
		check(KindGenerationMLA, key, r, v, ok)
	})
	measured(t, db, KindNCCL, func(key []string, r Row) {
		k, err := db.NCCL(CommQuant(key[0]), NCCLOp(key[1]), r.Coords[0])
		if err != nil {
			t.Fatal(err)
		}
		v, ok := k.At(float64(r.Coords[1]))
		check(KindNCCL, key, r, v, ok)
	})
}

// Beyond the measurements the distance from the speed of light is that of the
// boundary, so that twice the work takes about twice the time, and everything has
// an answer.
func TestRawHoldsUtilisationOutside(t *testing.T) {
	db := openRaw(t, "h200_sxm", "trtllm", "1.2.0rc5")
	ratio := func(name string, at func(x float64) (float64, bool), x, want float64) {
		t.Helper()
		a, ok1 := at(x)
		b, ok2 := at(2 * x)
		if got := b / a; !ok1 || !ok2 || math.Abs(got/want-1) > 0.01 {
			t.Errorf("%s from %g to %g: times %v (%v, %v), want about %v", name, x, 2*x, got, ok1, ok2, want)
		}
	}
	gemm, err := db.GEMM(GEMMFP8, 8192, 8192)
	if err != nil {
		t.Fatal(err)
	}
	ratio("gemm rows", gemm.At, 1<<18, 2)
	ratio("gemm rows beyond all knots", gemm.At, 1<<25, 2)
	attention := AttentionShape{Heads: 64, KVHeads: 8, HeadDim: 128, KV: KVFP8, FMHA: FMHAFP8}
	c, err := db.ContextAttention(attention)
	if err != nil {
		t.Fatal(err)
	}
	ratio("context length", func(x float64) (float64, bool) { return c.At(1, x, 0) }, 1<<19, 4)
	ratio("context batch", func(x float64) (float64, bool) { return c.At(x, 16384, 0) }, 1<<10, 2)
	g, err := db.GenerationAttention(attention)
	if err != nil {
		t.Fatal(err)
	}
	ratio("generation length", func(x float64) (float64, bool) { return g.At(64, x) }, 1<<20, 2)
	reduce, err := db.CustomAllReduce(8)
	if err != nil {
		t.Fatal(err)
	}
	ratio("all-reduce", reduce.At, 1<<31, 2)
	for _, heads := range []int{1, 3, 7, 500} {
		attention.Heads, attention.KVHeads = heads, heads
		k, err := db.ContextAttention(attention)
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := k.At(3, 777, 11); !ok || !(v > 0) {
			t.Errorf("%d heads: %v, %v", heads, v, ok)
		}
	}
}

// A cached prefix costs less than computing it, and more than nothing.
func TestRawPrefix(t *testing.T) {
	db := openRaw(t, "h200_sxm", "vllm", "0.12.0")
	c, err := db.ContextAttention(AttentionShape{Heads: 32, KVHeads: 8, HeadDim: 128, KV: KVFloat16, FMHA: FMHAFloat16})
	if err != nil {
		t.Fatal(err)
	}
	alone, _ := c.At(4, 1000, 0)
	with, _ := c.At(4, 1000, 7000)
	whole, _ := c.At(4, 8000, 0)
	if !(alone < with && with < whole) {
		t.Errorf("1000 tokens alone %v, after 7000 %v, 8000 tokens %v ms", alone, with, whole)
	}
}

// Fast kernels and their straight lines agree.
func TestRawPieces(t *testing.T) {
	db := openRaw(t, "b200_sxm", "trtllm", "1.2.0rc5")
	gemm, err := db.GEMM(GEMMNVFP4, 5000, 7168)
	if err != nil {
		t.Fatal(err)
	}
	moe, err := db.MoE(MoEShape{Hidden: 7168, Inter: 2048, TopK: 8, Experts: 256, TP: 1, EP: 8, Quant: MoENVFP4, Distribution: "power_law_1.2"})
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]Kernel{"gemm": gemm, "moe": moe} {
		p := k.Pieces()
		for x := 1.0; x < 1e8; x *= 1.37 {
			want, ok := k.At(x)
			i, _ := slices.BinarySearchFunc(p.List, x, func(q Piece, x float64) int {
				if q.X <= x {
					return -1
				}
				return 1
			})
			q := p.List[max(i-1, 0)]
			if got := q.Value + q.Slope*(x-q.X); !ok || math.Abs(got/want-1) > 1e-9 {
				t.Errorf("%s at %g: lines say %v, the kernel %v, %v", name, x, got, want, ok)
			}
		}
	}
}

// Left-out measurements come back within what docs/accuracy_tables.md says.
func TestLeaveOneOut(t *testing.T) {
	tables, err := rawSet().Tables()
	if err != nil {
		t.Fatal(err)
	}
	limits := map[Kind]float64{KindGEMM: 0.03, KindContextAttention: 0.02, KindGenerationAttention: 0.02}
	for i := range tables {
		info := &tables[i]
		limit, ok := limits[info.Kind]
		if !ok || info.System != "h200_sxm" || info.Backend != "vllm" {
			continue
		}
		tab, err := info.Load()
		if err != nil {
			t.Fatal(err)
		}
		var errs []float64
		info.LeaveOneOut(tab, 37, func(l LeaveOneOut) {
			if !l.Outside {
				errs = append(errs, math.Abs(l.Error()))
			}
		})
		slices.Sort(errs)
		if median := errs[len(errs)/2]; median > limit {
			t.Errorf("%s: median error %.4f of %d, want at most %.2f", info.Name(), median, len(errs), limit)
		}
	}
}
