package perftables

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
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

// holes punches every 3rd measurement out of a slice of a table, and returns the
// rest as a grid with what was punched out.
func holes(t *testing.T, info *TableInfo, visit func(g *rawGrid, out []Row)) {
	t.Helper()
	tab, err := info.Load()
	if err != nil {
		t.Fatal(err)
	}
	sys, _ := info.layer.system(info.System)
	for _, s := range tab.Slices {
		var kept, out []Row
		for i, r := range s.Rows {
			if i%3 == 1 {
				out = append(out, r)
			} else {
				kept = append(kept, r)
			}
		}
		if len(out) > 0 {
			visit(newRawGrid(kept, sys.boundOf(info.Kind, s.Key)), out)
		}
	}
}

// What is estimated is finite and above 0, lies between measurements that rise
// around it, and is the same whoever asks first.
func TestRawEstimates(t *testing.T) {
	tables, err := rawSet().Tables()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range tables {
		info := &tables[i]
		if !gridded[info.Kind] || info.System != "h200_sxm" || info.Backend != "vllm" {
			continue
		}
		holes(t, info, func(g *rawGrid, out []Row) {
			for _, r := range out {
				at := [3]int{}
				for d := range at {
					found := false
					if at[d], found = slices.BinarySearch(g.axes[d], float64(r.Coords[d])); !found {
						at[d] = -1
					}
				}
				if slices.Contains(at[:], -1) {
					continue
				}
				n++
				v := g.cell(at)
				if !(v > 0) || math.IsInf(v, 0) || v != g.estimate(at) {
					t.Fatalf("%s at %v: estimated %v, then %v", info.Name(), r.Coords, v, g.estimate(at))
				}
				if v != g.at(float64(r.Coords[0]), float64(r.Coords[1]), float64(r.Coords[2])) {
					t.Fatalf("%s at %v: the grid does not answer its estimate %v", info.Name(), r.Coords, v)
				}
				least, most := 0.0, math.Inf(1)
				for d := range at {
					low, high, ok := g.sides(at, d)
					if !ok {
						continue
					}
					if a, b := g.lat[g.index(moved(at, d, low))], g.lat[g.index(moved(at, d, high))]; a <= b {
						least, most = max(least, a), min(most, b)
					}
				}
				if least <= most && (v < least || v > most) {
					t.Fatalf("%s at %v: estimated %v, around it %v to %v", info.Name(), r.Coords, v, least, most)
				}
			}
		})
	}
	if n < 10_000 {
		t.Errorf("%d points were estimated, want thousands", n)
	}
}

// Latencies that are sums of a launch, work of one coordinate and work of a
// product have every missing point estimated well, whatever the others are.
func TestRawEstimatesPlainKernels(t *testing.T) {
	for name, latency := range map[string]func(x, y, z float64) float64{
		"flat":      func(_, _, _ float64) float64 { return 0.01 },
		"bandwidth": func(x, y, z float64) float64 { return x * y * z * 1e-7 },
		"step":      func(_, y, _ float64) float64 { return 0.01 + 0.01*math.Ceil(y/16) },
		"product":   func(_, y, z float64) float64 { return max(0.01, y*z*1e-6) },
	} {
		var rows []Row
		for _, x := range []int{8, 16, 32} {
			for y := 1; y <= 256; y *= 2 {
				for z := 16; z <= 8192; z *= 2 {
					rows = append(rows, Row{Coords: [3]int{x, y, z}, Latency: latency(float64(x), float64(y), float64(z))})
				}
			}
		}
		g := newRawGrid(rows, func(x, y, z float64) float64 { return x * y * z * 1e-8 })
		for _, r := range rows {
			at := g.find(r)
			if !g.inside(at) {
				continue
			}
			cell := g.index(at)
			g.set(cell, math.NaN())
			if v := g.estimate(at); math.Abs(v/r.Latency-1) > 0.005 {
				t.Errorf("%s at %v: estimated %v, want %v", name, r.Coords, v, r.Latency)
			}
			g.set(cell, r.Latency)
		}
	}
}

// Latencies that are not above 0 have no say in estimates, and break nothing.
func TestRawIgnoresWhatIsNotPositive(t *testing.T) {
	var rows []Row
	for i := range 27 {
		if at := [3]int{1 + i%3, 1 + i/3%3, 1 + i/9}; at != [3]int{2, 2, 2} {
			rows = append(rows, Row{Coords: at})
		}
	}
	rows[0].Latency = 1
	for _, rest := range []float64{0, -1} {
		for i := range rows[1:] {
			rows[1+i].Latency = rest
		}
		g := newRawGrid(rows, func(x, y, z float64) float64 { return 2 })
		if v := g.at(2, 2, 2); v != 1 {
			t.Errorf("with one measurement of 1 and others of %v: %v, want 1", rest, v)
		}
	}
}

