package jobs

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// experimentsKnown is [testKnown] with the names of an experiment file.
func experimentsKnown() Known {
	k := testKnown()
	k.Check = func(key, value string) error {
		valid := map[string][]string{
			"profiles": {"fp8_default", "float16_default"}, "gemm_quant_mode": {"fp8", "float16"}, "moe_backend": {"deepep_moe"},
			"attention_backend": {"flashinfer", "fa3"}, "use_specific_quant_mode": {"fp8", "w4afp8"},
		}[key]
		if valid == nil || slices.Contains(valid, value) {
			return nil
		}
		return unknown("value", value, valid)
	}
	return k
}

func mustParseExperiments(t *testing.T, src string) []Experiment {
	t.Helper()
	list, err := ParseExperiments("exp.yaml", []byte(src), experimentsKnown())
	if err != nil {
		t.Fatalf("%v\nof:\n%s", err, src)
	}
	return list
}

// one is an experiment with nothing but the required keys, in one line each.
const one = `one:
  serving_mode: agg
  model_path: Qwen/Qwen3-8B
  total_gpus: 8
  system_name: h200_sxm
`

// pair is the same for disaggregated serving.
const pair = `two:
  serving_mode: disagg
  model_name: Qwen/Qwen3-8B
  total_gpus: 16
  system_name: h200_sxm
`

