package estimator

// entry is one architecture of the catalogue with every id that has it.
type entry struct {
	builtin string   // AIConfigurator's short name
	ids     []string // the first one names the architecture in a sweep over all models
	model   Model
}

// dense is a gated dense decoder whose head size is 128.
func dense(layers, heads, kvHeads, hidden, intermediate, vocab, maxPositions int) Model {
	return Model{
		Family: Llama, Layers: layers, Heads: heads, KVHeads: kvHeads, HeadDim: 128, Hidden: hidden,
		Intermediate: intermediate, Vocab: vocab, MaxPositions: maxPositions,
	}
}

// experts is a decoder with expert layers.
func experts(layers, heads, kvHeads, headDim, hidden, intermediate, vocab, maxPositions, topK, n, inter int) Model {
	m := dense(layers, heads, kvHeads, hidden, intermediate, vocab, maxPositions)
	m.Family, m.HeadDim, m.TopK, m.Experts, m.MoEInter = MoE, headDim, topK, n, inter
	return m
}

// windowed is a model whose every other layer attends to a window only.
func windowed(m Model) Model {
	m.SlidingWindow = true
	return m
}

// deepSeekV3 has latent attention; its head size only enters memory formulas.
func deepSeekV3() Model {
	m := experts(61, 128, 128, 56, 7168, 18432, 129280, 163840, 8, 256, 2048)
	m.Family = DeepSeek
	return m
}

// nemotronSuper is Llama-3.3-Nemotron-Super-49B: blocks found by architecture
// search, most without attention. The reference counts no KV cache for it.
func nemotronSuper() Model {
	m := Model{Family: NemotronNAS, Layers: 80, Heads: 64, HeadDim: 128, Hidden: 8192, Vocab: 128256, MaxPositions: 131072}
	for _, b := range []struct {
		count, headsPerGroup int
		mult                 float64
	}{{48, 8, 5.25}, {10, 0, 1.3125}, {8, 0, 1}, {6, 0, 0.5}, {5, 0, 2.625}, {1, 8, 2.625}, {1, 0, 3.28125}, {1, 0, 5.25}} {
		m.Blocks = append(m.Blocks, Block{b.count, b.headsPerGroup, blockFFN(b.mult, m.Hidden)})
	}
	return m
}

// variants lists base, base-Instruct and so on.
func variants(base string, suffixes ...string) []string {
	ids := []string{base}
	for _, s := range suffixes {
		ids = append(ids, base+s)
	}
	return ids
}

