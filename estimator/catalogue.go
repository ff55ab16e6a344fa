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
}
