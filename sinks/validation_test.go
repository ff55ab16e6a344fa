package sinks

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestRecordMeasurements(t *testing.T) {
	d, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("", 3600))
	ms := []Measurement{
		{Source: "a.json", Mode: "agg", Model: "m", Metric: "ttft_ms", Predicted: 500, Measured: 550, ISL: 4000, OSL: 500, GPUs: 8, Concurrency: 56},
		{Source: "a.json", Mode: "agg", Model: "m", Metric: "tpot_ms", Predicted: 16, Measured: 15, ISL: 4000, OSL: 500, GPUs: 8, Concurrency: 56},
	}
	name, err := RecordMeasurements(d, at, ms)
	if err != nil || !strings.HasPrefix(name, "validation/20261124T080000Z-") {
		t.Fatal(name, err)
	}
	again, err := RecordMeasurements(d, at, ms)
	if err != nil || again != name {
		t.Errorf("the same again: %s, %v, want %s", again, err, name)
	}
	for _, bad := range [][]Measurement{nil, {{Metric: "ttft_ms", Predicted: math.NaN()}}, {{Metric: "ttft_ms", Measured: math.Inf(1)}}} {
		if name, err := RecordMeasurements(d, at, bad); err == nil {
			t.Errorf("%v recorded in %s", bad, name)
		}
	}
}