func TestExperimentDefaults(t *testing.T) {
	where := WorkerBlock{System: "h200_sxm", Backend: "trtllm"}
	want := []Experiment{
		{
			Name: "one", ServingMode: ModeAgg, Model: "Qwen/Qwen3-8B", TotalGPUs: 8, Workload: Workload{4000, 1000, 0},
			TTFT: 2000, TPOT: 30, DatabaseMode: DatabaseSilicon, Search: SearchReference, NextN: -1, Agg: where,
		},
		{
			Name: "two", ServingMode: ModeDisagg, Model: "Qwen/Qwen3-8B", TotalGPUs: 16, Workload: Workload{4000, 1000, 0},
			TTFT: 2000, TPOT: 30, DatabaseMode: DatabaseSilicon, Search: SearchReference, NextN: -1, Prefill: where, Decode: where,
		},
	}
	if got := mustParseExperiments(t, one+pair); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// The list exps chooses and orders; what it leaves out is not read.
func TestExperimentSelection(t *testing.T) {
	var names []string
	for _, x := range mustParseExperiments(t, "exps: [two, one]\n"+one+pair+"draft: {serving_mode: neither}\n") {
		names = append(names, x.Name)
	}
	if got := strings.Join(names, " "); got != "two one" {
		t.Errorf("got %s", got)
	}
}

const everything = pair + `  decode_system_name: h100_sxm
  backend_name: vllm
  backend_version: 0.12.0
  isl: 3000
  osl: 200
  prefix: 100
  ttft: 500
  tpot: 16.5
  request_latency: 9000
  database_mode: HYBRID
  search: exhaustive
  enable_wideep: true
  profiles: [fp8_default]
  config:
    nextn: 2
    nextn_accept_rates: [0.8, 0.8]
    moe_backend: deepep_moe
    attention_backend: fa3
    runtime_config: {tpot: 17.5}
    prefill_worker_config:
      num_gpu_per_worker: [2]
      tp_list: 2
      pp_list: [1]
      gemm_quant_mode: fp8
      moe_quant_mode: null
    decode_worker_config:
      backend_name: trtllm
      dp_list: [1, 2, 2]
      moe_tp_list: [1]
      moe_ep_list: [1, 2]
    replica_config:
      num_gpu_per_replica: [4, 8]
      max_gpu_per_replica: 0
      max_prefill_worker: 3
      max_decode_worker: 4
    advanced_tuning_config:
      prefill_latency_correction_scale: 1.2
      decode_latency_correction_scale: 1
      prefill_max_batch_size: 2
      decode_max_batch_size: 64
`

func TestExperimentWithEverything(t *testing.T) {
	want := Experiment{
		Name: "two", ServingMode: ModeDisagg, Model: "Qwen/Qwen3-8B", TotalGPUs: 16, Workload: Workload{3000, 200, 100},
		TTFT: 500, TPOT: 17.5, RequestLatency: 9000, DatabaseMode: DatabaseHybrid, Search: SearchExhaustive, Profiles: []string{"fp8_default"},
		WideEP: true, MoEBackend: "deepep_moe", AttentionBackend: "fa3", NextN: 2, AcceptRates: []float64{0.8, 0.8},
		Prefill: WorkerBlock{System: "h200_sxm", Backend: "vllm", Version: "0.12.0", GPUs: []int{2}, TP: []int{2}, PP: []int{1}, GEMM: "fp8"},
		Decode:  WorkerBlock{System: "h100_sxm", Backend: "trtllm", DP: []int{1, 2}, MoETP: []int{1}, MoEEP: []int{1, 2}},
		Replica: ReplicaBlock{GPUs: []int{4, 8}, MaxGPUs: new(int), MaxPrefill: 3, MaxDecode: 4},
		Tuning:  TuningBlock{PrefillCorrection: 1.2, DecodeCorrection: 1, PrefillMaxBatch: 2, DecodeMaxBatch: 64},
	}
	if got := mustParseExperiments(t, everything)[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Without config, and under the other word for the block, the overlay stands
// beside the other keys.
func TestExperimentOverlayAtTop(t *testing.T) {
	for _, more := range []string{
		"  config: {agg_worker_config: {tp_list: [2]}}\n",
		"  config: {worker_config: {tp_list: [2]}}\n",
		"  agg_worker_config: {tp_list: [2]}\n",
		"  worker_config: {tp_list: [2]}\n  config:\n",
		"  worker_config: {tp_list: [2]}\n  config: {}\n",
	} {
		if got := mustParseExperiments(t, one+more)[0].Agg.TP; !slices.Equal(got, []int{2}) {
			t.Errorf("%s: tp_list %v", more, got)
		}
	}
}

func TestExperimentMistakes(t *testing.T) {
	for _, c := range []struct {
		src  string
		want []string
	}{
		{"", []string{"1: the file is empty: an experiment file needs experiments"}},
		{"- a\n", []string{"1: an experiment file is a mapping, not a list"}},
		{"{}\n", []string{"1: the file has no experiment"}},
		{"exps: []\n" + one, []string{"1: exps: has no value"}},
		{"exps: [one, on, one, two]\n" + one, []string{
			`1: exps: unknown experiment "on": did you mean "one"?`, "1: exps: one is already listed", `1: exps: unknown experiment "two"`,
		}},
		{"one: 3\ntwo:\nisl: [1]\n", []string{
			"1: experiment one: wants a mapping of keys such as serving_mode, not the number 3",
			"2: experiment two: wants a mapping of keys such as serving_mode, not an empty value",
			"3: experiment isl: wants a mapping of keys such as serving_mode, not a list",
		}},
		{"a/b: {}\n", []string{`1: experiment "a/b": the name becomes part of paths`}},
		{"one: {mode: patch}\ntwo: {serving_mode: aggg, total_gpus: 0, model_path: Qwen/Qwen3-9B, system_name: h20_sxm}\n", []string{
			"1: experiment one: serving_mode is missing", "1: experiment one: model_path is missing",
			"1: experiment one: total_gpus is missing", "1: experiment one: system_name is missing",
			`2: unknown serving_mode "aggg": did you mean "agg"?`, `2: model_path: unknown model "Qwen/Qwen3-9B": did you mean "Qwen/Qwen3-8B"?`,
			"2: total_gpus: 0 is not a positive whole number", `2: system_name: unknown system "h20_sxm": did you mean "h200_sxm"?`,
		}},
		{one + "  ils: 3\n  config:\n    agg_worker_confg: {}\n", []string{
			`6: experiment one: unknown key "ils": did you mean "isl"?`, `8: experiment one: config: unknown key "agg_worker_confg": did you mean "agg_worker_config"?`,
		}},
		{one + "  config:\n    agg_worker_config: {tp_lst: [2], tp_list: [0], pp_list: [], gemm_quant_mode: fp9}\n    runtime_config: 3\n", []string{
			`7: experiment one: config: agg_worker_config: unknown key "tp_lst": did you mean "tp_list"?`,
			"7: tp_list: 0 is not a positive whole number", "7: pp_list: has no value", `7: gemm_quant_mode: unknown value "fp9"`,
			"8: experiment one: config: runtime_config: wants a mapping, not the number 3",
		}},
		{one + "  agg_worker_config: {}\n  worker_config: {}\n  model_name: x\n", []string{
			"7: experiment one: worker_config is another word for agg_worker_config", "8: experiment one: model_name is another word for model_path",
			`8: model_name: unknown model "x"`,
		}},
		{one + "  worker_config: {tp_list: 2}\n  config: {nextn: 1}\n", []string{"6: experiment one: worker_config belongs into config"}},
		{one + "  decode_system_name: h100_sxm\n  replica_config: {max_decode_worker: 1}\n", []string{
			"6: experiment one: decode_system_name belongs to serving_mode disagg", "7: experiment one: replica_config belongs to serving_mode disagg",
		}},
		{pair + "  agg_worker_config: {tp_list: 2}\n", []string{"6: experiment two: agg_worker_config belongs to serving_mode agg"}},
		{one + "  isl: 100\n  prefix: 100\n  osl: 1\n", []string{"7: experiment one: prefix 100 is not below isl 100", "8: osl: 1 is not a whole number of at least 2"}},
		{one + "  osl: 99999999\n  ttft: -1\n  tpot: .nan\n  request_latency: 1000\n", []string{
			"6: osl: 99999999 is above 16777216", "7: ttft: -1 is not a positive number of milliseconds", "8: tpot: .nan is not a positive",
		}},
		{one + "  enable_wideep: maybe\n  profiles: [fp8_defalt]\n  database_mode: silicon\n", []string{
			`6: enable_wideep: wants true or false, not the text "maybe"`, `7: profiles: unknown value "fp8_defalt": did you mean "fp8_default"?`,
			`8: unknown database_mode "silicon": did you mean "SILICON"?`,
		}},
		{one + "  profiles: fp8_default\n  use_specific_quant_mode: fp8\n", []string{"7: experiment one: use_specific_quant_mode has no effect beside profiles"}},
		{one + "  nextn: 3\n  nextn_accept_rates: [0.5, 1.5]\n", []string{
			"7: nextn_accept_rates: 1.5 is above 1", "7: experiment one: nextn 3 needs as many nextn_accept_rates, not 2",
		}},
		{one + "  mode: replace\n  isl: 4000\n  worker_config: {tp_list: [2], pp_list: 1, dp_list: 1, moe_tp_list: 1}\n", []string{
			"2: experiment one: osl is missing", "2: experiment one: ttft is missing", "2: experiment one: tpot is missing",
			"8: experiment one: worker_config: num_gpu_per_worker is missing: mode replace takes no defaults",
			"8: experiment one: worker_config: moe_ep_list is missing: mode replace takes no defaults",
		}},
	} {
		_, err := ParseExperiments("exp.yaml", []byte(c.src), experimentsKnown())
		var got []string
		if err != nil {
			got = strings.Split(err.Error(), "\n")
		}
		ok := len(got) == len(c.want)
		for i := 0; ok && i < len(got); i++ {
			line, text, _ := strings.Cut(c.want[i], ": ")
			ok = strings.HasPrefix(got[i], "exp.yaml:"+line+": ") && strings.Contains(got[i], text)
		}
		if !ok {
			t.Errorf("mistakes of\n%s\ngot:\n  %s\nwant parts:\n  %s", numbered(c.src), strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
		}
	}
}

// rerender checks that experiments survive being written and read.
func rerender(t *testing.T, list []Experiment) {
	t.Helper()
	out := ExperimentsYAML(list)
	again, err := ParseExperiments("again.yaml", out, experimentsKnown())
	if err != nil {
		t.Fatalf("rendered file does not parse: %v\n%s", err, out)
	}
	if !reflect.DeepEqual(list, again) {
		t.Fatalf("round trip changed the experiments:\n%+v\n%+v\n%s", list, again, out)
	}
}

func TestExperimentsRoundTrip(t *testing.T) {
	const lists = "num_gpu_per_worker: 1, tp_list: 1, pp_list: 1, dp_list: 1, moe_tp_list: 1, moe_ep_list: 1"
	for _, src := range []string{
		one + pair, everything,
		pair + "  prefill_worker_config: {backend_version: 1.0.0rc3}\n",
		pair + "  backend_version: 1.0.0rc3\n  decode_worker_config: {backend_name: vllm}\n",
		pair + "  decode_worker_config: {backend_version: 1.0.0rc3, system_name: gb200}\n",
		pair + "  replica_config: {num_gpu_per_replica: null}\n",
		one + "  nextn: 0\n  use_specific_quant_mode: w4afp8\n",
		one + "  mode: replace\n  isl: 1\n  osl: 2\n  request_latency: 5\n  worker_config: {" + lists + "}\n",
	} {
		rerender(t, mustParseExperiments(t, src))
	}
}

// FuzzParseExperiments checks that no file brings the parser down, that every
// error is a *Mistake with a line, and that what parses survives a round trip.
func FuzzParseExperiments(f *testing.F) {
	for _, s := range []string{
		one, pair, everything, one + pair, "exps: [one]\n" + one, "exps: exps\n",
		"&a one: {config: *a, exps: *a, <<: *a}\n", "one: &x {serving_mode: agg, config: {runtime_config: *x}}\n",
		pair + "  replica_config: {num_gpu_per_replica: ~, max_gpu_per_replica: 1e1}\n",
		one + "  mode: replace\n  worker_config: {backend_name: 3, tp_list: [1.0, 0x2, &b 4, *b]}\n",
		"one: !!binary aGk=\n? [a]\n: b\n---\n",
		one + "  agg_tp_candidates: &a [1]\n  agg_pp_candidates: *a\n  nextn: 2\n  nextn_accepted: 1.5\n  gemm_quant_mode: bfloat16\n",
		"two: {serving_mode: disagg, total_gpus: 8, prefill_model_path: Qwen/Qwen3-8B, prefill_system_name: h200_sxm, decode_system_name: h100_sxm, max_decode_workers: ~}\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		list, err := ParseExperiments("fuzz.yaml", src, experimentsKnown())
		if err == nil {
			rerender(t, list)
			return
		}
		var m *Mistake
		if !errors.As(err, &m) || m.Line < 1 {
			t.Fatalf("not a mistake with a line: %v", err)
		}
	})
}

// Long lists are refused before the search multiplies them.
func TestExperimentListsAreBounded(t *testing.T) {
	_, err := ParseExperiments("exp.yaml", []byte(one+"  worker_config: {tp_list: ["+strings.Repeat("1, ", mostValues)+"1]}\n"), experimentsKnown())
	if err == nil || !strings.Contains(err.Error(), "tp_list: 257 values: at most 256") {
		t.Errorf("got %v", err)
	}
}
