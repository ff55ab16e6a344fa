package jobs

import (
	"reflect"
	"testing"
)

func TestParseDefaults(t *testing.T) {
	got := mustParse(t, least)
	want := &Spec{
		Name:         "nightly",
		Models:       []string{"Qwen/Qwen3-32B-FP8"},
		Systems:      []string{"h200_sxm"},
		Backends:     []string{"vllm"},
		Versions:     []string{"latest"},
		GPUs:         []int{8},
		Workloads:    []Workload{{4000, 500, 0}},
		TTFT:         []float64{2000},
		TPOT:         []float64{30},
		ServingModes: []string{"agg", "disagg"},
		Estimator:    "reference",
		Search:       "exhaustive",
		DatabaseMode: "SILICON",
		Keep:         "useful",
		Warehouse:    "./warehouse",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseEveryKey(t *testing.T) {
	got := mustParse(t, `
name: week-32.b
models: [Qwen/Qwen3-8B, QWEN3_32B, Qwen/Qwen3-32B-FP8]   # the last two are one
systems: [gb200, h200_sxm, gb200_sxm]
decode_systems: []
backends: [vllm, trtllm]
versions: [0.12.0, 1.20]                                 # 1.20 looks like a number
gpus: [64, 8, 16, 8]
workloads:
  - {isl: 4000, osl: 500, prefix: 1000}
  - isl: 1_000
    osl: 0x10
  - {isl: 4000, osl: 500, prefix: 1000}
ttft: [600, 300.5, 600]
tpot: 16.67
request_latency:
serving_modes: [disagg, agg]
estimator: reference
search: reference
database_mode: SILICON
profiles: []
quant: {}
layouts: ~
keep: all
warehouse: s3://bucket/planning?region=eu
`)
	want := &Spec{
		Name:         "week-32.b",
		Models:       []string{"Qwen/Qwen3-8B", "Qwen/Qwen3-32B-FP8"},
		Systems:      []string{"gb200_sxm", "h200_sxm"},
		Backends:     []string{"vllm", "trtllm"},
		Versions:     []string{"0.12.0", "1.20"},
		GPUs:         []int{8, 16, 64},
		Workloads:    []Workload{{4000, 500, 1000}, {1000, 16, 0}},
		TTFT:         []float64{300.5, 600},
		TPOT:         []float64{16.67},
		ServingModes: []string{"agg", "disagg"},
		Estimator:    "reference",
		Search:       "reference",
		DatabaseMode: "SILICON",
		Keep:         "all",
		Warehouse:    "s3://bucket/planning?region=eu",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseReportsAllMistakesInOrder(t *testing.T) {
	wantFaults(t, `nam: x
models: [Qwen/Qwen3-32B-FP9, QWEN3_32B]
systems: h20_sxm
serving-modes: agg
backends: []
isl: [0, {from: 1, too: 4}]
prefix: .nan
gpus: "8"
gpus: 9
estimator: calibrate
database_mode: silicon
workloads: [{isl: 5}, 7]
tpot: -1
keep: usefull
`,
		`1: unknown key "nam": did you mean "name"?`,
		`2: unknown model "Qwen/Qwen3-32B-FP9": did you mean "Qwen/Qwen3-32B-FP8"?`,
		`3: unknown system "h20_sxm": did you mean "h200_sxm"?`,
		`4: unknown key "serving-modes": did you mean "serving_modes"?`,
		`5: backends: has no value`,
		`6: isl: workloads are already listed on line 12`,
		`6: isl: 0 is not a positive whole number`,
		`6: isl range: unknown key "too": did you mean "to"?`,
		`6: isl range: to is missing`,
		`6: isl range: give step or factor`,
		`7: prefix: workloads are already listed on line 12`,
		`7: prefix: .nan is not a whole number of at least 0`,
		`8: gpus: "8" is text: remove the quotes`,
		`9: key "gpus" is already given on line 8`,
		`10: unknown estimator "calibrate": did you mean "calibrated"?`,
		`11: unknown database_mode "silicon": did you mean "SILICON"?`,
		`12: workload: osl is missing`,
		`12: an entry is {isl: …, osl: …, prefix: …}, not the number 7`,
		`13: tpot: -1 is not a positive number of milliseconds`,
		`14: unknown keep "usefull": did you mean "useful"?`,
	)
}

// The calibrated estimator is swept for agg, said or not.
func TestParseCalibrated(t *testing.T) {
	for _, more := range []string{"", "serving_modes: agg\n", "serving_modes: [agg]\ndatabase_mode: HYBRID\n"} {
		s, err := Parse("sweep.yaml", []byte(least+"estimator: calibrated\n"+more), testKnown())
		if err != nil || s.Estimator != EstimatorCalibrated || len(s.ServingModes) != 1 || s.ServingModes[0] != ModeAgg {
			t.Errorf("%q: %+v, %v", more, s, err)
		}
	}
}

func TestParseKeys(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"nothing but a name", "name: x\n", []string{
			`1: key "models" is missing`, `1: key "systems" is missing`, `1: key "backends" is missing`,
			`1: key "gpus" is missing`, `1: no workload`}},
		{"osl alone", "models: all\nsystems: all\nbackends: all\ngpus: 8\nosl: 2\n", []string{`1: key "isl" is missing`}},
		{"request latency", least + "request_latency: 5000\n", []string{`7: request_latency: is not supported by sweep yet`}},
		{"decode systems", least + "decode_systems: [h100_sxm]\n", []string{`7: decode_systems: is not supported by sweep yet`}},
		{"quant", least + "quant: {gemm: fp8}\n", []string{`7: quant: is not supported by sweep yet`}},
		{"profiles", least + "profiles: fp8_default\n", []string{`7: profiles: is not supported by sweep yet`}},
		{"layouts", least + "layouts: [{tp: 2}]\n", []string{`7: layouts: is not supported by sweep yet`}},
		{"database mode", least + "database_mode: HYBRD\n", []string{`7: unknown database_mode "HYBRD": did you mean "HYBRID"?`}},
		{"calibrated with disagg", least + "serving_modes: [agg, disagg]\nestimator: calibrated\n", []string{`7: serving_modes: with estimator calibrated only agg is swept`}},
		{"calibrated by formulas", least + "estimator: calibrated\ndatabase_mode: SOL\n", []string{`8: database_mode: estimator calibrated has constants for measured kernels: use SILICON or HYBRID, not SOL`}},
		{"search", least + "search: best\n", []string{`7: unknown search "best"`}},
		{"a list where one is wanted", least + "search: [exhaustive]\n", []string{`7: search: wants a name, not a list`}},
		{"boolean", least + "keep: true\n", []string{`7: keep: wants a name, not the boolean true`}},
		{"no value", least + "keep:\n", []string{`7: keep: wants a name, not an empty value`}},
		{"odd tag", least + "keep: !!binary YWxs\n", []string{`7: keep: wants a name, not a value tagged !!binary`}},
		{"name with a slash", least + "name: a/b\n", []string{`7: name: "a/b" becomes part of paths`}},
		{"empty warehouse", least + "warehouse: \"\"\n", []string{`7: warehouse: "" is empty`}},
		{"warehouse with a bell", least + `warehouse: "a\ab"` + "\n", []string{`7: warehouse: "a\ab"`}},
		{"merge key", least + "<<: {keep: all}\n", []string{`7: merge keys`}},
		{"key that is a list", least + "? [a]\n: b\n", []string{`7: a key must be a name, not a list`}},
	} {
		t.Run(c.name, func(t *testing.T) { wantFaults(t, c.src, c.want...) })
	}
}
