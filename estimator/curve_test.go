package estimator

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"servegrid/perftables"
)

// randomLine rises or falls at either end, with fractional knots now and then.
func randomLine(r *rand.Rand) *perftables.Line {
	l := &perftables.Line{Strict: r.IntN(3) == 0}
	x := float64(1 + r.IntN(50))
	for range 2 + r.IntN(8) {
		l.X = append(l.X, x)
		l.Y = append(l.Y, float64(1+r.IntN(20))/4)
		x += float64(1+r.IntN(400)) / 2
	}
	return l
}

// A folded curve equals the operators added up one by one: on knots, between
// them, and beyond both ends, where falling lines jump.
func TestFoldedCurveEqualsOperators(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		var ops []operator
		for range 1 + r.IntN(6) {
			op := operator{scale: float64(r.IntN(9)) / 2, cost: cost{kernel: perftables.Constant(0.25), perToken: []float64{1, 2, 8, 3}[r.IntN(4)]}}
			switch r.IntN(4) {
			case 0:
				op.cost.divide = 2
				op.cost.kernel = randomLine(r)
			case 1, 2:
				op.cost.kernel = randomLine(r)
			}
			ops = append(ops, op)
		}
		sum := newPhase(ops)
		xs := []float64{0, 1, 2, 3, 7, 1000, 1e6}
		for _, op := range ops {
			if l, ok := op.cost.kernel.(*perftables.Line); ok {
				for _, x := range l.X {
					x = math.Floor(x / op.cost.perToken)
					xs = append(xs, x-1, x, x+1)
				}
			}
		}
		for range 50 {
			xs = append(xs, float64(r.IntN(2500)))
		}
		for _, x := range xs {
			if x < 0 {
				continue
			}
			want, known := 0.0, true
			for _, op := range ops {
				v, ok := op.cost.at(x)
				want, known = want+v*op.scale, known && ok
			}
			got, ok := sum.at(x)
			if ok != known {
				t.Fatalf("at %g: answered = %v, want %v (range %g to %g)", x, ok, known, sum.sum.first, sum.sum.last)
			}
			if ok && math.Abs(got-want) > 1e-11*max(1, math.Abs(want)) {
				t.Fatalf("at %g: got %v, want %v", x, got, want)
			}
		}
	}
}

// The order of the candidates and what is scored beside them do not matter.
func TestScoreAggIsPointwise(t *testing.T) {
	db, err := perftables.Embedded().Open("h200_sxm", "sglang", "0.5.6.post2")
	if err != nil {
		t.Fatal(err)
	}
	m, err := LookupModel("Qwen/Qwen2.5-7B")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(Config{Model: m, DB: db, Quant: DefaultQuant(m, db), Layout: Layout{TP: 2, PP: 1, DP: 1, MoETP: 1, MoEEP: 1}})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(9, 10))
	w := Workload{ISL: 3000, OSL: 300, Prefix: 1000}
	var all AggPoints
	for range 500 {
		all.Append(1+r.IntN(600), 1+r.IntN(9000))
	}
	if err := p.ScoreAgg(w, &all); err != nil {
		t.Fatal(err)
	}
	ok := 0
	for i := range all.Len() {
		var one AggPoints
		one.Append(int(all.BatchSize[i]), int(all.CtxTokens[i]))
		if err := p.ScoreAgg(w, &one); err != nil {
			t.Fatal(err)
		}
		if one.Status[0] != all.Status[i] || one.TTFT[0] != all.TTFT[i] || one.TPOT[0] != all.TPOT[i] || one.MemoryGiB[0] != all.MemoryGiB[i] {
			t.Fatalf("batch %d, %d context tokens: alone %v/%v, in a block %v/%v", all.BatchSize[i], all.CtxTokens[i],
				one.TTFT[0], one.TPOT[0], all.TTFT[i], all.TPOT[i])
		}
		if one.Status[0] == OK {
			ok++
		}
	}
	if ok == 0 {
		t.Error("no candidate was scored")
	}
}

