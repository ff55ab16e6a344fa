package calibrate

import (
	"math"
	"testing"

	"servegrid/estimator"
)

func judged(n int, tpot []float64) []*Case {
	var cases []*Case
	for i, v := range tpot {
		m := &Measurement{ISL: 100, OSL: 101, TTFT: 100, TPOT: v}
		cases = append(cases, &Case{Measurement: m, Group: "g", Plan: &estimator.Plan{Config: estimator.Config{Layout: estimator.Layout{TP: n, PP: 1, DP: 1}}},
			Load: Load{Concurrency: 8 << i}})
	}
	return cases
}

func TestJudge(t *testing.T) {
	cases := judged(1, []float64{10, 20, 40})
	e := Judge(cases, func(i int) Answer {
		return []Answer{{110, 11}, {80, 16}, {math.NaN(), 1}}[i]
	})
	if e.N != 2 || math.Abs(e.TPOT.MAPE-0.15) > 1e-12 || math.Abs(e.TPOT.Bias+0.05) > 1e-12 || math.Abs(e.TTFT.MAPE-0.15) > 1e-12 {
		t.Errorf("error is %+v", e)
	}
	if e.TPOT.Low < 0.1-1e-12 || e.TPOT.High > 0.2+1e-12 || e.TPOT.Low >= e.TPOT.High {
		t.Errorf("interval is %v to %v", e.TPOT.Low, e.TPOT.High)
	}
	// Measured 1100 and 2100 ms a request, predicted 1210 and 1680.
	if want := (2100.0/1680 - 1100.0/1210) / 2; math.Abs(e.Throughput.MAPE-want) > 1e-12 {
		t.Errorf("throughput is off by %v, want %v", e.Throughput.MAPE, want)
	}
}

func TestRegret(t *testing.T) {
	cases := judged(1, []float64{8, 12, 18})
	truth := func(i int) Answer { return Answer{cases[i].TTFT, cases[i].TPOT} }
	if r, n := Regret(cases, truth); r != 0 || n == 0 {
		t.Errorf("regret of the truth is %v over %d choices", r, n)
	}
	// Who thinks that everything is fast picks the largest concurrency, which misses 10 ms and holds 20.
	r, n := Regret(cases, func(i int) Answer { return Answer{100, 5} })
	if r != 0 || n != 3 {
		t.Errorf("regret of an optimist is %v over %d choices, want 0 over 3: within 10 ms there is only one", r, n)
	}
	// Who takes the last for slow loses what it gives above the second.
	r, _ = Regret(cases, func(i int) Answer { return []Answer{{100, 8}, {100, 12}, {100, 100}}[i] })
	value := func(i int) float64 { return float64(cases[i].Load.Concurrency) / truth(i).Latency(101) }
	if want := 1 - value(1)/value(2); math.Abs(r-want) > 1e-12 {
		t.Errorf("regret is %v, want %v", r, want)
	}
}

func TestRankCorrelation(t *testing.T) {
	cases := judged(1, []float64{8, 12, 18, 30})
	truth := func(i int) Answer { return Answer{cases[i].TTFT, cases[i].TPOT} }
	if r := RankCorrelation(cases, truth); r != 1 {
		t.Errorf("correlation of the truth is %v", r)
	}
	if r := RankCorrelation(cases, func(i int) Answer { return Answer{100, cases[i].TPOT * math.Pow(10, float64(i))} }); r != -1 {
		t.Errorf("correlation of the reverse is %v, want -1", r)
	}
}

func TestQuantiles(t *testing.T) {
	w := waves{first: 1, last: 4, weight: 3}
	of := []float64{9, 1, 2, 3, 0.5}
	q := w.quantiles(of, 0.09, 0.3, 0.9, 0.99)
	if q[0] != 0.5 || q[1] != 1 || q[2] != 3 || q[3] != 9 {
		t.Errorf("quantiles are %v, want 0.5, 1, 3, 9", q)
	}
	if m := w.mean(of); m != 27.5/11 {
		t.Errorf("mean is %v, want 2.5", m)
	}
}
