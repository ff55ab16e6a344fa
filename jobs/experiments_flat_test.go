package jobs

import (
	"reflect"
	"strings"
	"testing"
)

// The same experiments in the flat format of AIConfigurator's later releases and in the
// nested one.
func TestFlatExperiments(t *testing.T) {
	flat := `one:
  serving_mode: agg
  model_path: Qwen/Qwen3-8B
  system_name: h200_sxm
  backend_name: vllm
  backend_version: null
  total_gpus: 8
  isl: 3000
  ttft: 900.0
  transfer_policy: aggressive
  enable_chunked_prefill: false
  enable_eplb: false
  moe_backend: null
  nextn: 2
  nextn_accepted: 1.25
  gemm_quant_mode: fp8
  kvcache_quant_mode: bfloat16
  agg_num_gpu_candidates: [4, 8]
  agg_tp_candidates: &ways [1, 2, 4]
  agg_moe_ep_candidates: null
two:
  serving_mode: disagg
  total_gpus: 32
  prefill_model_path: Qwen/Qwen3-8B
  prefill_system_name: h200_sxm
  prefill_backend_name: sglang
  prefill_enable_eplb: false
  prefill_gemm_quant_mode: fp8
  prefill_tp_candidates: [1, 2]
  decode_model_path: Qwen/Qwen3-8B
  decode_system_name: h100_sxm
  decode_backend_name: vllm
  decode_dp_candidates: *ways
  num_gpu_per_replica: [8, 16]
  max_gpu_per_replica: 64
  max_prefill_workers: 4
  max_decode_workers: 8
  prefill_max_batch_size: 1
  decode_max_batch_size: 256
  prefill_latency_correction: 1.1
  decode_latency_correction: 1.08
  rate_match_prefill_degradation: 0.9
  rate_match_decode_degradation: 0.92
  autoscale_ttft_correction_factor: 1.8
`
	nested := `one:
  serving_mode: agg
  model_path: Qwen/Qwen3-8B
  system_name: h200_sxm
  backend_name: vllm
  total_gpus: 8
  isl: 3000
  ttft: 900.0
  config:
    nextn: 2
    nextn_accept_rates: [1, 0.25]
    worker_config:
      gemm_quant_mode: fp8
      kvcache_quant_mode: float16
      num_gpu_per_worker: [4, 8]
      tp_list: [1, 2, 4]
two:
  serving_mode: disagg
  model_path: Qwen/Qwen3-8B
  system_name: h200_sxm
  decode_system_name: h100_sxm
  total_gpus: 32
  config:
    nextn: 0
    prefill_worker_config:
      backend_name: sglang
      gemm_quant_mode: fp8
      tp_list: [1, 2]
    decode_worker_config:
      backend_name: vllm
      dp_list: [1, 2, 4]
    replica_config: {num_gpu_per_replica: [8, 16], max_gpu_per_replica: 64, max_prefill_worker: 4, max_decode_worker: 8}
    advanced_tuning_config:
      prefill_latency_correction_scale: 1.1
      decode_latency_correction_scale: 1.08
      prefill_max_batch_size: 1
      decode_max_batch_size: 256
`
	if got, want := mustParseExperiments(t, flat), mustParseExperiments(t, nested); !reflect.DeepEqual(got, want) {
		t.Errorf("flat   %+v\nnested %+v", got, want)
	}
}

// What a flat experiment says that is not modelled is an error with its line.
func TestFlatExperimentMistakes(t *testing.T) {
	const agg = one + "  agg_tp_candidates: [1]\n"
	const disagg = "two:\n  serving_mode: disagg\n  total_gpus: 8\n  prefill_model_path: Qwen/Qwen3-8B\n  prefill_system_name: h200_sxm\n"
	for _, c := range []struct{ src, want string }{
		{agg + "  enable_eplb: true\n", `:7: experiment one: unknown key "enable_eplb"`},
		{agg + "  enable_epd: true\n", `:7: experiment one: unknown key "enable_epd"`},
		{agg + "  database_mode: HYBRID\n  transfer_policy: off\n", `:8: experiment one: unknown key "transfer_policy"`},
		{agg + "  nextn: 1\n  nextn_accepted: 1.5\n", ":8: nextn_accepted: wants a number from 0 to nextn, 1, not"},
		{agg + "  nextn_accepted: 0.5\n", ":7: nextn_accepted: wants a number from 0 to nextn, 0, not"},
		{agg + "  nextn: 1\n  nextn_accepted: [1]\n", ":8: nextn_accepted: wants a number from 0 to nextn, 1, not"},
		{agg + "  agg_tp_candidates: [2]\n", ":7: "},
		{agg + "  prefill_tp_candidates: [2]\n", ":7: experiment one: prefill_worker_config belongs to serving_mode disagg"},
		{agg + "  agg_pp_candidates: [none]\n", ":7: pp_list: "},
		{disagg + "  decode_model_path: Qwen/Qwen3-32B\n", ":6: experiment two: decode_model_path is Qwen/Qwen3-32B and prefill_model_path Qwen/Qwen3-8B: both serve one model"},
		{disagg + "  rate_match_decode_degradation: 0.8\n", `:6: experiment two: unknown key "rate_match_decode_degradation"`},
		{strings.ReplaceAll(disagg, "prefill_model_path", "nextn: 0 #"), "model_path is missing"},
	} {
		_, err := ParseExperiments("exp.yaml", []byte(c.src), experimentsKnown())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngives %v\nwant  %s", c.src, err, c.want)
		}
	}
}

func TestAcceptRates(t *testing.T) {
	for _, c := range []struct {
		accepted float64
		drafts   int
		want     []float64
	}{{0, 2, []float64{0, 0}}, {0.85, 1, []float64{0.85}}, {1.5, 3, []float64{1, 0.5, 0}}, {2, 2, []float64{1, 1}}, {0, 0, []float64{}}} {
		if got := AcceptRates(c.accepted, c.drafts); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v of %d drafts: %v, want %v", c.accepted, c.drafts, got, c.want)
		}
	}
}
