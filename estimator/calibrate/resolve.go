package calibrate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"servegrid/estimator"
	"servegrid/perftables"
)

// Case is a configuration under a load that can be predicted, and what was measured
// of it.
type Case struct {
	*Measurement
	Class        Class
	Architecture string // the same for every checkpoint of one
	Group        string // system, backend and architecture: what a split leaves out together
	Family       string // of engine versions that share constants, "" = not known
	Suspect      string // why the row is probably mislabelled, "" = it is not

	Plan     *estimator.Plan
	Kernels  *Kernels
	Ranks    int
	Schedule Schedule
	Load     Load
}

// Resolver makes cases of measurements; plans and kernels are shared among them.
type Resolver struct{ plans map[string]planned }

type planned struct {
	plan    *estimator.Plan
	kernels *Kernels
	err     error
}

// NewResolver returns an empty one.
func NewResolver() *Resolver { return &Resolver{plans: map[string]planned{}} }

// Resolve makes a case of a measurement. A row that cannot be predicted is a
// [Refusal] or another error that says why.
func (r *Resolver) Resolve(m *Measurement) (*Case, error) {
	switch {
	case m.Mode == "disagg":
		return nil, &Refusal{"disaggregated: the calibrated estimator simulates aggregated workers only"}
	case m.Mode != "agg":
		return nil, &Refusal{fmt.Sprintf("mode is %q, want agg", m.Mode)}
	case m.Concurrency < 1 && m.Batch < 1:
		return nil, &Refusal{"no concurrency: the best throughput of an unbounded load"}
	case m.Prefix >= m.ISL && m.ISL > 0:
		return nil, &Refusal{fmt.Sprintf("prefix is %d, want less than isl, %d", m.Prefix, m.ISL)}
	case m.ISL < 1 || m.OSL < 2:
		return nil, &Refusal{fmt.Sprintf("isl is %d and osl is %d, want at least 1 and 2", m.ISL, m.OSL)}
	}
	model, architecture, standIn, err := lookupModel(m.Model)
	if err != nil {
		return nil, err
	}
	db, class, err := chooseTables(m.System, m.Backend, m.Version)
	if err != nil {
		return nil, err
	}
	if standIn {
		class = Cross
	}
	layout, replicas, err := realLayout(m, model)
	if err != nil {
		return nil, err
	}
	quant := formats(m, model, db)
	key := fmt.Sprint(architecture, db, layout, quant)
	p, ok := r.plans[key]
	if !ok {
		p = compile(model, db, layout, quant)
		r.plans[key] = p
	}
	if p.err != nil {
		return nil, p.err
	}
	c := &Case{
		Measurement: m, Class: class, Architecture: architecture, Group: m.System + " " + m.Backend + " " + architecture,
		Plan: p.plan, Kernels: p.kernels, Ranks: layout.DP, Suspect: suspect(m),
		Family: familyOf(m.Backend, m.Version, class),
	}
	per := m.Batch * layout.DP
	if m.Concurrency > 0 {
		per = max(1, int(math.Round(float64(m.Concurrency)/float64(replicas))))
	}
	c.Load = ClosedLoop(per, estimator.Workload{ISL: m.ISL, OSL: m.OSL, Prefix: m.Prefix})
	deployed := ByConfigurator
	if strings.Contains(m.Source, "InferenceX") {
		deployed, c.Load.MinShare, c.Load.Grouped = ByBenchmark, 0.8, m.Backend == "trtllm"
	}
	c.Schedule = NewSchedule(m.Backend, p.plan, c.Load, deployed)
	if b, ok := borrowed[m.System]; ok {
		c.Schedule.KVTokens = KVBudget(m.Backend, p.plan, c.Schedule.TokenBudget, b.memoryGiB)
	}
	return c, nil
}

// Measured reports whether there is something to judge a prediction by.
func (c *Case) Measured() bool {
	return c.TTFT > 0 && c.TPOT > 0 // false for NaN
}

// compile makes the plan and kernels of a configuration.
func compile(m *estimator.Model, db *perftables.Database, l estimator.Layout, q estimator.Quant) planned {
	plan, err := estimator.Compile(estimator.Config{Model: m, DB: db.WithMode(perftables.Hybrid), Quant: q, Layout: l})
	if err != nil {
		return planned{err: err}
	}
	k, err := kernelsOf(plan)
	return planned{plan, k, err}
}

