package main

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"servegrid/estimator/search"
	"servegrid/jobs"
)

// solveFile solves the experiments of a file.
func solveFile(t *testing.T, src []byte) *answer {
	t.Helper()
	list, err := jobs.ParseExperiments("exp.yaml", src, known())
	if err != nil {
		t.Fatalf("%v\nof:\n%s", err, src)
	}
	var experiments []*experiment
	for i := range list {
		experiments = append(experiments, newExperiment(&list[i], messages{w: io.Discard}, estimatorChoice{}))
	}
	return solve(experiments)
}

// records are the rows of an experiment as its files hold them.
func records(e *experiment) (out [][]string) {
	for _, rows := range [][]search.Row{e.result.Rows, e.result.Picked, e.result.Frontier} {
		for i := range rows {
			out = append(out, rows[i].Record(e.task().Workload))
		}
	}
	return out
}

// A saved experiment leaves nothing to defaults and gives the same rows again,
// whatever was set.
func TestSavedExperimentsGiveTheSame(t *testing.T) {
	const dense, deepseek = "Qwen/Qwen3-32B-FP8", "deepseek-ai/DeepSeek-V3"
	var file strings.Builder
	for i, c := range []struct{ mode, model, more string }{
		{"agg", dense, "backend_name: vllm, agg_worker_config: {tp_list: [2, 3], pp_list: [1, 2]}"},
		{"agg", dense, "profiles: [float16_default, fp8_default], request_latency: 9000, ttft: 700"},
		{"agg", dense, "use_specific_quant_mode: float16, worker_config: {kvcache_quant_mode: fp8}, prefix: 1000"},
		{"agg", deepseek, "nextn: 2, nextn_accept_rates: [0.8, 0.6], backend_version: 1.0.0rc3"},
		{"agg", deepseek, "backend_name: sglang, enable_wideep: true, moe_backend: deepep_moe, attention_backend: fa3, worker_config: {fmha_quant_mode: fp8_block}"},
		{"agg", deepseek, "nextn: 0, search: exhaustive"},
		{"disagg", dense, "decode_system_name: h100_sxm, decode_worker_config: {gemm_quant_mode: float16}"},
		{"disagg", dense, "backend_name: vllm, decode_worker_config: {backend_name: trtllm, backend_version: 1.0.0rc3}, replica_config: {max_gpu_per_replica: 0}"},
		{"disagg", dense, "prefill_worker_config: {backend_version: 1.0.0rc3, num_gpu_per_worker: [2, 4]}, advanced_tuning_config: {prefill_max_batch_size: 4, decode_latency_correction_scale: 1.2}"},
		{"disagg", dense, "search: exhaustive, replica_config: {num_gpu_per_replica: null, max_gpu_per_replica: 12, max_decode_worker: 2}"},
		{"disagg", deepseek, "backend_name: trtllm, enable_wideep: true, replica_config: {max_prefill_worker: 8}"},
		{"disagg", dense, "database_mode: SOL, system_name: b200_sxm, backend_name: vllm"},
	} {
		if !strings.Contains(c.more, "system_name: b200") {
			c.more += ", system_name: h200_sxm"
		}
		fmt.Fprintf(&file, "exp%d: {serving_mode: %s, model_path: %s, total_gpus: 32, isl: 4000, osl: 500, tpot: 50, %s}\n", i, c.mode, c.model, c.more)
	}
	for _, e := range solveFile(t, []byte(file.String())).experiments {
		if e.failed != nil || len(e.result.Rows) == 0 {
			t.Errorf("%s: %v, %d rows", e.name, e.failed, len(e.result.Rows))
			continue
		}
		saved := e.effective()
		again := solveFile(t, saved).experiments[0]
		if !reflect.DeepEqual(records(e), records(again)) {
			t.Errorf("%s gives other rows when it is read back:\n%s", e.name, saved)
		}
		if text := string(again.effective()); text != string(saved) {
			t.Errorf("%s changes when it is read back:\n%s\n%s", e.name, saved, text)
		}
	}
}
