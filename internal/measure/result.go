package measure

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"servegrid/internal/suggest"
)

// ResultFile is the name under which AIPerf exports its figures.
const ResultFile = "profile_export_aiperf.json"

// Result is what one AIPerf run measured. A metric that the run did not measure is
// nil.
//
// The names of metrics, units and settings are those of AIPerf 0.13.0, from its
// JSON exporter and from runs of it. AIPerf 0.1.1 had the same metrics below
// "records", and up to 0.6.0 the settings stood under "loadgen".
type Result struct {
	AIPerfVersion string // "" where the export does not say
	Concurrency   int    // 0 where the export does not say
	Source        string // file it was read from, "" for a stream

	TTFTMs            *Stats
	ITLMs             *Stats // inter-token latency: what a prediction calls TPOT
	RequestLatencyMs  *Stats
	RequestRatePerS   *Stats
	TokensPerS        *Stats // output tokens
	TokensPerSPerUser *Stats

	ISL, OSL       *Stats // tokens of the requests that were sent
	Requests       int    // that succeeded; 0 where the export does not say
	FailedRequests int
	Incomplete     bool // cancelled, or ended before all requests were done
}

// Stats is the distribution of one metric over requests. Metrics of the whole run,
// such as throughput, have an average only.
type Stats struct {
	Avg                               float64
	P50, P90, P95, P99, Min, Max, Std *float64
}

// metricNames lists the metrics to compare under all of their names, AIPerf's own
// first.
var metricNames = []struct {
	names []string
	unit  quantity
	field func(*Result) **Stats
}{
	{[]string{"time_to_first_token", "ttft"}, duration, func(r *Result) **Stats { return &r.TTFTMs }},
	{[]string{"inter_token_latency"}, duration, func(r *Result) **Stats { return &r.ITLMs }},
	{[]string{"request_latency"}, duration, func(r *Result) **Stats { return &r.RequestLatencyMs }},
	{[]string{"request_throughput"}, requestRate, func(r *Result) **Stats { return &r.RequestRatePerS }},
	{[]string{"output_token_throughput"}, tokenRate, func(r *Result) **Stats { return &r.TokensPerS }},
	{[]string{"output_token_throughput_per_user"}, userTokenRate, func(r *Result) **Stats { return &r.TokensPerSPerUser }},
}

// ParseResult reads the JSON that AIPerf exports. That it holds none of the
// metrics to compare, a metric without an average, and a unit that is not known
// are errors.
func ParseResult(export []byte) (*Result, error) {
	var top map[string]json.RawMessage
	if err := decode(export, &top); err != nil {
		return nil, fmt.Errorf("not an AIPerf result: %w", err)
	}
	metrics := top
	if records, ok := top["records"]; ok {
		metrics = nil
		if err := decode(records, &metrics); err != nil {
			return nil, fmt.Errorf("not an AIPerf result: records: %w", err)
		}
	}
	r := &Result{}
	if err := r.readMetrics(metrics); err != nil {
		return nil, err
	}
	r.readRun(top, metrics)
	return r, nil
}

func (r *Result) readMetrics(metrics map[string]json.RawMessage) error {
	found := false
	var known []string
	for _, m := range metricNames {
		known = append(known, m.names[0])
		for _, name := range m.names {
			s, err := readStats(metrics, name, m.unit)
			if err != nil {
				return err
			}
			if s != nil {
				*m.field(r), found = s, true
				break
			}
		}
	}
	if !found {
		return fmt.Errorf("not an AIPerf result: it has none of the metrics %s; it has %s",
			strings.Join(known, ", "), describeKeys(metrics))
	}
	return nil
}

// describeKeys lists what an object holds instead.
func describeKeys(object map[string]json.RawMessage) string {
	if len(object) == 0 {
		return "nothing"
	}
	keys := slices.Sorted(maps.Keys(object))
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%.40q", k)
	}
	return suggest.List(keys[:min(len(keys), 10)])
}

// readStats reads one metric; nil where the run does not have it.
func readStats(metrics map[string]json.RawMessage, name string, q quantity) (*Stats, error) {
	raw, ok := metrics[name]
	if !ok || string(raw) == "null" {
		return nil, nil
	}
	var m struct {
		Unit string   `json:"unit"`
		Avg  *float64 `json:"avg"`
		P50  *float64 `json:"p50"`
		P90  *float64 `json:"p90"`
		P95  *float64 `json:"p95"`
		P99  *float64 `json:"p99"`
		Min  *float64 `json:"min"`
		Max  *float64 `json:"max"`
		Std  *float64 `json:"std"`
	}
	if err := decode(raw, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if m.Avg == nil {
		return nil, fmt.Errorf("%s has no avg", name)
	}
	factor, err := q.factor(m.Unit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, v := range []*float64{m.Avg, m.P50, m.P90, m.P95, m.P99, m.Min, m.Max, m.Std} {
		if v == nil {
			continue
		}
		if *v < 0 || *v > maxFigure {
			return nil, fmt.Errorf("%s holds %g %s, want 0 to %g", name, *v, m.Unit, maxFigure)
		}
		*v *= factor
	}
	return &Stats{*m.Avg, m.P50, m.P90, m.P95, m.P99, m.Min, m.Max, m.Std}, nil
}

// maxFigure is beyond every latency and rate in any unit, and far from where
// arithmetic overflows.
const maxFigure = 1e15

// readRun reads how the run went and what it was asked to do. None of that is
// needed for the figures, and its shape differs between versions: what is not
// understood stays unknown.
func (r *Result) readRun(top, metrics map[string]json.RawMessage) {
	get := func(name string, v any) bool {
		raw, ok := top[name]
		return ok && json.Unmarshal(raw, v) == nil
	}
	get("aiperf_version", &r.AIPerfVersion)
	var cancelled, complete bool
	r.Incomplete = get("was_cancelled", &cancelled) && cancelled || get("is_complete", &complete) && !complete
	count := func(name string) int {
		if s, err := readStats(metrics, name, requests); err == nil && s != nil {
			return int(s.Avg)
		}
		return 0
	}
	r.Requests, r.FailedRequests = count("request_count"), count("error_request_count")
	r.ISL, _ = readStats(metrics, "input_sequence_length", tokens)
	r.OSL, _ = readStats(metrics, "output_sequence_length", tokens)

	var older struct{ Loadgen struct{ Concurrency int } }
	var newer struct {
		Phases []struct {
			Kind        string
			Concurrency int
		}
	}
	if get("input_config", &older) {
		r.Concurrency = max(0, older.Loadgen.Concurrency)
	}
	if get("input_config", &newer) {
		for _, p := range newer.Phases {
			if p.Kind == "profiling" {
				r.Concurrency = max(0, p.Concurrency)
			}
		}
	}
}
