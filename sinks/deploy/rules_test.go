package deploy

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func resolve(t *testing.T, c Choice, sets ...string) *Plan {
	t.Helper()
	var o Overrides
	if err := o.Add("--generator-set", sets); err != nil {
		t.Fatal(err)
	}
	p, err := Resolve(c, &o, RuntimeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// arguments of a role as one text.
func arguments(p *Plan, role int) string {
	return strings.Join(args(p.options(&p.Roles[role], "")), " ")
}

// The guide's two manifests: every argument, in order.
func TestGuideArguments(t *testing.T) {
	p := resolve(t, guideAgg())
	if got, want := arguments(p, 0), "--model Qwen/Qwen3-32B-FP8 --no-enable-prefix-caching --tensor-parallel-size 2 --pipeline-parallel-size 1 "+
		"--data-parallel-size 1 --kv-cache-dtype fp8 --max-model-len 6000 --max-num-seqs 1024"; got != want {
		t.Errorf("agg: %s\nwant %s", got, want)
	}
	if r := p.Roles[0]; r.Workers != 4 || r.GPUs != 2 {
		t.Errorf("%d workers of %d GPUs, want 4 of 2", r.Workers, r.GPUs)
	}
	p = resolve(t, guideDisagg())
	for i, want := range []string{
		"--model Qwen/Qwen3-32B-FP8 --tensor-parallel-size 2 --kv-cache-dtype fp8 --max-num-seqs 1 --is-prefill-worker",
		"--model Qwen/Qwen3-32B-FP8 --tensor-parallel-size 4 --kv-cache-dtype fp8 --max-num-seqs 1024 --is-decode-worker",
	} {
		if got := arguments(p, i); got != want {
			t.Errorf("%s: %s\nwant %s", p.Roles[i].Name, got, want)
		}
	}
}

// Engine parameters of worked cases, by rule.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name   string
		choice Choice
		role   int
		want   values
	}{
		{"TensorRT-LLM agg", trtAgg(), 0, values{
			"tensor_parallel_size": 2, "max_batch_size": 24, "max_num_tokens": 4544, "max_seq_len": 6000, "enable_attention_dp": false,
			"cuda_graph_batch_sizes": []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 24}, "disable_overlap_scheduler": false,
			"kv_cache_free_gpu_memory_fraction": 0.8, "disable_prefix_cache": true, "kv_cache_dtype": "fp8"}},
		{"TensorRT-LLM prefill", trtDisagg(), 0, values{
			"max_batch_size": 1, "max_num_tokens": 4512, "disable_overlap_scheduler": true, "cache_transceiver_max_tokens_in_buffer": 5024,
			"kv_transfer_backend": "DEFAULT", "max_seq_len": 5500}},
		{"TensorRT-LLM decode", trtDisagg(), 1, values{
			"max_batch_size": 68, "max_num_tokens": 96, "cache_transceiver_max_tokens_in_buffer": 5024,
			"cuda_graph_batch_sizes": []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 24, 28, 32, 40, 48, 56, 64, 68}}},
		{"SGLang agg", sglangAgg(), 0, values{
			"tensor_parallel_size": 4, "max_batch_size": 40, "max_prefill_tokens": 5500, "cuda_graph_max_batch_size": 40, "kv_cache_dtype": "fp8_e4m3",
			"enable_mixed_chunk": true, "moe_expert_parallel_size": nil}},
		{"SGLang decode", sglangDisagg(), 1, values{"max_batch_size": 108, "max_prefill_tokens": nil, "kv_transfer_backend": "nixl"}},
		{"DeepSeek on TensorRT-LLM", deepSeekTRTAgg(), 0, values{
			"tensor_parallel_size": 8, "enable_attention_dp": true, "moe_expert_parallel_size": 8, "moe_tensor_parallel_size": 1,
			"max_batch_size": 12, "max_num_tokens": 4544, "moe_backend": "CUTLASS", "num_nextn_predict_layers": 1}},
		{"DeepSeek on SGLang", deepSeekSGLangDisagg(), 1, values{
			"tensor_parallel_size": 8, "data_parallel_size": 8, "enable_attention_dp": true, "moe_expert_parallel_size": 1, "max_batch_size": 208}},
	} {
		p := resolve(t, c.choice)
		for name, want := range c.want {
			if got := p.Roles[c.role].values[name]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s is %v, want %v", c.name, name, got, want)
			}
		}
	}
}

// A worker's GPUs come from the row, whatever the engine is told; published
// generators multiply attention data parallelism twice here.
func TestGPUsOfAttentionDP(t *testing.T) {
	for _, c := range []Choice{deepSeekTRTAgg(), deepSeekSGLangDisagg()} {
		p := resolve(t, c)
		for _, r := range p.Roles {
			if r.GPUs != 8 {
				t.Errorf("%s %s: %d GPUs, want 8", c.Backend, r.Name, r.GPUs)
			}
		}
	}
}

