package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
)

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

// predict asks every estimator about every case. Constants are those of a split's
// fits, the stored answers of the program's own, or one set's.
func (v *validation) predict(split string, set *calibrate.Set) error {
	for _, c := range v.cases {
		v.reference = append(v.reference, referenceAnswer(c))
	}
	if split == storedSplit {
		return v.fromStore()
	}
	of := func(*calibrate.Case) *calibrate.Set { return set }
	if i := slices.IndexFunc(calibrate.Splits, func(s calibrate.Split) bool { return s.Name == split }); i >= 0 {
		by := calibrate.Splits[i]
		sets := calibrate.CrossValidate(v.cases, by)
		of = func(c *calibrate.Case) *calibrate.Set { return sets[by.Key(c)] }
	}
	for _, c := range v.cases {
		p := c.Predict(of(c).For(c))
		v.answers = append(v.answers, calibrate.Answer{TTFT: p.TTFT, TPOT: p.TPOT})
	}
	return nil
}

// fromStore takes the answers that come with the program.
func (v *validation) fromStore() error {
	stored, err := calibrate.Stored()
	if err != nil {
		return err
	}
	byID := map[string]calibrate.Answer{}
	for i := range stored {
		byID[stored[i].ID] = stored[i].Calibrated
	}
	for _, c := range v.cases {
		a, ok := byID[c.ID]
		if !ok {
			return fmt.Errorf("no stored answer for %s: servegrid validate --split group", c.ID)
		}
		v.answers = append(v.answers, a)
	}
	return nil
}

// referenceAnswer is what the reference says of a case.
func referenceAnswer(c *calibrate.Case) calibrate.Answer {
	if !c.Disaggregated() {
		return calibrate.Reference(c)
	}
	m := c.Measurement
	ranks := c.Ranks * m.Decode.Workers
	r, err := search.EstimatePair(
		search.Side{Plan: c.PrefillPlan, BatchSize: 1, Workers: m.Prefill.Workers},
		search.Side{Plan: c.Plan, BatchSize: (c.Load.Concurrency + ranks - 1) / ranks, Workers: m.Decode.Workers},
		estimator.Workload{ISL: c.ISL, OSL: c.OSL, Prefix: c.Prefix})
	if err != nil {
		return calibrate.Answer{TTFT: missing, TPOT: missing}
	}
	return calibrate.Answer{TTFT: r.TTFT, TPOT: r.TPOT}
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