// A monotone cubic goes through its points and stays between them.
func TestCubics(t *testing.T) {
	for _, y := range [][]float64{{1, 2, 4, 8, 16}, {1, 1, 1, 5, 5}, {3, 1, 2, 0, 7}, {1, 100, 101, 102, 1000}, {4, 3}, {2}} {
		x := []float64{0, 1, 1.5, 4, 5}[:len(y)]
		c := newCubics(x, y)
		for i := range y {
			if v := c.at(x, x[i]); v != y[i] {
				t.Errorf("%v at %v: got %v", y, x[i], v)
			}
			if i == 0 {
				continue
			}
			low, high := min(y[i-1], y[i]), max(y[i-1], y[i])
			before := y[i-1]
			for step := range 100 {
				v := c.at(x, x[i-1]+(x[i]-x[i-1])*float64(step)/100)
				if v < low-1e-12 || v > high+1e-12 || (v-before)*(y[i]-y[i-1]) < -1e-12 {
					t.Errorf("%v between %v and %v: got %v after %v", y, x[i-1], x[i], v, before)
				}
				before = v
			}
		}
	}
}

// answersOfRawRevision is a hash of answers of each revision of generation raw.
// When the test fails answers have changed: raise RawRevision, so that no stored
// shard passes for a new one, and put the new hash here.
var answersOfRawRevision = map[int]string{
	2: "9dfae8df5f3a794e1269fc3a33432b049ddccb2f4b0c3fea2507e0b61adab569",
}

func TestRawRevision(t *testing.T) {
	h := sha256.New()
	note := func(v float64, ok bool) { fmt.Fprintf(h, "%.9g %v\n", v, ok) }
	for _, c := range [][3]string{{"h200_sxm", "trtllm", "1.2.0rc5"}, {"h200_sxm", "vllm", "0.12.0"}, {"l40s", "sglang", "0.5.5.post3"}} {
		db := openRaw(t, c[0], c[1], c[2])
		gemm, err := db.GEMM(GEMMFP8, 5120, 3000)
		if err != nil {
			t.Fatal(err)
		}
		attention := AttentionShape{Heads: 20, KVHeads: 4, HeadDim: 128, KV: KVFloat16, FMHA: FMHAFloat16}
		context, err := db.ContextAttention(attention)
		if err != nil {
			t.Fatal(err)
		}
		generation, err := db.GenerationAttention(attention)
		if err != nil {
			t.Fatal(err)
		}
		for x := 1.0; x < 1e6; x *= 1.9 {
			note(gemm.At(x))
			note(context.At(3, x, 0))
			note(context.At(7, 100, x))
			note(generation.At(1, x))
			note(generation.At(x/100, 3000))
		}
	}
	got := hex.EncodeToString(h.Sum(nil))
	if want := answersOfRawRevision[RawRevision]; got != want {
		t.Errorf("the answers of revision %d hash to %q, recorded is %q: answers have changed, raise RawRevision", RawRevision, got, want)
	}
	if d := openRaw(t, "h200_sxm", "vllm", "0.12.0").Digests(); !strings.HasPrefix(d[len(d)-1], fmt.Sprintf("read:raw.%d ", RawRevision)) {
		t.Errorf("digests do not carry the revision: %v", d)
	}
}

// The answer for a measurement that is left out does not depend on it.
func TestLeaveOneOutDoesNotPeek(t *testing.T) {
	tables, err := rawSet().Tables()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(tables, func(i TableInfo) bool { return i.Name() == "h200_sxm/vllm/0.12.0/generation_attention" })
	tab, err := tables[i].Load()
	if err != nil {
		t.Fatal(err)
	}
	rows := slices.Clone(tab.Slices[0].Rows)
	least := slices.IndexFunc(rows, func(r Row) bool { return r.Latency == floorOf(rows) })
	rows[0], rows[least] = rows[least], rows[0]
	answers := func(rows []Row) (first float64) {
		one := Table{Kind: tab.Kind, Slices: []Slice{{Key: tab.Slices[0].Key, Rows: rows}}}
		tables[i].LeaveOneOut(&one, len(rows), func(l LeaveOneOut) { first = l.Answer })
		return first
	}
	for j := 0; j < len(rows); j += 17 {
		rows[0], rows[j] = rows[j], rows[0]
		want := answers(rows)
		for _, factor := range []float64{1e-3, 3} {
			was := rows[0].Latency
			rows[0].Latency *= factor
			if got := answers(rows); got != want {
				t.Errorf("at %v: %v, and %v when the measurement is %g times as long", rows[0].Coords, want, got, factor)
			}
			rows[0].Latency = was
		}
	}
}

// Left-out measurements come back within what docs/accuracy_tables.md says.
func TestLeaveOneOut(t *testing.T) {
	tables, err := rawSet().Tables()
	if err != nil {
		t.Fatal(err)
	}
	limits := map[Kind]float64{KindGEMM: 0.02, KindContextAttention: 0.015, KindGenerationAttention: 0.015}
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
