package estimator

import (
	"testing"

	"servegrid/perftables"
)

// Every run of the peer with wide expert parallelism, with DeepEP, or in another
// database mode than SILICON, has the same status and the same figures.
func TestRunsMatchOracle(t *testing.T) {
	ts := tallies{}
	for _, r := range readOracle(t, "testdata/runs.csv.gz") {
		mode, wide := r.text("database_mode"), r.int("enable_wideep") == 1
		cfg := r.config()
		cfg.DB = cfg.DB.WithMode(perftables.Mode(mode))
		cfg.WideEP, cfg.DeepEP, cfg.AttentionKernel = wide, r.text("moe_backend") == "deepep_moe", r.text("attention_backend")

		group := mode + " " + r.text("mode") + " " + r.family()
		if wide {
			group += ", wide EP"
		}
		if cfg.DeepEP {
			group += ", DeepEP"
		}
		c := ts.group(group)
		if r.text("mode") == "agg" {
			c.agg(r, cfg)
		} else {
			c.static(r, cfg)
		}
	}
	ts.report(t)
}
