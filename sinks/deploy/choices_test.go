package deploy

// Choices that the search makes, with AIConfigurator 0.6.0's figures.

func h200(w Worker) *Worker {
	w.System, w.SM, w.GPUsPerNode = "h200_sxm", 90, 8
	w.GEMM, w.MoE, w.KVCache, w.FMHA, w.Comm = "fp8", "fp8", "fp8", "float16", "half"
	w.Memory.Capacity = 141
	if w.Count == 0 {
		w.Count = 1
	}
	for _, ways := range []*int{&w.TP, &w.PP, &w.DP, &w.MoETP, &w.MoEEP} {
		*ways = max(*ways, 1)
	}
	return &w
}

// guideChoice is a Qwen3-32B-FP8 on 8 GPUs, 4000/500.
func guideChoice(backend, version, mode string) Choice {
	c := Choice{Mode: mode, ModelPath: "Qwen/Qwen3-32B-FP8", MaxPositions: 40960, Backend: backend, Version: version, TotalGPUs: 8, ISL: 4000, OSL: 500}
	return c
}

func guideAgg() Choice {
	c := guideChoice(vLLM, "0.12.0", Agg)
	c.Agg = h200(Worker{TP: 2, BatchSize: 14, CtxTokens: 4000})
	return c
}

func guideDisagg() Choice {
	c := guideChoice(vLLM, "0.12.0", Disagg)
	c.Prefill, c.Decode = h200(Worker{Count: 2, TP: 2, BatchSize: 1}), h200(Worker{TP: 4, BatchSize: 60})
	return c
}

func trtAgg() Choice {
	c := guideChoice(trtLLM, "1.2.0rc5", Agg)
	c.Agg = h200(Worker{TP: 2, BatchSize: 24, CtxTokens: 4000})
	return c
}

func trtDisagg() Choice {
	c := guideChoice(trtLLM, "1.2.0rc5", Disagg)
	c.Prefill, c.Decode = h200(Worker{Count: 4, BatchSize: 1}), h200(Worker{TP: 4, BatchSize: 68})
	return c
}

func sglangAgg() Choice {
	c := guideChoice(sgLang, "0.5.6.post2", Agg)
	c.Agg = h200(Worker{TP: 4, BatchSize: 40, CtxTokens: 8000})
	return c
}

func sglangDisagg() Choice {
	c := guideChoice(sgLang, "0.5.6.post2", Disagg)
	c.Prefill, c.Decode = h200(Worker{Count: 4, BatchSize: 1}), h200(Worker{TP: 4, BatchSize: 108})
	return c
}

// deepSeek is DeepSeek-V3 on 32 GPUs.
func deepSeek(backend, version, mode string) Choice {
	c := guideChoice(backend, version, mode)
	c.ModelPath, c.IsMoE, c.MaxPositions, c.TotalGPUs, c.NextN = "deepseek-ai/DeepSeek-V3", true, 163840, 32, 1
	return c
}

func deepSeekTRTAgg() Choice {
	c := deepSeek(trtLLM, "1.2.0rc5", Agg)
	c.Agg = h200(Worker{DP: 8, MoEEP: 8, BatchSize: 12, CtxTokens: 4000})
	return c
}

func deepSeekSGLangDisagg() Choice {
	c := deepSeek(sgLang, "0.5.6.post2", Disagg)
	c.Prefill, c.Decode = h200(Worker{DP: 8, MoETP: 8, BatchSize: 1}), h200(Worker{DP: 8, MoETP: 8, BatchSize: 26})
	return c
}
