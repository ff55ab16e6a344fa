package measure

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// PredictionFile is the name of a prediction beside its deployment files.
const PredictionFile = "prediction.json"

// The ways of serving.
const (
	Agg    = "agg"
	Disagg = "disagg"
)

// Prediction is one ranked row of a search: what was asked, what is deployed, and
// the figures expected of it.
type Prediction struct {
	ToolVersion string `json:"tool_version"`
	Experiment  string `json:"experiment"`
	Rank        int    `json:"rank"` // 1 is the best
	Mode        string `json:"mode"` // Agg or Disagg

	Model        string `json:"model"`
	System       string `json:"system"`
	DecodeSystem string `json:"decode_system,omitempty"` // "" = System
	Backend      string `json:"backend"`
	Version      string `json:"version"` // of the backend
	Estimator    string `json:"estimator"`
	Deployment   string `json:"deployment"`  // what runs, in words
	KernelData   string `json:"kernel_data"` // where the kernel latencies come from, in words

	ISL    int `json:"isl"`
	OSL    int `json:"osl"`
	Prefix int `json:"prefix"`

	TotalGPUs             int `json:"total_gpus"` // the budget
	UsedGPUs              int `json:"used_gpus"`
	Replicas              int `json:"replicas"`
	Concurrency           int `json:"concurrency"` // over all replicas
	ConcurrencyPerReplica int `json:"concurrency_per_replica"`

	Limits Limits `json:"limits"`

	TTFTMs            float64 `json:"ttft_ms"`
	TPOTMs            float64 `json:"tpot_ms"`
	RequestLatencyMs  float64 `json:"request_latency_ms"`
	RequestRatePerS   float64 `json:"request_rate_per_s"`    // over all replicas
	TokensPerS        float64 `json:"tokens_per_s"`          // output tokens, over all replicas
	TokensPerSPerGPU  float64 `json:"tokens_per_s_per_gpu"`  // over the whole budget, as reports print it
	TokensPerSPerUser float64 `json:"tokens_per_s_per_user"` // 1000 / TPOT
	MemoryGiB         Memory  `json:"memory_gib"`
	PrefillCorrection float64 `json:"prefill_latency_correction_scale,omitempty"` // disagg only
	DecodeCorrection  float64 `json:"decode_latency_correction_scale,omitempty"`  // disagg only
}

// Limits are the latencies that were asked for, in ms; 0 is none.
type Limits struct {
	TTFTMs           float64 `json:"ttft_ms,omitempty"`
	TPOTMs           float64 `json:"tpot_ms,omitempty"`
	RequestLatencyMs float64 `json:"request_latency_ms,omitempty"`
}

// Memory is the predicted use of one GPU of a role's workers, GiB; 0 for a role
// that the mode does not have.
type Memory struct {
	Agg     float64 `json:"agg,omitempty"`
	Prefill float64 `json:"prefill,omitempty"`
	Decode  float64 `json:"decode,omitempty"`
}

// essentials are the fields without which nothing can be compared.
var essentials = []string{"mode", "isl", "osl", "total_gpus", "replicas", "concurrency",
	"ttft_ms", "tpot_ms", "request_latency_ms", "request_rate_per_s", "tokens_per_s", "tokens_per_s_per_gpu", "tokens_per_s_per_user"}

// Write writes the prediction as indented JSON. Equal predictions give equal
// bytes. What [ReadPrediction] would refuse is an error.
func (p *Prediction) Write(w io.Writer) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("write prediction: %w", err)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(p)
}

// ReadPrediction reads what [Prediction.Write] wrote. Fields it does not know are
// left alone, so that older programs read newer files. Missing essentials, values of another
// type and figures that cannot be are one error.
func ReadPrediction(r io.Reader) (*Prediction, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read prediction: %w", err)
	}
	var p Prediction
	if err := decode(b, &p); err != nil {
		return nil, fmt.Errorf("not a prediction: %w", err)
	}
	var given map[string]json.RawMessage
	if err := decode(b, &given); err != nil {
		return nil, fmt.Errorf("not a prediction: %w", err)
	}
	var missing []string
	for _, name := range essentials {
		if v, ok := given[name]; !ok || string(v) == "null" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("not a whole prediction: it has no %s", strings.Join(missing, ", "))
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("not a prediction: %w", err)
	}
	return &p, nil
}

// check reports the first figure that cannot be.
func (p *Prediction) check() error {
	if p.Mode != Agg && p.Mode != Disagg {
		return fmt.Errorf("mode is %q, want %s or %s", p.Mode, Agg, Disagg)
	}
	for _, c := range []struct {
		name  string
		value int
		least int
	}{
		{"isl", p.ISL, 1}, {"osl", p.OSL, 1}, {"prefix", p.Prefix, 0}, {"rank", p.Rank, 0},
		{"total_gpus", p.TotalGPUs, 1}, {"used_gpus", p.UsedGPUs, 0}, {"replicas", p.Replicas, 1},
		{"concurrency", p.Concurrency, 1}, {"concurrency_per_replica", p.ConcurrencyPerReplica, 0},
	} {
		if c.value < c.least {
			return fmt.Errorf("%s is %d, want %d or more", c.name, c.value, c.least)
		}
	}
	for _, c := range []struct {
		name  string
		value float64
	}{
		{"limits.ttft_ms", p.Limits.TTFTMs}, {"limits.tpot_ms", p.Limits.TPOTMs}, {"limits.request_latency_ms", p.Limits.RequestLatencyMs},
		{"ttft_ms", p.TTFTMs}, {"tpot_ms", p.TPOTMs}, {"request_latency_ms", p.RequestLatencyMs},
		{"request_rate_per_s", p.RequestRatePerS}, {"tokens_per_s", p.TokensPerS},
		{"tokens_per_s_per_gpu", p.TokensPerSPerGPU}, {"tokens_per_s_per_user", p.TokensPerSPerUser},
		{"memory_gib.agg", p.MemoryGiB.Agg}, {"memory_gib.prefill", p.MemoryGiB.Prefill}, {"memory_gib.decode", p.MemoryGiB.Decode},
		{"prefill_latency_correction_scale", p.PrefillCorrection}, {"decode_latency_correction_scale", p.DecodeCorrection},
	} {
		if !(c.value >= 0) || math.IsInf(c.value, 1) {
			return fmt.Errorf("%s is %g, want a number from 0 up", c.name, c.value)
		}
	}
	return nil
}

// decode reads one JSON value and nothing after it, and words what is wrong.
func decode(b []byte, v any) error {
	err := json.Unmarshal(b, v)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d is not JSON: %v", 1+strings.Count(string(b[:min(int(syntax.Offset), len(b))]), "\n"), err)
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("it holds %s, want an object", kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("%s is %s, want %s", kind.Field, kind.Value, jsonKind(kind))
	}
	return err
}

// jsonKind names what JSON has for the type that was wanted.
func jsonKind(e *json.UnmarshalTypeError) string {
	switch e.Type.Kind().String() {
	case "string":
		return "a text"
	case "int":
		return "a whole number"
	case "float64":
		return "a number"
	default:
		return "an object"
	}
}
