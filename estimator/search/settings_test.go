package search

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"servegrid/estimator"
	"servegrid/perftables"
)

// testTask asks for a model with everything at its default.
func testTask(t *testing.T, model, system, backend string) *Task {
	t.Helper()
	task := supportTask(t, model, system, backend)
	task.TotalGPUs = 32
	task.Workload = estimator.Workload{ISL: 4000, OSL: 500}
	task.Limits = Limits{TTFT: 2000, TPOT: 50}
	return task
}

const (
	testDense = "Qwen/Qwen3-32B-FP8"
	testMoE   = "deepseek-ai/DeepSeek-V3"
)

// names spells the layouts that a task tries for a role.
func (t *Task) names(role Role) string {
	config := t.config(role)
	layouts, _ := t.SizeLists(role).layouts(&config)
	var names []string
	for _, l := range layouts {
		names = append(names, l.String())
	}
	return strings.Join(names, " ")
}

// A list that is given alone restricts, and the default worker sizes neither widen
// nor defeat it.
func TestListsRestrict(t *testing.T) {
	for _, c := range []struct {
		name, model, backend string
		lists                Lists
		want                 string
	}{
		{"tp alone", testDense, "vllm", Lists{TP: []int{2}}, "tp2pp1dp1etp1ep1"},
		{"a tp that is no default", testDense, "vllm", Lists{TP: []int{3, 16}}, "tp3pp1dp1etp1ep1 tp16pp1dp1etp1ep1"},
		{"pp alone", testDense, "vllm", Lists{PP: []int{2}}, "tp1pp2dp1etp1ep1 tp2pp2dp1etp1ep1 tp4pp2dp1etp1ep1"},
		{"tp and pp beyond a node", testDense, "vllm", Lists{TP: []int{8}, PP: []int{1, 2}}, "tp8pp1dp1etp1ep1 tp8pp2dp1etp1ep1"},
		{"worker sizes alone", testDense, "vllm", Lists{GPUs: []int{4}}, "tp4pp1dp1etp1ep1"},
		{"worker sizes rule", testDense, "vllm", Lists{GPUs: []int{4}, TP: []int{2}, PP: []int{1, 2}}, "tp2pp2dp1etp1ep1"},
		{"experts", testMoE, "trtllm", Lists{TP: []int{1}, DP: []int{8}, MoEEP: []int{8}}, "tp1pp1dp8etp1ep8"},
		{"experts beyond a node", testMoE, "trtllm", Lists{TP: []int{1}, DP: []int{16}, MoETP: []int{1}, MoEEP: []int{16}}, "tp1pp1dp16etp1ep16"},
	} {
		task := testTask(t, c.model, "h200_sxm", c.backend)
		task.Roles[AggRole].Lists = c.lists
		if got := task.names(AggRole); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// Writing out what a task tries by default changes nothing.
func TestDefaultListsAreWhole(t *testing.T) {
	for _, c := range []struct {
		model, system, backend string
		wide                   bool
	}{
		{testDense, "h200_sxm", "vllm", false}, {testDense, "gb200_sxm", "trtllm", false}, {testMoE, "h200_sxm", "trtllm", false},
		{testMoE, "h200_sxm", "trtllm", true}, {testMoE, "h200_sxm", "sglang", false}, {testMoE, "h200_sxm", "sglang", true},
	} {
		task := testTask(t, c.model, c.system, c.backend)
		task.WideEP = c.wide
		for _, role := range []Role{AggRole, PrefillRole, DecodeRole} {
			config := task.config(role)
			want := fmt.Sprint(Layouts(&config, role))
			task.Roles[role].Lists = task.SizeLists(role)
			layouts, _ := task.SizeLists(role).layouts(&config)
			if got := fmt.Sprint(layouts); got != want {
				t.Errorf("%+v %s: got %s, want %s", c, role, got, want)
			}
		}
	}
}

// What no engine settings make never comes out of a search, even when it is asked
// for, and the reason is said.
func TestInexpressibleLayouts(t *testing.T) {
	for _, c := range []struct {
		name, model, backend string
		wide                 bool
		lists                Lists
		want                 string
	}{
		{"attention over both", testMoE, "trtllm", false, Lists{TP: []int{2}, DP: []int{4}}, "TensorRT-LLM spreads attention"},
		{"experts over both", "Qwen/Qwen3-30B-A3B", "vllm", false, Lists{TP: []int{4}, MoETP: []int{2}, MoEEP: []int{2}}, "vllm cannot split experts over both moe_tp 2 and moe_ep 2"},
		{"expert parallel", testMoE, "sglang", false, Lists{TP: []int{8}, MoEEP: []int{8}}, "moe_ep 1 without wide expert parallelism"},
		{"expert tensor parallel", testMoE, "sglang", true, Lists{TP: []int{8}, MoETP: []int{2}, MoEEP: []int{4}}, "wide expert parallelism has moe_tp 1"},
		{"data parallel of a dense model", testDense, "vllm", false, Lists{DP: []int{2}}, "is dense: dp, moe_tp and moe_ep are 1"},
		{"experts of a dense model", testDense, "vllm", false, Lists{MoEEP: []int{2}}, "is dense"},
		{"heads", testDense, "vllm", false, Lists{TP: []int{3}}, "64 attention heads cannot be divided over tp 3"},
		{"stages", testDense, "vllm", false, Lists{TP: []int{1}, PP: []int{65}}, "64 layers cannot be divided over pp 65"},
		{"sizes", testDense, "vllm", false, Lists{TP: []int{2}, GPUs: []int{4}}, "none has tp x pp x dp in num_gpu_per_worker [4]"},
		{"ranks", testMoE, "trtllm", false, Lists{TP: []int{8}, MoETP: []int{1}, MoEEP: []int{4}}, "tp x dp = moe_tp x moe_ep, of moe_tp [1] and moe_ep [4]"},
	} {
		task := testTask(t, c.model, "h200_sxm", c.backend)
		task.WideEP, task.TotalGPUs = c.wide, 128
		if c.wide {
			task.Roles[AggRole].Quant = &estimator.Quant{
				GEMM: perftables.GEMMFP8Block, MoE: perftables.MoEFP8Block, KV: perftables.KVFP8, FMHA: perftables.FMHAFP8Block, Comm: perftables.CommHalf,
			}
		}
		task.Roles[AggRole].Lists = c.lists
		res := SearchAgg(task)
		if res.Err == nil || !strings.Contains(res.Err.Error(), c.want) {
			t.Errorf("%s: got %v and %d rows, want an error about %s", c.name, res.Err, len(res.Rows), c.want)
		}
	}
}

// By default every row can be expressed: TensorRT-LLM never has tp and dp, vLLM
// never moe_tp and moe_ep together.
func TestRowsAreExpressible(t *testing.T) {
	for _, backend := range []string{"trtllm", "vllm"} {
		model := testMoE
		if backend == "vllm" {
			model = "Qwen/Qwen3-30B-A3B"
		}
		task := testTask(t, model, "h200_sxm", backend)
		task.Exhaustive = true
		seen := 0
		for _, res := range []*Result{SearchAgg(task), SearchDisagg(task)} {
			if res.Err != nil {
				t.Fatalf("%s %s: %v", backend, res.Mode, res.Err)
			}
			for i := range res.Rows {
				r := &res.Rows[i]
				for _, w := range []*Worker{r.Worker, r.Prefill, r.Decode} {
					if w == nil {
						continue
					}
					seen++
					if l := w.Plan.Layout; backend == "trtllm" && l.TP > 1 && l.DP > 1 || backend == "vllm" && l.MoETP > 1 && l.MoEEP > 1 {
						t.Fatalf("%s runs %s", backend, l)
					}
				}
			}
		}
		if seen == 0 {
			t.Errorf("%s: no rows", backend)
		}
	}
}

// A pipeline of two stages halves the layers of a GPU and so its weights, and
// pays for the hand-over.
func TestPipelineStages(t *testing.T) {
	task := testTask(t, testDense, "h200_sxm", "vllm")
	weights := map[int]float64{}
	for _, pp := range []int{1, 2} {
		task.Roles[AggRole].Lists = Lists{TP: []int{2}, PP: []int{pp}}
		res := SearchAgg(task)
		if res.Err != nil {
			t.Fatal(res.Err)
		}
		r := res.Picked[0]
		if r.ReplicaGPUs != 2*pp || r.Concurrency != r.Worker.BatchSize*pp {
			t.Errorf("pp %d: %d GPUs, %d requests in flight at batch %d", pp, r.ReplicaGPUs, r.Concurrency, r.Worker.BatchSize)
		}
		weights[pp] = r.Worker.Plan.Memory(1, task.Workload, 1).Weights
	}
	if weights[2] != weights[1]/2 {
		t.Errorf("weights per GPU: %v", weights)
	}
}

func TestReplicaBounds(t *testing.T) {
	allowed := func(r Replica, most int) []int {
		var out []int
		for n := 1; n <= most; n++ {
			if r.admits(n) {
				out = append(out, n)
			}
		}
		return out
	}
	for _, c := range []struct {
		name string
		r    Replica
		want []int
	}{
		{"default", DefaultReplica(false), []int{1, 2, 4, 8, 16, 24, 32, 40}},
		{"any", Replica{MostGPUs: 3}, []int{1, 2, 3}},
		{"unlimited list", Replica{Sizes: []int{6, 8}}, []int{6, 8}},
		{"below the list", Replica{Sizes: []int{6, 8}, MostGPUs: 7}, []int{6}},
		{"beyond the list", Replica{Sizes: []int{8, 6}, MostGPUs: 25}, []int{6, 8, 16, 24}},
	} {
		if got := allowed(c.r, 40); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	if r := DefaultReplica(true); !r.admits(511) || r.admits(513) {
		t.Errorf("wide expert parallelism: %+v", r)
	}
}

// Both searches keep to the bounds of replicas.
func TestSearchKeepsReplicaBounds(t *testing.T) {
	task := testTask(t, testDense, "h200_sxm", "vllm")
	task.Replica = &Replica{Sizes: []int{6, 10}, MostPrefill: 2, MostDecode: 3}
	for _, task.Exhaustive = range []bool{false, true} {
		res := SearchDisagg(task)
		if res.Err != nil {
			t.Fatal(res.Err)
		}
		for i := range res.Rows {
			if r := &res.Rows[i]; r.ReplicaGPUs != 6 && r.ReplicaGPUs != 10 || r.PrefillWorkers > 2 || r.DecodeWorkers > 3 {
				t.Fatalf("exhaustive %v: %d prefill and %d decode workers on %d GPUs", task.Exhaustive, r.PrefillWorkers, r.DecodeWorkers, r.ReplicaGPUs)
			}
		}
	}
	task.Replica.Sizes = []int{1}
	if res := SearchDisagg(task); res.Err == nil || !strings.Contains(res.Err.Error(), "the bounds of replicas admit no numbers of workers on 32 GPUs") {
		t.Errorf("got %v", res.Err)
	}
	task.Replica, task.TotalGPUs, task.Roles[DecodeRole].TP = nil, 4, []int{4}
	if res := SearchDisagg(task); res.Err == nil || !strings.Contains(res.Err.Error(), "a prefill and a decode worker that fit in memory take 5 GPUs, there are 4") {
		t.Errorf("got %v", res.Err)
	}
}

// The bounds of the reference search, written out, are the reference search.
func TestDefaultsWrittenOutChangeNothing(t *testing.T) {
	task := testTask(t, testMoE, "h200_sxm", "trtllm")
	want := SearchDisagg(task)
	bounds := task.Bounds()
	task.Replica = &bounds
	for role := range task.Roles {
		q := task.Formats(Role(role))
		task.Roles[role] = RoleSettings{Lists: task.SizeLists(Role(role)), Quant: &q}
	}
	got := SearchDisagg(task)
	records := func(rows []Row) (out [][]string) {
		for i := range rows {
			out = append(out, rows[i].Record(task.Workload))
		}
		return out
	}
	if !reflect.DeepEqual(records(got.Rows), records(want.Rows)) {
		t.Error("the rows differ")
	}
}

func TestTuningBatches(t *testing.T) {
	u := DefaultTuning
	if got := u.Batches(PrefillRole); !slices.Equal(got, []int{1}) {
		t.Errorf("prefill: %v", got)
	}
	if got := u.Batches(DecodeRole); len(got) != 96 || got[95] != 512 {
		t.Errorf("decode: %d batches up to %d", len(got), got[len(got)-1])
	}
	u.PrefillMaxBatch, u.DecodeMaxBatch = 3, 20
	if got := u.Batches(PrefillRole); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("prefill: %v", got)
	}
	if got := u.Batches(DecodeRole); !slices.Equal(got[13:], []int{14, 15, 16, 18, 20}) {
		t.Errorf("decode: %v", got)
	}
	u.DecodeMaxBatch = 1000
	if got := u.Batches(DecodeRole); len(got) != 513 || got[511] != 512 || got[512] != 1000 {
		t.Errorf("decode: %d batches, the last %v", len(got), got[510:])
	}
}

// The factors scale the latencies of their side.
func TestTuningCorrections(t *testing.T) {
	task := testTask(t, testDense, "h200_sxm", "vllm")
	base := map[Role]ScoredWorker{}
	for _, role := range []Role{PrefillRole, DecodeRole} {
		w, _, err := task.workers(role)
		if err != nil {
			t.Fatal(err)
		}
		base[role] = w[0]
	}
	task.Tuning.PrefillCorrection, task.Tuning.DecodeCorrection = 2*DefaultTuning.PrefillCorrection, 2*DefaultTuning.DecodeCorrection
	for role, b := range base {
		w, _, err := task.workers(role)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range [][2]float64{{w[0].TTFT, b.TTFT}, {w[0].TPOT, b.TPOT}} {
			if diff := v[0] - 2*v[1]; diff > 0.002 || diff < -0.002 {
				t.Errorf("%s: %v, was %v", role, v[0], v[1])
			}
		}
	}
}

func TestLeastGPUs(t *testing.T) {
	task := testTask(t, "meta-llama/Llama-3.1-405B", "h200_sxm", "vllm")
	for _, task.TotalGPUs = range []int{1, 64} {
		if agg, disagg := task.LeastGPUs(Agg), task.LeastGPUs(Disagg); agg != 4 || disagg != 8 {
			t.Errorf("budget %d: agg %d, disagg %d", task.TotalGPUs, agg, disagg)
		}
	}
	task.Roles[AggRole].TP = []int{1, 2}
	if got := task.LeastGPUs(Agg); got != 0 {
		t.Errorf("on two GPUs at most: %d", got)
	}
}
