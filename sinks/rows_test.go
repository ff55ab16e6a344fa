package sinks

import (
	"fmt"
	"math"
	"math/rand/v2"

	"servegrid/internal/schema"
)

// aggBlock returns n realistic rows of agg_points: one layout, a grid of
// workloads, batch sizes and context tokens, full-precision metrics.
func aggBlock(n, layout int) *schema.Rows {
	r := schema.NewRows(schema.AggPoints)
	r.N = n
	for i := range r.Cols {
		switch d := &schema.AggPoints.Columns[i]; d.Type {
		case schema.String:
			r.Cols[i].SetText(d.Name + "-value")
		case schema.Int32:
			r.Cols[i].SetInt(1 << (layout % 4))
		case schema.Float64:
			r.Cols[i].Float = make([]float64, n)
		case schema.Bool:
			r.Cols[i].Bool = make([]bool, n)
		}
	}
	r.Col("shard_key").SetText(fmt.Sprintf("%064x", layout/8))
	ints := func(name string) []int32 {
		v := make([]int32, n)
		r.Col(name).Int = v
		return v
	}
	isl, osl, bs, gbs, ctx, conc := ints("isl"), ints("osl"), ints("bs"), ints("global_bs"), ints("ctx_tokens"), ints("replica_concurrency")
	f := func(name string) []float64 { return r.Col(name).Float }
	ttft, tpot, lat, seq := f("ttft_ms"), f("tpot_ms"), f("request_latency_ms"), f("replica_seq_per_s")
	tps, tpg, tpu, mem := f("replica_tokens_per_s"), f("tokens_per_s_per_gpu"), f("tokens_per_s_per_user"), f("memory_gib")
	ok := r.Col("feasible").Bool
	reason := r.Col("reason")
	*reason = schema.Col{Dict: []string{"", "out_of_memory"}, Code: make([]int32, n)}
	for i := range n {
		b, c, w := int32(i%40), int32(i/40%12), int32(i/480)
		isl[i], osl[i] = 1000*(1+w%8), 250*(1+w/8%4)
		bs[i] = 1 + b*(b+1)/2
		gbs[i] = 2 * bs[i]
		ctx[i] = isl[i] + 512*c
		conc[i] = gbs[i]
		x := float64(bs[i])
		tpot[i] = 7 + 0.0313*x*float64(layout+3) + float64(isl[i])*x*1.31e-6 + float64(c)*0.0017
		ttft[i] = float64(isl[i])*0.0731/float64(layout%4+1)*(1+x/97) + float64(c)
		lat[i] = ttft[i] + tpot[i]*float64(osl[i]-1)
		seq[i] = 1000 * x / lat[i]
		tps[i] = seq[i] * float64(osl[i]-1)
		tpg[i] = tps[i] / 2
		tpu[i] = 1000 / tpot[i]
		mem[i] = 37.25 + x*float64(isl[i]+osl[i])*1.22e-4
		ok[i] = mem[i] < 141
		if !ok[i] {
			reason.Code[i] = 1
		}
	}
	return r
}

// randomRows returns n rows of any table with short random values: constants,
// runs and noise, nulls where they are allowed.
func randomRows(rng *rand.Rand, t *schema.Table, n int) *schema.Rows {
	r := schema.NewRows(t)
	r.N = n
	for i := range r.Cols {
		d, c := &t.Columns[i], &r.Cols[i]
		size, repeat := n, 1+rng.IntN(40)*rng.IntN(2)
		if size == 0 || rng.IntN(3) == 0 {
			size = 1
		}
		switch d.Type {
		case schema.String:
			for range 1 + rng.IntN(300)*rng.IntN(2) {
				c.Dict = append(c.Dict, []string{"", "é", "tp", "Qwen/Qwen3-32B"}[rng.IntN(4)]+fmt.Sprint(rng.IntN(100)))
			}
			if size == n || rng.IntN(2) == 0 {
				c.Code = fill(size, repeat, func() int32 { return int32(rng.IntN(len(c.Dict))) })
			}
		case schema.Int32:
			span := []int{2, 40, 300, math.MaxInt32}[rng.IntN(4)]
			c.Int = fill(size, repeat, func() int32 { return int32(rng.IntN(span) - span/2) })
		case schema.Float64:
			c.Float = fill(size, repeat, func() float64 { return math.Round(rng.NormFloat64()*1e6) / 1000 })
		case schema.Bool:
			c.Bool = fill(size, repeat, func() bool { return rng.IntN(2) == 0 })
		}
		if d.Nullable {
			switch rng.IntN(4) {
			case 0:
				c.Valid = []bool{rng.IntN(2) == 0}
			case 1, 2:
				c.Valid = fill(n, repeat, func() bool { return rng.IntN(3) > 0 })
			}
		}
	}
	return r
}

func fill[T any](n, repeat int, next func() T) []T {
	v := make([]T, n)
	for i := range v {
		if i%repeat == 0 {
			v[i] = next()
		} else {
			v[i] = v[i-1]
		}
	}
	return v
}

// part returns rows lo to hi of r, with some constants spelled out in full.
func part(rng *rand.Rand, r *schema.Rows, lo, hi int) *schema.Rows {
	p := schema.NewRows(r.Table)
	p.N = hi - lo
	for i := range r.Cols {
		c, q := &r.Cols[i], &p.Cols[i]
		full := p.N > 0 && rng.IntN(2) == 0
		q.Dict = c.Dict
		q.Code = cut(c.Code, lo, hi, full)
		q.Int = cut(c.Int, lo, hi, full)
		q.Float = cut(c.Float, lo, hi, full)
		q.Bool = cut(c.Bool, lo, hi, full)
		q.Valid = cut(c.Valid, lo, hi, full)
		if r.N == 1 && len(c.Valid) == 1 && p.N == 1 {
			q.Valid = c.Valid
		}
	}
	return p
}

func cut[T any](v []T, lo, hi int, full bool) []T {
	switch {
	case len(v) == 0:
		return nil
	case len(v) > 1:
		return v[lo:hi]
	case full:
		return fill(hi-lo, hi-lo, func() T { return v[0] })
	}
	return v
}
