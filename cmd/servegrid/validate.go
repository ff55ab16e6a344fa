package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/estimator/calibrate"
	"servegrid/internal/suggest"
	"servegrid/sinks"
)

func validateCommand() *cli.Command {
	return &cli.Command{
		Name:  "validate",
		Usage: "compare predictions with measurements of real servers",
		Description: `On the measurements that come with the program, each predicted with constants that were fitted without it:
  servegrid validate --split group
On your own (.csv or .parquet), with the constants of the program or with those of calibrate --out:
  servegrid validate --input measured.csv --by class,backend
A table has the columns model, system, backend, tp, concurrency (or batch, per data-parallel rank), isl, osl, ttft_ms and
tpot_ms, and where they matter version, mode, gpus, pp, dp, moe_tp, moe_ep, prefix, precision, gemm_quant and moe_quant.
Errors are shares: MAPE is the mean of |predicted / measured - 1|, bias the mean of predicted / measured - 1, low and
high the 95 % interval of the MAPE by bootstrap over rows.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "input", Usage: "table of measurements, .csv or .parquet (default: those that come with the program)"},
			&cli.StringFlag{Name: "split", Value: "none", Usage: "fit without what is judged: " + strings.Join(splitNames(), ", ") + " (group is system x backend x model)"},
			&cli.StringFlag{Name: "by", Value: "class/class,backend", Usage: "what rows of the answer are about: any of " + strings.Join(dimensionNames(), ", ") + "; several breakdowns with / between them"},
			&cli.BoolFlag{Name: "all", Usage: "judge rows too that are probably mislabelled"},
			&cli.StringFlag{Name: "rows", Usage: "where every row goes with its predictions or why there are none, .csv"},
			constantsFlag(), outputFlag(),
		},
		Action: runValidate,
	}
}

func splitNames() []string {
	names := []string{"none"}
	for _, s := range calibrate.Splits {
		names = append(names, s.Name)
	}
	return names
}

// dimensions are what errors can be broken down by.
var dimensions = []struct {
	name string
	of   func(c *calibrate.Case) string
}{
	{"class", func(c *calibrate.Case) string { return string(c.Class) }},
	{"system", func(c *calibrate.Case) string { return c.System }},
	{"backend", func(c *calibrate.Case) string { return c.Backend }},
	{"model", func(c *calibrate.Case) string { return c.Architecture }},
	{"version", func(c *calibrate.Case) string { return c.Version }},
}

func dimensionOf(c *calibrate.Case, name string) string {
	for _, d := range dimensions {
		if d.name == name {
			return d.of(c)
		}
	}
	panic("servegrid: no dimension " + name)
}

func dimensionNames() []string {
	var names []string
	for _, d := range dimensions {
		names = append(names, d.name)
	}
	return names
}

func runValidate(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("unexpected argument %q", c.Args().First())
	}
	format, err := outputFormat(c)
	if err != nil {
		return err
	}
	by, err := parseBreakdowns(c.String("by"))
	if err != nil {
		return err
	}
	split := c.String("split")
	if !slices.Contains(splitNames(), split) {
		return usagef("--split: %w", suggest.Unknown("split", split, splitNames()))
	}
	if split != "none" && c.IsSet("constants") {
		return usagef("--constants and --split %s: a split fits its own", split)
	}
	measured, err := readMeasurements(c.String("input"))
	if err != nil {
		return err
	}
	v := newValidation(measured)
	if err := v.predict(c, split); err != nil {
		return err
	}
	if path := c.String("rows"); path != "" {
		if err := v.writeRows(path); err != nil {
			return err
		}
	}
	v.summary(c.App.ErrWriter)
	dims := slices.Compact(slices.Sorted(slices.Values(slices.Concat(by...))))
	var rows [][]any
	for _, b := range by {
		rows = append(rows, v.errors(dims, b, c.Bool("all"))...)
	}
	return sinks.WriteTable(c.App.Writer, format, errorColumns(dims), rows)
}

// parseBreakdowns reads the flag: "class/class,backend".
func parseBreakdowns(text string) ([][]string, error) {
	var by [][]string
	for _, level := range strings.Split(text, "/") {
		names := strings.Split(level, ",")
		for _, b := range names {
			if !slices.Contains(dimensionNames(), b) {
				return nil, usagef("--by: %w", suggest.Unknown("dimension", b, dimensionNames()))
			}
		}
		by = append(by, names)
	}
	return by, nil
}

// readMeasurements reads a table of measurements; without a path those that come
// with the program.
func readMeasurements(path string) ([]calibrate.Measurement, error) {
	if path == "" {
		return calibrate.Shipped()
	}
	t, err := sinks.ReadTabular(path)
	if err != nil {
		return nil, err
	}
	m, err := calibrate.Parse(t.Len, t.Text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// validation holds measurements with what each estimator says about them.
type validation struct {
	measured  []calibrate.Measurement
	refusals  []string // by measurement, "" = answered
	cases     []*calibrate.Case
	at        []int // the measurement of each case
	answers   []calibrate.Answer
	reference []calibrate.Answer
}

func newValidation(measured []calibrate.Measurement) *validation {
	v := &validation{measured: measured, refusals: make([]string, len(measured))}
	r := calibrate.NewResolver()
	for i := range measured {
		c, err := r.Resolve(&measured[i])
		switch {
		case err != nil:
			v.refusals[i] = strings.ReplaceAll(err.Error(), "\n", "; ")
		case !c.Measured():
			v.refusals[i] = "no measured latencies"
		default:
			v.cases, v.at = append(v.cases, c), append(v.at, i)
		}
	}
	return v
}

func (v *validation) predict(c *cli.Context, split string) error {
	var of func(*calibrate.Case) *calibrate.Set
	if i := slices.IndexFunc(calibrate.Splits, func(s calibrate.Split) bool { return s.Name == split }); i >= 0 {
		by := calibrate.Splits[i]
		sets := calibrate.CrossValidate(v.cases, by)
		of = func(c *calibrate.Case) *calibrate.Set { return sets[by.Key(c)] }
	} else {
		set, err := readConstants(c)
		if err != nil {
			return err
		}
		of = func(*calibrate.Case) *calibrate.Set { return set }
	}
	for _, x := range v.cases {
		p := x.Predict(of(x).For(x))
		v.answers = append(v.answers, calibrate.Answer{TTFT: p.TTFT, TPOT: p.TPOT})
		v.reference = append(v.reference, calibrate.Reference(x))
	}
	return nil
}

// summary tells what was answered, and why the others were not.
func (v *validation) summary(w io.Writer) {
	why, suspects := map[string]int{}, map[string]int{}
	for _, r := range v.refusals {
		if r != "" {
			why[r]++
		}
	}
	for _, c := range v.cases {
		if c.Suspect != "" {
			suspects[c.Suspect]++
		}
	}
	fmt.Fprintf(w, "%d of %d measurements answered\n", len(v.cases), len(v.measured))
	printCounts(w, "refused", why)
	printCounts(w, "in no fit", suspects)
}

func printCounts(w io.Writer, what string, counts map[string]int) {
	texts := make([]string, 0, len(counts))
	for t := range counts {
		texts = append(texts, t)
	}
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	for _, t := range texts {
		fmt.Fprintf(w, "  %4d %s: %s\n", counts[t], what, t)
	}
}

// estimator names an estimator with its answers by case.
type estimatorAnswers struct {
	name string
	of   func(i int) calibrate.Answer
}

func (v *validation) estimators() []estimatorAnswers {
	all := []estimatorAnswers{
		{calibratedEstimator, func(i int) calibrate.Answer { return v.answers[i] }},
		{referenceEstimator, func(i int) calibrate.Answer { return v.reference[i] }},
	}
	for k, name := range calibrate.Peers {
		all = append(all, estimatorAnswers{name, func(i int) calibrate.Answer { return calibrate.Answer(v.cases[i].Peer[k]) }})
	}
	return all
}

func errorColumns(dims []string) []string {
	columns := append(slices.Clone(dims), "rows", "estimator", "answered")
	for _, q := range []string{"tpot", "ttft", "throughput"} {
		columns = append(columns, q+"_mape", q+"_low", q+"_high", q+"_bias")
	}
	return append(columns, "rank_correlation", "regret")
}

// errors breaks the errors of all estimators down by some of the dimensions; the
// others read "all".
func (v *validation) errors(dims, by []string, all bool) [][]any {
	groups := map[string][]int{}
	var keys []string
	for i, c := range v.cases {
		if c.Suspect != "" && !all {
			continue
		}
		parts := make([]string, len(dims))
		for p, name := range dims {
			parts[p] = "all"
			if slices.Contains(by, name) {
				parts[p] = dimensionOf(c, name)
			}
		}
		k := strings.Join(parts, "\x00")
		if groups[k] == nil {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], i)
	}
	slices.Sort(keys)
	var rows [][]any
	for _, k := range keys {
		members := groups[k]
		cases := make([]*calibrate.Case, len(members))
		for j, i := range members {
			cases[j] = v.cases[i]
		}
		for _, e := range v.estimators() {
			answer := func(j int) calibrate.Answer { return e.of(members[j]) }
			judged := calibrate.Judge(cases, answer)
			if judged.N == 0 {
				continue
			}
			var row []any
			for _, p := range strings.Split(k, "\x00") {
				row = append(row, p)
			}
			row = append(row, len(cases), e.name, judged.N)
			for _, f := range []calibrate.Figure{judged.TPOT, judged.TTFT, judged.Throughput} {
				row = append(row, share(f.MAPE), share(f.Low), share(f.High), share(f.Bias))
			}
			regret, _ := calibrate.Regret(cases, answer)
			rows = append(rows, append(row, share(calibrate.RankCorrelation(cases, answer)), share(regret)))
		}
	}
	return rows
}

// share keeps a tenth of a per cent.
func share(v float64) float64 { return math.Round(v*1000) / 1000 }

// writeRows writes every measurement with its predictions.
func (v *validation) writeRows(path string) error {
	columns := []string{"row_id", "model", "system", "backend", "version", "class", "group", "suspect", "refused",
		"ttft_ms", "tpot_ms", "calibrated_ttft_ms", "calibrated_tpot_ms", "reference_ttft_ms", "reference_tpot_ms"}
	byRow := map[int]int{}
	for i, at := range v.at {
		byRow[at] = i
	}
	var rows [][]any
	for i := range v.measured {
		m := &v.measured[i]
		row := []any{m.ID, m.Model, m.System, m.Backend, m.Version}
		k, ok := byRow[i]
		if !ok {
			rows = append(rows, append(row, "", "", "", v.refusals[i], m.TTFT, m.TPOT, missing, missing, missing, missing))
			continue
		}
		c := v.cases[k]
		rows = append(rows, append(row, string(c.Class), c.Group, c.Suspect, "", m.TTFT, m.TPOT,
			v.answers[k].TTFT, v.answers[k].TPOT, v.reference[k].TTFT, v.reference[k].TPOT))
	}
	return sinks.WriteFile(path, func(w io.Writer) error { return sinks.WriteTable(w, "csv", columns, rows) })
}
