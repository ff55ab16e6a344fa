package estimator

import (
	"reflect"
	"strings"
	"testing"

	"servegrid/perftables"
)

func openTables(t *testing.T, system, backend, version string) *perftables.Database {
	t.Helper()
	db, err := perftables.Embedded().Open(system, backend, version)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// GPT-2 and StarCoder spell their sizes in their own way. Weights and KV cache
// are computed by hand: the peer has no model of this family.
func TestGPT(t *testing.T) {
	for _, c := range []struct {
		name, config string
		want         Model
		weights      float64 // bytes of one of 2 GPUs, FP8
		kvPerToken   float64 // bytes
	}{
		{
			"GPT-2", `{"architectures": ["GPT2LMHeadModel"], "n_layer": 3, "n_head": 16, "n_embd": 2048, "n_inner": null, "n_positions": 1024, "vocab_size": 50000}`,
			Model{Family: GPT, Checkpoint: FormatFloat16, Layers: 3, Heads: 16, KVHeads: 16, HeadDim: 128, Hidden: 2048, Intermediate: 8192, Vocab: 50000, MaxPositions: 1024},
			// embedding and half a head in float16; per layer qkv 3072 x 2048, proj 2048 x 1024, up 4096 x 2048, down 2048 x 4096
			50000*2048*2 + 25000*2048*2 + 3*(3072*2048+2048*1024+4096*2048+2048*4096),
			8 * 128 * 3 * 2,
		},
		{
			"StarCoder", `{"architectures": ["GPTBigCodeForCausalLM"], "n_layer": 2, "n_head": 16, "n_embd": 2048, "n_inner": 4096, "n_positions": 8192, "vocab_size": 49152, "multi_query": true}`,
			Model{Family: GPT, Checkpoint: FormatFloat16, Layers: 2, Heads: 16, KVHeads: 1, HeadDim: 128, Hidden: 2048, Intermediate: 4096, Vocab: 49152, MaxPositions: 8192},
			// one KV head is kept whole on each GPU: qkv is (8 + 2) x 128 wide
			49152*2048*2 + 24576*2048*2 + 2*(1280*2048+2048*1024+2048*2048+2048*2048),
			1 * 128 * 2 * 2,
		},
	} {
		m, err := parseConfig([]byte(c.config))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !reflect.DeepEqual(*m, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, *m, c.want)
		}
		db := openTables(t, "h200_sxm", "vllm", "0.12.0")
		p, err := Compile(Config{Model: m, DB: db, Quant: DefaultQuant(m, db), Layout: Layout{TP: 2, PP: 1, DP: 1, MoETP: 1, MoEEP: 1}})
		if err != nil {
			t.Fatal(err)
		}
		mem := p.Memory(1, Workload{ISL: 600, OSL: 400}, 1)
		if got := mem.Weights * GiB; got != c.weights {
			t.Errorf("%s: weights are %v bytes, want %v", c.name, got, c.weights)
		}
		if got := mem.KVCache * GiB; got != 1000*c.kvPerToken {
			t.Errorf("%s: KV cache is %v bytes, want %v", c.name, got, 1000*c.kvPerToken)
		}
		// The feed-forward layer has no gate: one up-projection, and an activation
		// as wide as it is.
		w := Workload{ISL: 600, OSL: 400}
		ops := map[string]float64{}
		for _, op := range p.ContextBreakdown(1, w) {
			ops[op.Name] = op.MS
		}
		up, err := db.GEMM(perftables.GEMMFP8, m.Intermediate/2, m.Hidden)
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := up.At(600); ops["gate_ffn1_gemm"] != v*float64(m.Layers) {
			t.Errorf("%s: up-projection takes %v ms, want %v", c.name, ops["gate_ffn1_gemm"], v*float64(m.Layers))
		}
	}
}

