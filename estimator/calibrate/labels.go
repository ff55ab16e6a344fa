package calibrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"servegrid/estimator"
	"servegrid/perftables"
)

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
	case l.MoETP == l.MoEEP && l.MoETP > 1 && l.MoETP*l.MoEEP == ways && (ways == 64 || ways == 16 || ways == 4 && published(m)) && (l.TP == 1 || l.DP == 1):
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
// checkpoint is stored in, on top of the defaults of the tables. With checkpoint it
// knows that vLLM computes Qwen's 8-bit checkpoints in blocks, as they are stored; the
// reference estimator takes them for plain ones, and is judged as it answers.
func formats(m *Measurement, model *estimator.Model, db *perftables.Database, checkpoint bool) estimator.Quant {
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
	if gemm == "fp8" && (model.Family == estimator.DeepSeek || checkpoint && strings.HasPrefix(m.Model, "Qwen/") && m.Backend == "vllm") {
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