func join(lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// catalogue holds the architectures whose figures come with the program.
// Source: the config.json of each checkpoint, as AIConfigurator 0.6.0 lists
// them. The longest context plays no part in any latency.
var catalogue = []entry{
	{"LLAMA2_7B", variants("meta-llama/Llama-2-7b-hf"), dense(32, 32, 32, 4096, 11008, 32000, 4096)},
	{"LLAMA2_13B", variants("meta-llama/Llama-2-13b-hf"), dense(40, 40, 40, 5120, 13824, 32000, 4096)},
	{"LLAMA2_70B", variants("meta-llama/Llama-2-70b-hf"), dense(80, 64, 8, 8192, 28672, 32000, 4096)},
	{"LLAMA3.1_8B", join(
		variants("meta-llama/Llama-3.1-8B", "-Instruct"), variants("meta-llama/Meta-Llama-3.1-8B", "-Instruct"),
		[]string{"nvidia/Llama-3.1-8B-Instruct-FP8"}), dense(32, 32, 8, 4096, 14336, 128256, 131072)},
	{"LLAMA3.1_70B", join(
		variants("meta-llama/Llama-3.1-70B", "-Instruct"), variants("meta-llama/Meta-Llama-3.1-70B", "-Instruct"),
		[]string{"meta-llama/Llama-3.3-70B-Instruct", "nvidia/Llama-3.1-70B-Instruct-FP8", "nvidia/Llama-3.3-70B-Instruct", "nvidia/Llama-3.3-70B-Instruct-FP8"}),
		dense(80, 64, 8, 8192, 28672, 128256, 131072)},
	{"LLAMA3.1_405B", join(
		variants("meta-llama/Llama-3.1-405B", "-Instruct", "-FP8", "-Instruct-FP8"), variants("meta-llama/Meta-Llama-3.1-405B", "-Instruct"),
		[]string{"nvidia/Llama-3.1-405B-Instruct-FP8"}), dense(126, 128, 8, 16384, 53248, 128256, 131072)},
	{"QWEN2.5_1.5B", variants("Qwen/Qwen2.5-1.5B", "-Instruct"), dense(28, 12, 2, 1536, 8960, 151936, 131072)},
	{"QWEN2.5_7B", variants("Qwen/Qwen2.5-7B", "-Instruct"), dense(28, 28, 4, 3584, 18944, 152064, 131072)},
	{"QWEN2.5_32B", variants("Qwen/Qwen2.5-32B", "-Instruct"), dense(64, 40, 8, 5120, 27648, 152064, 32768)},
	{"QWEN2.5_72B", variants("Qwen/Qwen2.5-72B", "-Instruct"), dense(80, 64, 8, 8192, 29568, 152064, 32768)},
	{"QWEN3_0.6B", variants("Qwen/Qwen3-0.6B", "-FP8"), dense(28, 16, 8, 1024, 3072, 151936, 40960)},
	{"QWEN3_1.7B", variants("Qwen/Qwen3-1.7B", "-FP8"), dense(28, 16, 8, 2048, 6144, 151936, 40960)},
	{"QWEN3_8B", variants("Qwen/Qwen3-8B", "-FP8"), dense(36, 32, 8, 4096, 12288, 151936, 40960)},
	{"QWEN3_32B", []string{"Qwen/Qwen3-32B-FP8", "Qwen/Qwen3-32B", "nvidia/Qwen3-32B-NVFP4"}, dense(64, 64, 8, 5120, 25600, 151936, 40960)},
	{"MOE_Mixtral8x7B", variants("mistralai/Mixtral-8x7B-v0.1"), experts(32, 32, 8, 128, 4096, 14336, 32000, 32768, 2, 8, 14336)},
	{"MOE_Mixtral8x22B", variants("mistralai/Mixtral-8x22B-v0.1"), experts(56, 48, 8, 128, 6144, 16384, 32000, 65536, 2, 8, 16384)},
	{"QWEN3_30B_A3B", []string{"Qwen/Qwen3-30B-A3B", "Qwen/Qwen3-30B-A3B-FP8", "nvidia/Qwen3-30B-A3B"},
		experts(48, 32, 4, 128, 2048, 6144, 151936, 40960, 8, 128, 768)},
	{"QWEN3_235B", []string{"Qwen/Qwen3-235B-A22B", "Qwen/Qwen3-235B-A22B-FP8", "nvidia/Qwen3-235B-A22B"},
		experts(94, 64, 4, 128, 4096, 12288, 151936, 40960, 8, 128, 1536)},
	{"QWEN3_480B", variants("Qwen/Qwen3-Coder-480B-A35B-Instruct", "-FP8"), experts(62, 96, 8, 128, 6144, 8192, 151936, 262144, 8, 160, 2560)},
	{"GPT_OSS_20B", variants("openai/gpt-oss-20b"), windowed(experts(24, 64, 8, 64, 2880, 2880, 201088, 131072, 4, 32, 2880))},
	{"GPT_OSS_120B", variants("openai/gpt-oss-120b"), windowed(experts(36, 64, 8, 64, 2880, 2880, 201088, 131072, 4, 128, 2880))},
	{"DEEPSEEK_V3", []string{"deepseek-ai/DeepSeek-V3", "deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1-0528", "nvidia/DeepSeek-R1-NVFP4"}, deepSeekV3()},
	{"Nemotron_super_v1.1", variants("nvidia/Llama-3_3-Nemotron-Super-49B-v1"), nemotronSuper()},
}
