package calibrate

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"servegrid/estimator"
)

// Answer is what one estimator says about a case; NaN where it says nothing.
type Answer struct{ TTFT, TPOT float64 }

// Latency is that of a whole request, ms.
func (a Answer) Latency(osl int) float64 { return a.TTFT + a.TPOT*float64(osl-1) }

// Reference is the answer of the reference estimator.
func Reference(c *Case) Answer {
	var pts estimator.AggPoints
	pts.Append(max(1, int(math.Round(float64(c.Load.Concurrency)/float64(c.Ranks)))), c.ISL)
	plan := cmp.Or(c.referencePlan, c.Plan)
	err := plan.ScoreAgg(estimator.Workload{ISL: c.ISL, OSL: c.OSL}, &pts)
	if err != nil || pts.Status[0] == estimator.NoData {
		return Answer{math.NaN(), math.NaN()}
	}
	return Answer{pts.TTFT[0], pts.TPOT[0]}
}

// Error sums up how far answers are from measurements.
type Error struct {
	N                      int
	TTFT, TPOT, Throughput Figure
}

// Figure is the error of one quantity: mean absolute percentage error with its 95 %
// interval by bootstrap over rows, and mean percentage error. All are shares.
type Figure struct{ MAPE, Low, High, Bias float64 }

// Judge compares answers with measurements, row by row. Rows without an answer are
// left out. Throughput is that of the closed loop, which the latencies imply: the
// published one is derived from them, in part with a wrong number of GPUs.
func Judge(cases []*Case, answer func(i int) Answer) Error {
	var ttft, tpot, throughput []float64
	for i, c := range cases {
		a := answer(i)
		if math.IsNaN(a.TTFT) || math.IsNaN(a.TPOT) {
			continue
		}
		ttft, tpot = append(ttft, a.TTFT/c.TTFT-1), append(tpot, a.TPOT/c.TPOT-1)
		measured := Answer{c.TTFT, c.TPOT}
		throughput = append(throughput, measured.Latency(c.OSL)/a.Latency(c.OSL)-1)
	}
	return Error{N: len(ttft), TTFT: figure(ttft), TPOT: figure(tpot), Throughput: figure(throughput)}
}

// resamples of a bootstrap.
const resamples = 1000

func figure(errors []float64) Figure {
	n := len(errors)
	if n == 0 {
		return Figure{math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	}
	f := Figure{}
	for _, e := range errors {
		f.MAPE += math.Abs(e) / float64(n)
		f.Bias += e / float64(n)
	}
	r := rand.New(rand.NewPCG(1, uint64(n)))
	means := make([]float64, resamples)
	for k := range means {
		for range n {
			means[k] += math.Abs(errors[r.IntN(n)]) / float64(n)
		}
	}
	slices.Sort(means)
	f.Low, f.High = means[resamples*25/1000], means[resamples*975/1000]
	return f
}

// tpotLimits are the limits under which configurations are chosen, ms.
var tpotLimits = []float64{10, 20, 35, 60}

// Regret is what is lost by deploying what an estimator would choose. For each
// workload of a group and each limit on TPOT the estimator picks the configuration
// with the most tokens per second and GPU within the limit, as it sees it; the
// measurements of the configurations say what that gives, as a share of the best
// within the limit. A pick that misses the limit by more than a tenth gives
// nothing. n counts the choices between two configurations or more.
func Regret(cases []*Case, answer func(i int) Answer) (mean float64, n int) {
	type workload struct {
		group    string
		isl, osl int
	}
	rows := map[workload][]int{}
	var order []workload
	for i, c := range cases {
		if a := answer(i); math.IsNaN(a.TTFT) || math.IsNaN(a.TPOT) {
			continue
		}
		w := workload{c.Group, c.ISL, c.OSL}
		if rows[w] == nil {
			order = append(order, w)
		}
		rows[w] = append(rows[w], i)
	}
	value := func(c *Case, a Answer) float64 {
		return float64(c.Load.Concurrency*c.OSL) / a.Latency(c.OSL) / float64(c.GPUs())
	}
	for _, w := range order {
		for _, limit := range tpotLimits {
			best, pick, seen, candidates := 0.0, -1, 0.0, 0
			for _, i := range rows[w] {
				c := cases[i]
				if c.TPOT <= limit {
					best = max(best, value(c, Answer{c.TTFT, c.TPOT}))
					candidates++
				}
				if a := answer(i); a.TPOT <= limit && value(c, a) > seen {
					pick, seen = i, value(c, a)
				}
			}
			if candidates < 2 {
				continue
			}
			n++
			got := 0.0
			if pick >= 0 && cases[pick].TPOT <= 1.1*limit {
				got = value(cases[pick], Answer{cases[pick].TTFT, cases[pick].TPOT})
			}
			mean += max(0, 1-got/best)
		}
	}
	return mean / float64(max(1, n)), n
}

// RankCorrelation is Spearman's, of the throughput of the configurations of a
// workload, averaged over the workloads with three configurations or more.
func RankCorrelation(cases []*Case, answer func(i int) Answer) float64 {
	type workload struct {
		group    string
		isl, osl int
	}
	predicted, measured := map[workload][]float64{}, map[workload][]float64{}
	var order []workload
	for i, c := range cases {
		a := answer(i)
		if math.IsNaN(a.TTFT) || math.IsNaN(a.TPOT) {
			continue
		}
		w := workload{c.Group, c.ISL, c.OSL}
		if predicted[w] == nil {
			order = append(order, w)
		}
		gpus := float64(c.GPUs())
		predicted[w] = append(predicted[w], float64(c.Load.Concurrency)/a.Latency(c.OSL)/gpus)
		measured[w] = append(measured[w], float64(c.Load.Concurrency)/Answer{c.TTFT, c.TPOT}.Latency(c.OSL)/gpus)
	}
	sum, n := 0.0, 0
	for _, w := range order {
		if len(predicted[w]) >= 3 {
			sum += pearson(ranks(predicted[w]), ranks(measured[w]))
			n++
		}
	}
	return sum / float64(max(1, n))
}

// ranks gives equal values the mean of their places.
func ranks(v []float64) []float64 {
	r := make([]float64, len(v))
	for i, x := range v {
		for j, y := range v {
			switch {
			case y < x:
				r[i]++
			case y == x && i != j:
				r[i] += 0.5
			}
		}
	}
	return r
}

// pearson is the correlation; 1 where nothing varies.
func pearson(a, b []float64) float64 {
	n := float64(len(a))
	var ma, mb, sab, saa, sbb float64
	for i := range a {
		ma, mb = ma+a[i]/n, mb+b[i]/n
	}
	for i := range a {
		sab += (a[i] - ma) * (b[i] - mb)
		saa += (a[i] - ma) * (a[i] - ma)
		sbb += (b[i] - mb) * (b[i] - mb)
	}
	if saa == 0 || sbb == 0 {
		return 1
	}
	return sab / math.Sqrt(saa*sbb)
}
