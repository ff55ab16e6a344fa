package search

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"servegrid/estimator"
	"servegrid/perftables"
)

// best is the figure of the first ranked row, 0 when there is none.
func best(r *Result) float64 {
	if len(r.Picked) == 0 {
		return 0
	}
	return r.Picked[0].TokensPerSPerGPUCluster
}

// roundingSlack is by how much the exhaustive search may seem to find less. Both
// round tokens/s/GPU of a replica before they spread it over the budget; the
// reference may leave workers idle beside the slower side, which changes nothing
// but how the same rate is rounded: by half a thousandth on either side.
const roundingSlack = 0.001

// compareSearches runs both searches and reports where the exhaustive one finds
// less. gain is by how much it finds more.
func compareSearches(t *testing.T, name string, task *Task) map[string]float64 {
	t.Helper()
	gain := map[string]float64{}
	wide := *task
	wide.Exhaustive = true
	for mode, find := range map[string]func(*Task) *Result{Agg: SearchAgg, Disagg: SearchDisagg} {
		reference, exhaustive := best(find(task)), best(find(&wide))
		if exhaustive < reference-roundingSlack {
			t.Errorf("%s %s: exhaustive finds %v, reference %v", name, mode, exhaustive, reference)
		}
		switch {
		case reference > 0:
			gain[mode] = exhaustive/reference - 1
		case exhaustive > 0:
			gain[mode+" found where reference finds nothing"]++
		}
	}
	return gain
}

// The exhaustive search is never below the reference search. The log says how
// often and by how much it is above.
func TestExhaustiveOnOracleWorkloads(t *testing.T) {
	type tally struct {
		n, better   int
		sum, most   float64
		mostAt      string
		onlyInWhole int
	}
	tallies := map[string]*tally{Agg: {}, Disagg: {}}
	for _, w := range readWorkloads(t, "testdata/best.csv.gz") {
		gain := compareSearches(t, w.name, w.task)
		for mode, c := range tallies {
			if g, ok := gain[mode]; ok {
				c.n++
				if g > 0 {
					c.better++
					c.sum += g
				}
				if g > c.most {
					c.most, c.mostAt = g, w.name
				}
			}
			c.onlyInWhole += int(gain[mode+" found where reference finds nothing"])
		}
	}
	for _, mode := range []string{Agg, Disagg} {
		c := tallies[mode]
		t.Logf("%s: better in %d of %d workloads, by %.1f %% on average and %.1f %% at most (%s); finds something in %d more",
			mode, c.better, c.n, 100*c.sum/float64(max(1, c.better)), 100*c.most, c.mostAt, c.onlyInWhole)
	}
	if tallies[Disagg].better == 0 {
		t.Error("the exhaustive search is never better: it is known to be")
	}
}

func TestExhaustiveOnRandomWorkloads(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	ids := estimator.ModelIDs()
	tables := perftables.Embedded()
	for range 60 {
		m, err := estimator.LookupModel(ids[r.IntN(len(ids))])
		if err != nil {
			t.Fatal(err)
		}
		system := perftables.SystemNames()[r.IntN(6)]
		backend := perftables.Backends[r.IntN(3)]
		version := tables.Latest(system, backend)
		if version == "" {
			continue
		}
		db, err := tables.Open(system, backend, version)
		if err != nil {
			t.Fatal(err)
		}
		task := NewTask(m, db)
		task.TotalGPUs = 1 + r.IntN(40)
		task.Workload = estimator.Workload{ISL: 100 + r.IntN(9000), OSL: 2 + r.IntN(1500)}
		task.Workload.Prefix = r.IntN(2) * r.IntN(task.Workload.ISL)
		task.Limits = Limits{TTFT: float64(100 + r.IntN(4000)), TPOT: float64(50+r.IntN(1000)) / 10}
		if r.IntN(4) == 0 {
			task.Limits.RequestLatency = float64(1000 + r.IntN(40000))
		}
		compareSearches(t, fmt.Sprintf("%s on %d %s, %+v, %+v", m.ID, task.TotalGPUs, db, task.Workload, task.Limits), task)
	}
}

// On a small budget the exhaustive search finds what trying every pair of
// workers, batch sizes and worker counts finds.
func TestExhaustiveEqualsBruteForce(t *testing.T) {
	db, err := perftables.Embedded().Open("h200_sxm", "vllm", "0.12.0")
	if err != nil {
		t.Fatal(err)
	}
	m, err := estimator.LookupModel("Qwen/Qwen3-32B-FP8")
	if err != nil {
		t.Fatal(err)
	}
	for _, limits := range []Limits{{TTFT: 600, TPOT: 16.67}, {TTFT: 2000, TPOT: 30}, {TTFT: 5000, TPOT: 100}, {TTFT: 100, TPOT: 5}} {
		for _, gpus := range []int{2, 5, 8, 12} {
			task := NewTask(m, db)
			task.TotalGPUs, task.Workload, task.Limits, task.Exhaustive = gpus, estimator.Workload{ISL: 4000, OSL: 500}, limits, true
			prefill, _, err := task.workers(PrefillRole)
			if err != nil {
				t.Fatal(err)
			}
			decode, _, err := task.workers(DecodeRole)
			if err != nil {
				t.Fatal(err)
			}
			want := 0.0
			for i := range prefill {
				for j := range decode {
					p, d := &prefill[i], &decode[j]
					for x := 1; x*p.GPUs < gpus; x++ {
						for y := 1; x*p.GPUs+y*d.GPUs <= gpus; y++ {
							row := disaggRow(p, d, split{x, y, float64(x*p.GPUs + y*d.GPUs)}, task)
							if row.TTFT <= limits.TTFT && row.TPOT <= limits.TPOT {
								want = max(want, row.TokensPerSPerGPUCluster)
							}
						}
					}
				}
			}
			if got := best(SearchDisagg(task)); got < want-roundingSlack || got > want {
				t.Errorf("%d GPUs, %+v: got %v, want %v", gpus, limits, got, want)
			}
		}
	}
}
