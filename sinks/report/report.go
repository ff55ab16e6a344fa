package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// DefaultTitle is the first line of the report when Final.Title is empty.
const DefaultTitle = "Dynamo aiconfigurator Final Results"

// Final is everything one report says.
type Final struct {
	// Model, IsMoE and TotalGPUs are those of the chosen experiment.
	Model     string
	IsMoE     bool
	TotalGPUs int

	Title       string       // "" means DefaultTitle
	Experiments []Experiment // printed in this order
	Chosen      string       // name of the best experiment, "" when no row met the limits
	XAxis       XAxis        // meaning of Point.X in every Experiment.Frontier
	Notes       []string     // printed after the tables; a note may span lines

	Color       bool   // bold escape codes; they never count towards a width
	Unicode     bool   // glyphs of the text plot; false keeps it ASCII
	Plot        bool   // draw the text plot
	PlotModels  string // models that the plot's title names; "" means Model
	AllColumns  bool   // the wide tables
	ShowBackend bool   // a backend column also in the narrow tables
}

// Experiment is one table of the report. Rows are ranked, best first; when
// there are none, Failed or Closest says why.
type Experiment struct {
	Name      string
	Disagg    bool
	TotalGPUs int       // 0 means Final.TotalGPUs
	Limits    Latencies // what the rows had to meet; 0 = not limited
	Rows      []Row
	Frontier  []Point // of the text plot, in any order

	Failed    string    // reason when the experiment produced nothing; may span lines
	Closest   *Row      // the row nearest to the limits when Rows is empty; nil = none
	Binding   string    // the limit that ruled rows out, such as "TPOT"; "" = unknown
	BestAlone Latencies // smallest of each over all rows when Rows is empty; 0 = unknown
}

// Latencies are the three latencies a request can be limited by, in ms; 0 means
// not given.
type Latencies struct {
	TTFT, TPOT, RequestLatency float64
}

// Row is one configuration: a replica and how often it fits the GPU budget.
type Row struct {
	// TokensPerSecPerGPUCluster is throughput over the whole budget, idle GPUs
	// included; the figure printed as tokens/s/gpu.
	TokensPerSecPerGPUCluster float64
	TokensPerSecPerUser       float64
	TTFT                      float64 // ms
	TPOT                      float64 // ms
	RequestLatency            float64 // ms
	RequestRate               float64 // requests/s of one replica; wide tables only
	PowerW                    float64 // W per GPU, 0 = unknown; wide tables only
	Concurrency               int     // requests in flight in one replica
	ReplicaGPUs               int     // GPUs in one replica
	Replicas                  int
	Backend                   string
	IsMoE                     bool // gpus/worker then shows the attention-DP factor

	Agg             Worker // agg experiments
	Prefill, Decode Worker // disagg experiments
}

// Worker is the shape of one role's workers.
type Worker struct {
	Workers    int    // workers in a replica; not printed for agg
	Parallel   string // as printed: tp2pp1, or tp1pp1dp8etp1ep8 for MoE
	BS         int    // requests per attention-DP rank
	TP, PP, DP int    // ways, 1 where not used: their product is the GPUs of one worker
}

// gpus is the number of GPUs of one worker.
func (wk Worker) gpus() int { return wk.TP * wk.PP * wk.DP }

// Write prints the report in a single call of w.Write. It is an error when
// f.Chosen names an experiment that is missing or has no rows, and when w fails.
func Write(w io.Writer, f *Final) error {
	var best *Row
	if f.Chosen != "" {
		e := f.experiment(f.Chosen)
		if e == nil || len(e.Rows) == 0 {
			return fmt.Errorf("write report: chosen experiment %q has no rows", f.Chosen)
		}
		best = &e.Rows[0]
	}
	var b bytes.Buffer
	f.writeSummary(&b, best)
	if f.Plot {
		f.writePlot(&b, best)
	}
	for i := range f.Experiments {
		f.writeExperiment(&b, &f.Experiments[i])
	}
	f.writeNotes(&b)
	b.WriteString(stars)
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// experiment finds an experiment by name; nil when there is none.
func (f *Final) experiment(name string) *Experiment {
	for i := range f.Experiments {
		if f.Experiments[i].Name == name {
			return &f.Experiments[i]
		}
	}
	return nil
}

// budget is the number of GPUs the experiment e may use.
func (f *Final) budget(e *Experiment) int {
	if e.TotalGPUs > 0 {
		return e.TotalGPUs
	}
	return f.TotalGPUs
}

// writeExperiment prints the table of e, or why it has none.
func (f *Final) writeExperiment(b *bytes.Buffer, e *Experiment) {
	switch {
	case e.Failed != "":
		fmt.Fprintf(b, "\n%s Top Configurations: none, the experiment failed\n", e.Name)
		fmt.Fprintf(b, "  %s\n", indent(e.Failed, 2))
	case len(e.Rows) == 0:
		f.writeShortfall(b, e)
	default:
		fmt.Fprintf(b, "\n%s Top Configurations: (Sorted by tokens/s/gpu)\n", e.Name)
		f.table(e).write(b, f.Color)
		if e.Disagg {
			for i := range e.Rows {
				fmt.Fprintf(b, "%3d: %s\n", i+1, e.Rows[i].workers())
			}
		}
	}
}

// writeNotes prints the caller's notes, one bullet each.
func (f *Final) writeNotes(b *bytes.Buffer) {
	if len(f.Notes) == 0 {
		return
	}
	b.WriteString("\n  Notes:\n")
	for _, n := range f.Notes {
		fmt.Fprintf(b, "    - %s\n", indent(n, 6))
	}
}

// indent moves the second and later lines of s right by n blanks and drops
// trailing line breaks.
func indent(s string, n int) string {
	return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+strings.Repeat(" ", n))
}
