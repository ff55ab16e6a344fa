package pipeline

import (
	"maps"
	"slices"
	"testing"

	"servegrid/estimator/search"
	"servegrid/jobs"
	"servegrid/perftables"
)

// A sweep by the calibrated estimator: the same files for any number of workers, keys of
// its own, and nothing but agg.
func TestCalibratedSweep(t *testing.T) {
	spec := demoSpec(t, "Qwen/Qwen3-32B-FP8")
	spec.Models = []string{"Qwen/Qwen3-32B-FP8", "deepseek-ai/DeepSeek-V3"}
	spec.Systems, spec.GPUs = []string{"h200_sxm", "l40s"}, []int{8}
	spec.Workloads = []jobs.Workload{{ISL: 4000, OSL: 500}, {ISL: 300, OSL: 40, Prefix: 100}}
	spec.ServingModes, spec.Estimator = []string{jobs.ModeAgg}, jobs.EstimatorCalibrated
	one, four := openDir(t), openDir(t)
	m := sweep(t, one, spec, "one", 1)
	sweep(t, four, spec, "one", 4)
	if a, b := contents(t, one.Path("tables")), contents(t, four.Path("tables")); !maps.Equal(a, b) {
		t.Error("one worker and four write other files")
	}
	if m.Estimator != jobs.EstimatorCalibrated || m.Rows.AggPoints == 0 || m.Rows.Workers+m.Rows.DisaggPoints != 0 {
		t.Errorf("manifest %+v", m)
	}
	catalog := search.NewCatalog(perftables.Embedded())
	keys := func() (all []string) {
		for _, s := range resolve(spec, catalog) {
			all = append(all, s.key)
		}
		return all
	}
	calibrated := keys()
	spec.Estimator = jobs.EstimatorReference
	for _, k := range keys() {
		if slices.Contains(calibrated, k) {
			t.Errorf("key %s is of both estimators", k)
		}
	}
}
