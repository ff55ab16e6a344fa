package calibrate

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"servegrid/estimator"
)

// Measurement is one measured point of a real server.
type Measurement struct {
	ID, Model, Precision, System, Backend, Version string

	Mode   string // agg or disagg
	GPUs   int
	Layout estimator.Layout // of one replica; zero where it is not known

	GEMM, MoE   string // numeric formats, "" = not said
	Concurrency int    // requests in flight over all replicas; 0 = not said
	Batch       int    // requests in flight per data-parallel rank, where the concurrency is not said
	ISL, OSL    int    // nominal tokens
	Prefix      int    // input tokens found in the prefix cache
	Statistic   string // of the latencies
	Source      string

	Prefill, Decode Side // of a disaggregated deployment

	TTFT, TPOT float64 // ms; NaN = not measured

	// What the peer predicts, ms; NaN where it cannot.
	Peer [2]struct{ TTFT, TPOT float64 }
}

// Peers names the entries of [Measurement.Peer].
var Peers = [2]string{"AIConfigurator 0.6.0", "AIConfigurator 0.12.0"}

// measuredCSV holds the measured points of real servers that come with the
// program. Sources, by row: AIConfigurator's silicon_sample.csv (Apache-2.0;
// InferenceX dumps of 2026-03-25, 04-06 and 04-27, and NVIDIA's gap analysis),
// InferenceX's experimental results, TensorRT-LLM's performance overview, and the
// Dynamo disaggregated serving guide.
//
//go:embed data/measured.csv.gz
var measuredCSV []byte

// Shipped returns the measurements that come with the program.
func Shipped() ([]Measurement, error) {
	z, err := gzip.NewReader(bytes.NewReader(measuredCSV))
	if err != nil {
		return nil, err
	}
	return readCSV(z)
}

// readCSV reads measurements from a table with a header line.
func readCSV(r io.Reader) ([]Measurement, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("the table has no header line")
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	return Parse(len(rows)-1, func(row int, column string) string {
		i, ok := at[column]
		if !ok {
			return ""
		}
		return rows[row+1][i]
	})
}

// Parse reads n measurements; cell returns a cell by column name, "" where there
// is none. Columns: model, system, backend, concurrency, isl, osl, ttft_ms and
// tpot_ms, and where they matter row_id, version, mode, precision, gpus, tp, pp,
// dp, moe_tp, moe_ep, gemm_quant, moe_quant, latency_stat, out_tput_tok_s_gpu,
// tput_kind and source. A cell that is no number is an error that names its row.
func Parse(n int, cell func(row int, column string) string) ([]Measurement, error) {
	out := make([]Measurement, n)
	for i := range out {
		p := parser{row: i, cell: cell}
		text := func(column string) string { return strings.TrimSpace(cell(i, column)) }
		m := Measurement{
			ID: text("row_id"), Model: text("model"), Precision: text("precision"), System: text("system"), Backend: text("backend"),
			Version: text("version"), Mode: text("mode"), GEMM: text("gemm_quant"), MoE: text("moe_quant"), Statistic: text("latency_stat"), Source: text("source"),
			GPUs: p.integer("gpus"), Concurrency: p.integer("concurrency"), ISL: p.integer("isl"), OSL: p.integer("osl"), Prefix: p.integer("prefix"),
			TTFT: p.real("ttft_ms"), TPOT: p.real("tpot_ms"),
			Layout: estimator.Layout{TP: p.integer("tp"), PP: p.integer("pp"), DP: p.integer("dp"), MoETP: p.integer("moe_tp"), MoEEP: p.integer("moe_ep")},
		}
		for k, prefix := range []string{"aic060", "aic012"} {
			m.Peer[k].TTFT, m.Peer[k].TPOT = p.real(prefix+"_ttft_ms"), p.real(prefix+"_tpot_ms")
		}
		for _, column := range []string{"batch", "batch_per_rank", "bs"} {
			m.Batch = max(m.Batch, p.integer(column))
		}
		if m.Mode == "" {
			m.Mode = "agg"
		}
		if m.Mode == "disagg" {
			m.Prefill, m.Decode = p.side("p_"), p.side("d_")
		}
		if p.err != nil {
			return nil, p.err
		}
		out[i] = m
	}
	return out, nil
}

// parser reads the numbers of one row; the first mistake sticks.
type parser struct {
	row  int
	cell func(row int, column string) string
	err  error
}

// real reads a positive number, NaN for an empty cell.
func (p *parser) real(column string) float64 {
	s := strings.TrimSpace(p.cell(p.row, column))
	if s == "" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		if p.err == nil {
			p.err = fmt.Errorf("row %d: %s is %q, want a number that is not negative", p.row+1, column, s)
		}
		return math.NaN()
	}
	return v
}

// integer reads a whole number, which may be spelled 4.0; 0 for an empty cell.
func (p *parser) integer(column string) int {
	v := p.real(column)
	if math.IsNaN(v) {
		return 0
	}
	if v != math.Trunc(v) || v > 1<<31 {
		if p.err == nil {
			p.err = fmt.Errorf("row %d: %s is %v, want a whole number", p.row+1, column, v)
		}
		return 0
	}
	return int(v)
}