// More memory never makes a candidate infeasible, and a larger batch never makes
// an infeasible one fit.
func TestMemoryIsMonotone(t *testing.T) {
	m, err := LookupModel("meta-llama/Llama-3.1-70B")
	if err != nil {
		t.Fatal(err)
	}
	for _, system := range []string{"h100_sxm", "h200_sxm"} {
		db, err := perftables.Embedded().Open(system, "trtllm", "1.2.0rc5")
		if err != nil {
			t.Fatal(err)
		}
		var totals []float64
		for _, tp := range []int{1, 2, 4, 8} {
			p, err := Compile(Config{Model: m, DB: db, Quant: DefaultQuant(m, db), Layout: Layout{TP: tp, PP: 1, DP: 1, MoETP: 1, MoEEP: 1}})
			if err != nil {
				t.Fatal(err)
			}
			var last float64
			for b := 1; b < 600; b += 7 {
				total := p.Memory(b, Workload{ISL: 4000, OSL: 500}, 4000+b).Total()
				if total < last {
					t.Fatalf("%s tp %d: batch %d needs %v GiB, a smaller one %v", system, tp, b, total, last)
				}
				last = total
				totals = append(totals, total)
			}
		}
		small, large := totals[0]-1, totals[0]+1
		mm := memoryModel{capacity: small * GiB}
		bigger := memoryModel{capacity: large * GiB}
		for _, total := range totals {
			if mm.fits(total) && !bigger.fits(total) {
				t.Fatalf("%v GiB fit into %v but not into %v", total, small, large)
			}
		}
	}
}

func TestFloorDiv(t *testing.T) {
	for _, c := range []struct{ a, b, want float64 }{
		{7, 2, 3}, {6, 2, 3}, {1, 3, 0},
		{1, 0.1, 9},   // 0.1 is a little more than a tenth
		{0.3, 0.1, 2}, // although 0.3/0.1 rounds to 3
		{512, 5.333333333333333, 96},
	} {
		if got := FloorDiv(c.a, c.b); got != c.want {
			t.Errorf("FloorDiv(%v, %v): got %v, want %v", c.a, c.b, got, c.want)
		}
	}
	r := rand.New(rand.NewPCG(11, 12))
	for range 200000 {
		a, b := float64(1+r.IntN(512)), float64(1+r.IntN(60))/float64(1+r.IntN(4000))
		// The definition: what is left over is less than b.
		m := math.Mod(a, b)
		want := math.Floor((a - m) / b)
		if (a-m)/b-want > 0.5 {
			want++
		}
		if got := FloorDiv(a, b); got != want {
			t.Fatalf("FloorDiv(%v, %v): got %v, want %v", a, b, got, want)
		}
	}
}

func TestRound3(t *testing.T) {
	for _, c := range []struct{ v, want float64 }{{1.2345, 1.234}, {1.2355, 1.236}, {0.0005, 0}, {0.0015, 0.002}, {42824.4824, 42824.482}} {
		if got := Round3(c.v); got != c.want {
			t.Errorf("Round3(%v): got %v, want %v", c.v, got, c.want)
		}
	}
}

// Round3 rounds as math.RoundToEven does: for every whole number of thousandths up to
// two thousand, and for many in every magnitude.
func TestRound3RoundsToEven(t *testing.T) {
	check := func(v float64) {
		t.Helper()
		if got, want := Round3(v), math.RoundToEven(v*1000)/1000; got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("Round3(%v): got %v, want %v", v, got, want)
		}
	}
	for k := range 2_000_000 {
		check(float64(k) * 0.001)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2_000_000 {
		check(math.Ldexp(1+r.Float64(), r.IntN(70)-12))
	}
	for range 100_000 {
		check(math.Float64frombits(r.Uint64()))
	}
	for _, v := range []float64{0, -1.2345, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, math.SmallestNonzeroFloat64} {
		check(v)
	}
}

// Round3All gives the bits of Round3, for any number of numbers of any kind, into
// their own memory and into other.
func TestRound3All(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 2000 {
		v := make([]float64, n%37)
		for i := range v {
			v[i] = []float64{
				math.Ldexp(1+r.Float64(), r.IntN(70)-12), float64(r.IntN(2_000_000)) * 0.001, math.Float64frombits(r.Uint64()),
				-r.Float64() / 1000, math.Inf(1), math.NaN(),
			}[r.IntN(6)]
		}
		same, other := slices.Clone(v), make([]float64, len(v))
		Round3All(same, same)
		Round3All(other, v)
		for _, got := range [][]float64{same, other} {
			for i := range v {
				if want := Round3(v[i]); math.Float64bits(got[i]) != math.Float64bits(want) && !(math.IsNaN(got[i]) && math.IsNaN(want)) {
					t.Fatalf("%v of %d: got %v, want %v", v[i], len(v), got[i], want)
				}
			}
		}
	}
}

func TestCatalogueIsConsistent(t *testing.T) {
	var seen []string
	for _, e := range catalogue {
		for _, id := range append(slices.Clone(e.ids), e.builtin) {
			if slices.Contains(seen, id) {
				t.Errorf("%s is listed twice", id)
			}
			seen = append(seen, id)
			m, err := LookupModel(id)
			if err != nil {
				t.Errorf("%s: %v", id, err)
				continue
			}
			if m.KVHeads > 0 && m.Heads%m.KVHeads != 0 || m.Builtin != e.builtin {
				t.Errorf("%s: odd figures %+v", id, m)
			}
		}
	}
}