// Mixed steps of several prompts get room for all of them.
func TestTokensOfTwoPrompts(t *testing.T) {
	c := trtAgg()
	c.Agg.CtxTokens = 8000
	if got := resolve(t, c).Roles[0].values["max_num_tokens"]; got != roundUp(24+8000+500, 32) {
		t.Errorf("max_num_tokens is %v", got)
	}
}

// The engine gets at least the memory that the prediction needs.
func TestMemoryFraction(t *testing.T) {
	for _, c := range []struct {
		backend string
		need    float64 // GiB of 141
		want    float64
		emit    bool
	}{
		{vLLM, 24, 0.90, false}, {vLLM, 130, 0.93, true}, {trtLLM, 24, 0.80, true}, {trtLLM, 120, 0.86, true}, {sgLang, 100, 0.80, false}, {sgLang, 133, 0.95, true},
	} {
		got, emit := memoryFraction(c.backend, Memory{Weights: c.need / 2, Activations: c.need / 4, KVCache: c.need / 4, Capacity: 141})
		if got != c.want || emit != c.emit {
			t.Errorf("%s with %.0f GiB: %v, %v; want %v, %v", c.backend, c.need, got, emit, c.want, c.emit)
		}
	}
}

func TestGraphSizes(t *testing.T) {
	for largest, want := range map[int]string{
		1: "1", 3: "1 2 3", 14: "1 2 3 4 5 6 7 8 9 10 11 12 13 14",
		40:  "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 20 24 28 32 40",
		512: "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 20 24 28 32 40 48 56 64 80 96 112 128 160 192 224 256 320 384 448 512",
	} {
		if got := joinInts(graphSizes(largest)); got != want {
			t.Errorf("%d: %s, want %s", largest, got, want)
		}
	}
	for largest := 1; largest < 3000; largest++ {
		s := graphSizes(largest)
		if !slices.IsSorted(s) || len(slices.Compact(slices.Clone(s))) != len(s) || s[len(s)-1] != largest {
			t.Fatalf("%d: %v", largest, s)
		}
	}
}

// A cached prefix turns caching on for every role, and the router.
func TestPrefix(t *testing.T) {
	for _, c := range []Choice{guideAgg(), guideDisagg(), trtDisagg(), sglangDisagg()} {
		c.Prefix = 1000
		p := resolve(t, c)
		if !p.settings.router || !strings.HasSuffix(p.name, "-router") {
			t.Errorf("%s: no router", c.Backend)
		}
		for i := range p.Roles {
			if p.Roles[i].values["disable_prefix_cache"] != false {
				t.Errorf("%s %s: prefix caching is not on", c.Backend, p.Roles[i].Name)
			}
		}
	}
	if got := arguments(resolve(t, withPrefix(guideAgg())), 0); !strings.Contains(got, "--enable-prefix-caching") || !strings.Contains(got, "--kv-events-config") {
		t.Error(got)
	}
}

func withPrefix(c Choice) Choice { c.Prefix = 1000; return c }

// SGLang refuses to start with pipeline stages unless mixed chunks, drafts and
// the overlap scheduler are off.
func TestSGLangStages(t *testing.T) {
	c := deepSeek(sgLang, "0.5.6.post2", Agg)
	c.Agg = h200(Worker{TP: 8, PP: 2, MoETP: 8, BatchSize: 16})
	p := resolve(t, c)
	got := arguments(p, 0)
	if strings.Contains(got, "mixed-chunk") || strings.Contains(got, "speculative") || !strings.Contains(got, "--disable-overlap-schedule") {
		t.Error(got)
	}
	if !strings.Contains(strings.Join(p.Notes, "\n"), "no multi-token prediction") {
		t.Errorf("notes: %q", p.Notes)
	}
}

// Layouts that an engine cannot be told are refused, never rendered.
func TestNotExpressible(t *testing.T) {
	c := deepSeekTRTAgg()
	c.Agg.TP, c.Agg.DP = 2, 4
	if _, err := Resolve(c, nil, RuntimeOptions{}); err == nil || !strings.Contains(err.Error(), "tp 2 and attention dp 4") {
		t.Error(err)
	}
	c = guideAgg()
	c.IsMoE, c.Agg.MoETP, c.Agg.MoEEP, c.Agg.TP = true, 2, 2, 4
	if _, err := Resolve(c, nil, RuntimeOptions{}); err == nil || !strings.Contains(err.Error(), "moe_tp 2 and moe_ep 2") {
		t.Error(err)
	}
}
