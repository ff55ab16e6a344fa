package measure

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
)

// guideAgg is the first aggregated row that AIConfigurator 0.6.0 and the guide
// print for Qwen3-32B-FP8 on 8 H200 with vLLM 0.12.0, ISL 4000, OSL 500.
func guideAgg() Prediction {
	return Prediction{
		ToolVersion: "0.1.0", Experiment: "agg", Rank: 1, Mode: Agg,
		Model: "Qwen/Qwen3-32B-FP8", System: "h200_sxm", Backend: "vllm", Version: "0.12.0",
		Estimator: "reference", KernelData: "AIConfigurator 0.6.0",
		ISL: 4000, OSL: 500, TotalGPUs: 8, UsedGPUs: 8, Replicas: 4, Concurrency: 56, ConcurrencyPerReplica: 14,
		Limits: Limits{TTFTMs: 600, TPOTMs: 16.67},
		TTFTMs: 509.142, TPOTMs: 16.484, RequestLatencyMs: 8734.685,
		RequestRatePerS: 1.592 * 4, TokensPerS: 794.625 * 4, TokensPerSPerGPU: 397.313, TokensPerSPerUser: 60.665,
		MemoryGiB: Memory{Agg: 24.782},
	}
}

// guideDisagg is the first disaggregated row of the same workload.
func guideDisagg() Prediction {
	p := guideAgg()
	p.Experiment, p.Mode, p.DecodeSystem = "disagg", Disagg, "h200_sxm"
	p.Replicas, p.Concurrency, p.ConcurrencyPerReplica = 1, 60, 60
	p.TTFTMs, p.TPOTMs, p.RequestLatencyMs = 388.105, 12.993, 6871.612
	p.RequestRatePerS, p.TokensPerS, p.TokensPerSPerGPU, p.TokensPerSPerUser = 8.348, 4174.2, 521.775, 76.965
	p.MemoryGiB = Memory{Prefill: 24.7, Decode: 60.5}
	p.PrefillCorrection, p.DecodeCorrection = 1.1, 1.08
	return p
}

func TestPredictionRoundTrip(t *testing.T) {
	for _, p := range []Prediction{guideAgg(), guideDisagg()} {
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		first := b.String()
		got, err := ReadPrediction(&b)
		if err != nil || !reflect.DeepEqual(*got, p) {
			t.Fatalf("read back %+v, %v\nwrote %s", got, err, first)
		}
		if err := got.Write(&b); err != nil || b.String() != first {
			t.Errorf("written again it is\n%s, not\n%s (%v)", b.String(), first, err)
		}
	}
}

func TestReadPredictionErrors(t *testing.T) {
	p := guideAgg()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	whole := b.String()
	for _, c := range []struct{ old, new, want string }{
		{`"mode": "agg"`, `"mode": "aggregated"`, `not a prediction: mode is "aggregated", want agg or disagg`},
		{`"mode": "agg"`, `"mode": 3`, `not a prediction: mode is number, want a text`},
		{`"isl": 4000`, `"isl": 4000.5`, `not a prediction: isl is number 4000.5, want a whole number`},
		{`"isl": 4000`, `"isl": 0`, `not a prediction: isl is 0, want 1 or more`},
		{`"ttft_ms": 509.142`, `"ttft_ms": "509"`, `not a prediction: ttft_ms is string, want a number`},
		{`"ttft_ms": 509.142`, `"ttft_ms": NaN`, `not a prediction: line 25 is not JSON: invalid character 'N' looking for beginning of value`},
		{`"ttft_ms": 509.142`, `"ttft_ms": null`, `not a whole prediction: it has no ttft_ms`},
		{`"ttft_ms": 509.142`, `"ttft_ms": -1`, `not a prediction: ttft_ms is -1, want a number from 0 up`},
		{`"ttft_ms": 600`, `"ttft_ms": "none"`, `not a prediction: limits.ttft_ms is string, want a number`},
		{whole, `{}`, `not a whole prediction: it has no ` + strings.Join(essentials, ", ")},
		{whole, `[]`, `not a prediction: it holds array, want an object`},
		{whole, `null`, `not a whole prediction: it has no ` + strings.Join(essentials, ", ")},
		{whole, ``, `not a prediction: line 1 is not JSON: unexpected end of JSON input`},
		{whole, whole + "{}", `not a prediction: line 36 is not JSON: invalid character '{' after top-level value`},
	} {
		text := strings.Replace(whole, c.old, c.new, 1)
		if text == whole {
			t.Fatalf("%s is not in the prediction", c.old)
		}
		if _, err := ReadPrediction(strings.NewReader(text)); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.new, err, c.want)
		}
	}
	newer := strings.Replace(whole, "{", `{"new_in_version_9": [1],`, 1)
	if _, err := ReadPrediction(strings.NewReader(newer)); err != nil {
		t.Errorf("an unknown field: %v", err)
	}
}

// What cannot be read is not written either.
func TestWriteRefuses(t *testing.T) {
	p := guideAgg()
	p.TPOTMs = math.NaN()
	var b bytes.Buffer
	if err := p.Write(&b); err == nil || b.Len() > 0 {
		t.Errorf("got %v and %d bytes", err, b.Len())
	}
}

func FuzzReadPrediction(f *testing.F) {
	for _, p := range []Prediction{guideAgg(), guideDisagg()} {
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"isl": 1e400}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ReadPrediction(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatalf("read, but not written: %v", err)
		}
		again, err := ReadPrediction(&b)
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("read back %+v, %v; want %+v", again, err, p)
		}
	})
}