// A DeciLM block table equals the catalogue's where the blocks do.
func TestBlockConfigs(t *testing.T) {
	attention := `"attention": {"n_heads_in_group": 8, "no_op": false}`
	none := `"attention": {"n_heads_in_group": null, "no_op": true}`
	config := `{"architectures": ["DeciLMForCausalLM"], "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": null,
		"hidden_size": 8192, "intermediate_size": null, "vocab_size": 128256, "max_position_embeddings": 131072, "block_configs": [
		{` + attention + `, "ffn": {"ffn_mult": 5.25}}, {` + none + `, "ffn": {"ffn_mult": 1.3125}}, {` + attention + `, "ffn": {"ffn_mult": 5.25}},
		{` + none + `, "ffn": {"ffn_mult": null, "no_op": true}}]}`
	m, err := parseConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	want := []Block{{2, 8, 28672}, {1, 0, 7168}, {1, 0, 0}}
	if !reflect.DeepEqual(m.Blocks, want) {
		t.Errorf("got %+v, want %+v", m.Blocks, want)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"block_configs"`, `"blocks"`, `"block_configs" is missing`},
		{`"ffn_mult": 1.3125`, `"ffn_mult": -1`, "block_configs[1].ffn.ffn_mult"},
		{`"n_heads_in_group": 8`, `"n_heads_in_group": null`, "block_configs[0].attention.n_heads_in_group"},
	} {
		if _, err := parseConfig([]byte(strings.Replace(config, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.new, err, c.want)
		}
	}
}

// Where a config does not say the size of an expert apart, as Mixtral and
// GPT-OSS do not, it is the feed-forward size.
func TestExpertConfigs(t *testing.T) {
	const common = `"num_hidden_layers": 24, "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 64, "hidden_size": 2880,
		"intermediate_size": 2880, "vocab_size": 201088, "max_position_embeddings": 131072, "num_experts_per_tok": 4, "num_local_experts": 32}`
	m, err := parseConfig([]byte(`{"architectures": ["GptOssForCausalLM"], "quantization_config": {"quant_method": "mxfp4"}, ` + common))
	if err != nil {
		t.Fatal(err)
	}
	want, err := LookupModel("openai/gpt-oss-20b")
	if err != nil {
		t.Fatal(err)
	}
	m.ID, m.Builtin = want.ID, want.Builtin
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v, want %+v", *m, *want)
	}
}

func TestCheckpointQuant(t *testing.T) {
	db := openTables(t, "b200_sxm", "sglang", "0.5.6.post2")
	for id, want := range map[string][2]string{
		"Qwen/Qwen3-32B":                   {"float16", "nvfp4"}, // dense: the expert format plays no part
		"Qwen/Qwen3-32B-FP8":               {"fp8_block", "nvfp4"},
		"nvidia/Qwen3-32B-NVFP4":           {"nvfp4", "nvfp4"},
		"nvidia/Llama-3.1-8B-Instruct-FP8": {"fp8", "nvfp4"},
		"deepseek-ai/DeepSeek-R1":          {"fp8_block", "fp8_block"},
		"nvidia/DeepSeek-R1-NVFP4":         {"nvfp4", "nvfp4"},
		"openai/gpt-oss-120b":              {"float16", "w4a16_mxfp4"},
		"mistralai/Mixtral-8x7B-v0.1":      {"float16", "float16"},
	} {
		m, err := LookupModel(id)
		if err != nil {
			t.Fatal(err)
		}
		q, err := CheckpointQuant(m, db)
		if err != nil || string(q.GEMM) != want[0] || string(q.MoE) != want[1] {
			t.Errorf("%s: got %s and %s (%v), want %s and %s", id, q.GEMM, q.MoE, err, want[0], want[1])
		}
	}
	for text, want := range map[string]Format{
		`{}`: FormatFloat16,
		`{"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}`: FormatFP8Block,
		`{"quantization_config": {"quant_method": "fp8"}}`:                                  FormatFP8,
		`{"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4"}}`:      FormatNVFP4,
		`{"quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8"}}`:        FormatFP8,
		`{"quantization_config": {"quant_method": "awq", "bits": 4}}`:                       FormatInt4,
		`{"quantization_config": {"quant_method": "gptq", "bits": 8}}`:                      FormatInt8,
		`{"quantization_config": {"quant_method": "hqq"}}`:                                  "",
	} {
		m, err := parseConfig([]byte(strings.Replace(qwen32, "{", strings.TrimSuffix(text, "}")+comma(text), 1)))
		if err != nil {
			t.Fatal(err)
		}
		if m.Checkpoint != want {
			t.Errorf("%s: got %q, want %q", text, m.Checkpoint, want)
		}
		if _, err := CheckpointQuant(m, db); (err == nil) != (want != "") {
			t.Errorf("%s: got error %v", text, err)
		}
	}
}

func comma(object string) string {
	if object == "{}" {
		return ""
	}
	return ","
}

// The default formats of every database. Source: AIConfigurator 0.6.0.
func TestDefaultQuant(t *testing.T) {
	llama, _ := LookupModel("meta-llama/Llama-3.1-8B")
	deepSeek, _ := LookupModel("deepseek-ai/DeepSeek-V3")
	gptOSS, _ := LookupModel("openai/gpt-oss-20b")
	for _, c := range []struct{ system, backend, version, want string }{
		{"a100_sxm", "trtllm", "1.0.0", "float16 float16 float16 float16"},
		{"h100_sxm", "trtllm", "1.0.0rc3", "fp8_block fp8_block fp8 fp8"},
		{"h200_sxm", "trtllm", "1.2.0rc5", "fp8_block fp8_block fp8 fp8"},
		{"h200_sxm", "sglang", "0.5.6.post2", "fp8_block fp8_block fp8 fp8"},
		{"h100_sxm", "vllm", "0.12.0", "fp8 fp8 fp8 float16"},
		{"b200_sxm", "trtllm", "1.0.0rc6", "nvfp4 nvfp4 fp8 fp8"},
		{"gb200_sxm", "trtllm", "1.2.0rc5", "nvfp4 nvfp4 fp8 fp8"},
		{"b200_sxm", "sglang", "0.5.6.post2", "nvfp4 nvfp4 fp8 fp8"},
		{"l40s", "trtllm", "1.0.0", "fp8 float16 fp8 float16"},
		{"l40s", "sglang", "0.5.5.post3", "fp8 fp8_block float16 float16"},
	} {
		db := openTables(t, c.system, c.backend, c.version)
		q := DefaultQuant(llama, db)
		if got := strings.Join([]string{string(q.GEMM), string(q.MoE), string(q.KV), string(q.FMHA)}, " "); got != c.want {
			t.Errorf("%s: got %s, want %s", db, got, c.want)
		}
		if q := DefaultQuant(deepSeek, db); q.FMHA != perftables.FMHAFloat16 {
			t.Errorf("%s: DeepSeek attends in %s", db, q.FMHA)
		}
		if q := DefaultQuant(gptOSS, db); q.MoE != perftables.MoEW4A16MXFP4 {
			t.Errorf("%s: GPT-OSS has experts in %s", db, q.MoE)
		}
	}
}
