package calibrate

import (
	"math"
	"strings"
	"testing"

	"servegrid/estimator"
)

// synthetic makes cases whose measurements are predictions with known constants.
func synthetic(t *testing.T, truth *Constants) []*Case {
	t.Helper()
	var cases []*Case
	for _, backend := range []string{"vllm", "trtllm"} {
		p := testPlan(t, backend, 1)
		k, err := NewKernels(p, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, isl := range []int{500, 4000} {
			for _, n := range []int{1, 2, 4, 8, 16, 32, 48} {
				l := ClosedLoop(n, estimator.Workload{ISL: isl, OSL: 100})
				m := &Measurement{Backend: backend, Concurrency: n, ISL: isl, OSL: 100}
				c := &Case{Measurement: m, Class: Exact, Group: backend, Plan: p, Kernels: k, Ranks: 1, Load: l, Schedule: NewSchedule(backend, p, l, ByConfigurator)}
				m.TTFT, m.TPOT = c.means(truth)
				cases = append(cases, c)
			}
		}
	}
	return cases
}

// A fit to what known constants predict predicts the same.
func TestFitFindsWhatMadeTheData(t *testing.T) {
	truth := Start()
	truth[HostStep] *= 2
	truth[HostPrefill] *= 2
	truth[MatMulDecode] *= 1.2
	truth[MatMulPrefill] *= 1.3
	cases := synthetic(t, &truth)
	start := Start()
	errorOf := func(k *Constants) Error {
		return Judge(cases, func(i int) Answer {
			ttft, tpot := cases[i].means(k)
			return Answer{ttft, tpot}
		})
	}
	before := errorOf(&start)
	fitted := Fit(cases, start, AllEngines)
	after := errorOf(&fitted)
	if after.TPOT.MAPE > 0.02 || after.TTFT.MAPE > 0.06 {
		t.Errorf("after the fit TPOT is off by %.3f and TTFT by %.3f; before by %.3f and %.3f", after.TPOT.MAPE, after.TTFT.MAPE, before.TPOT.MAPE, before.TTFT.MAPE)
	}
	if before.TPOT.MAPE < 0.1 {
		t.Errorf("the start is off by %.3f only: the test proves nothing", before.TPOT.MAPE)
	}
	if again := Fit(cases, start, AllEngines); again != fitted {
		t.Error("the same fit gives other constants")
	}
}

func TestSolve(t *testing.T) {
	var a [NumConstants][NumConstants + 1]float64
	var want [NumConstants]float64
	for i := range want {
		want[i] = float64(i) - 3.5
		for j := range want {
			a[i][j] = 1 / float64(1+i+j)
		}
		a[i][i] += 2
	}
	for i := range want {
		for j := range want {
			a[i][NumConstants] += a[i][j] * want[j]
		}
	}
	for i, x := range solve(a) {
		if math.Abs(x-want[i]) > 1e-9 {
			t.Errorf("x[%d] is %v, want %v", i, x, want[i])
		}
	}
}

func TestAdapt(t *testing.T) {
	truth := Start()
	truth[HostStep] *= 3
	cases := synthetic(t, &truth)
	shipped := &Set{All: Start(), Engines: map[string]Constants{}, Families: map[string]Constants{}}
	if _, _, err := Adapt(cases[:10], shipped); err == nil || !strings.Contains(err.Error(), "too few measurements") {
		t.Errorf("10 configurations give the error %v, want one about too few", err)
	}
	// Both engines' cases under one name: enough configurations.
	for _, c := range cases {
		c.Measurement.Backend = "vllm"
	}
	before := *shipped
	s, checks, err := Adapt(cases, shipped)
	if err != nil {
		t.Fatal(err)
	}
	if len(checks) != 1 || checks[0].After.TPOT.MAPE > checks[0].Before.TPOT.MAPE/2 {
		t.Errorf("left-out errors are %+v", checks)
	}
	if s.of("vllm", "") == s.of("trtllm", "") || shipped.All != before.All || len(shipped.Engines) != 0 {
		t.Error("the shipped constants were changed")
	}
}