// realLayout repairs what the published tables say about parallelism, and returns
// the replicas that the GPUs hold. InferenceX rows whose engine combines tensor
// (or data) parallel attention with expert parallelism were published with the
// product of both as GPUs: the same measurement is in another dump with the right
// numbers.
func realLayout(m *Measurement, model *estimator.Model) (estimator.Layout, int, error) {
	l, gpus := m.Layout, m.GPUs
	if l.TP < 1 {
		return l, 0, &Refusal{"the row does not say how it is laid out over GPUs"}
	}
	l.PP, l.DP = max(1, l.PP), max(1, l.DP)
	switch ways := l.TP * l.DP; {
	case !model.IsMoE():
		l.MoETP, l.MoEEP = 1, 1
	case l.MoETP == l.MoEEP && l.MoETP > 1 && l.MoETP*l.MoEEP == ways && (ways == 64 || ways == 16) && (l.TP == 1 || l.DP == 1):
		if l.DP > 1 {
			l.DP = l.MoEEP
		} else {
			l.TP = l.MoEEP
		}
		l.MoETP, gpus = 1, l.MoEEP
	case l.TP == l.DP && l.TP > 1 && l.MoEEP == ways:
		// vLLM's data parallel attention runs one rank a GPU.
		gpus, l.TP, l.MoEEP = l.DP, 1, l.DP
	}
	if model.IsMoE() {
		if l.MoEEP < 1 {
			l.MoEEP = 1
		}
		if l.MoETP*l.MoEEP != l.TP*l.DP {
			l.MoETP = max(1, l.TP*l.DP/l.MoEEP)
		}
	}
	if l.TP*l.DP > 16 {
		return l, 0, &Refusal{fmt.Sprintf("tp %d x dp %d: a disaggregated deployment published as one worker", l.TP, l.DP)}
	}
	return l, max(1, gpus/l.GPUs()), nil
}

// formats chooses the numeric formats of a row: what it says, else what its
// checkpoint is stored in, on top of the defaults of the tables.
func formats(m *Measurement, model *estimator.Model, db *perftables.Database) estimator.Quant {
	q := estimator.DefaultQuant(model, db)
	gemm, moe := m.GEMM, m.MoE
	if gemm == "" && (m.Precision == "fp8" || strings.HasSuffix(m.Model, "-FP8")) {
		gemm = "fp8"
	}
	switch gemm {
	case "":
		q.GEMM, q.MoE, q.KV, q.FMHA = perftables.GEMMFloat16, perftables.MoEFloat16, perftables.KVFloat16, perftables.FMHAFloat16
	case "int4_wo":
		q.GEMM, q.MoE = perftables.GEMMInt4WO, perftables.MoEInt4WO
	default:
		q.GEMM, q.MoE = perftables.GEMMQuant(gemm), perftables.MoEQuant(cmp.Or(moe, gemm))
	}
	if m.Backend == "sglang" {
		q.KV = perftables.KVFloat16 // as the model computes, unless told
	}
	if model.SlidingWindow {
		// Published as fp4; the checkpoint has four-bit experts and nothing else.
		q.GEMM, q.MoE, q.FMHA = perftables.GEMMFloat16, perftables.MoEW4A16MXFP4, perftables.FMHAFloat16
	}
	if model.Family == estimator.DeepSeek && gemm == "fp8" {
		q.GEMM, q.MoE = perftables.GEMMFP8Block, perftables.MoEFP8Block
	}
	q.GEMM = nearest(q.GEMM, db.GEMMQuants(), perftables.GEMMFP8, perftables.GEMMFP8Block)
	q.MoE = nearest(q.MoE, db.MoEQuants(), perftables.MoEFP8, perftables.MoEFP8Block)
	if m.Backend != "trtllm" && q.GEMM != perftables.GEMMFloat16 {
		// The other engines keep attention in the activations' format unless told.
		q.FMHA = perftables.FMHAFloat16
	}
	return q
}

// nearest keeps a format that the tables have, or takes the other one of a pair
// that a GPU runs at the same rate.
func nearest[Q comparable](q Q, have []Q, pair ...Q) Q {
	if slices.Contains(have, q) || !slices.Contains(pair, q) {
		return q
	}
	for _, other := range pair {
		if slices.Contains(have, other) {
			return other
		}
	}
	return q
}

// suspect names rows that are probably not what their labels say.
func suspect(m *Measurement) string {
	deepSeek := strings.Contains(m.Model, "DeepSeek")
	switch {
	case deepSeek && m.Backend == "trtllm" && (m.Version == "1.2.0rc6.post3" || m.Version == "1.1.0rc2.post2" && m.Model == "deepseek-ai/DeepSeek-R1"):
		return "speculative decoding seems to be on: up to twice as fast as the same configuration in another dump"
	case m.Model == "nvidia/DeepSeek-R1-NVFP4":
		return "two rows of 1.3.0rc1 that contradict the others"
	case m.Version == "nightly(2026-02)":
		return "medians of a nightly build; prefix caching on, prompts repeat"
	case strings.HasPrefix(m.ID, "qwen3_32b_qwen3_32b_"):
		return "layout fields are missing, format not sure"
	case m.System == "gb200" && strings.Contains(m.Model, "Qwen3-32B"):
		return "layout fields are missing, format not sure"
	case m.Version == "1.3.0rc1" && m.Model == "openai/gpt-oss-120b":
		return "labelled fp8, the checkpoint is mxfp4"
	case m.Backend == "sglang" && m.System == "b200_sxm" && m.Version == "" && strings.Contains(m.Model, "DeepSeek"):
		return "first tokens take seconds at a few requests in flight; no version was recorded"
	case m.Model == "nvidia/Llama-3.1-8B-Instruct-FP8" && m.Backend == "vllm":
		return "faster than the memory bandwidth allows at the concurrency it claims"
	}
	return ""
}
