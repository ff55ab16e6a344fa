package calibrate

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

func casesByID(t *testing.T) map[string]*Case {
	t.Helper()
	cases, _ := shippedCases(t)
	byID := map[string]*Case{}
	for _, c := range cases {
		byID[c.ID] = c
	}
	return byID
}

// The stored answers belong to the measurements, and what says of the reference is what
// it says today.
func TestStored(t *testing.T) {
	stored, err := Stored()
	if err != nil {
		t.Fatal(err)
	}
	byID := casesByID(t)
	if len(stored) != len(byID) {
		t.Errorf("%d stored answers of %d cases: make validate", len(stored), len(byID))
	}
	for i := range stored {
		j := &stored[i]
		c := byID[j.ID]
		if c == nil || c.Class != j.Class || c.Architecture != j.Architecture || (c.Suspect != "") != j.Suspect {
			t.Errorf("%s: stored as %s %s, suspect %v, and now another: make validate", j.ID, j.Class, j.Architecture, j.Suspect)
			continue
		}
		if !(j.Calibrated.TTFT > 0) || !(j.Calibrated.TPOT > 0) {
			t.Errorf("%s: stored as %+v", j.ID, j.Calibrated)
		}
		if c.Disaggregated() {
			continue
		}
		now := Reference(c)
		if d := math.Abs(now.TPOT - j.Reference.TPOT); d > 0.001 || math.IsNaN(now.TPOT) != math.IsNaN(j.Reference.TPOT) {
			t.Errorf("%s: the reference's TPOT is stored as %v and now %v: make validate", j.ID, j.Reference.TPOT, now.TPOT)
		}
	}
}

// Answers with constants that were fitted without a row's group are worse than those
// with the shipped ones: a table that was made in sample would not be.
func TestStoredWasLeftOut(t *testing.T) {
	stored, err := Stored()
	if err != nil {
		t.Fatal(err)
	}
	set, err := ShippedSet()
	if err != nil {
		t.Fatal(err)
	}
	byID := casesByID(t)
	left, in, n := 0.0, 0.0, 0
	for i := range stored {
		j := &stored[i]
		c := byID[j.ID]
		if c == nil || j.Suspect || j.Class == Cross || c.Disaggregated() {
			continue
		}
		_, tpot := c.means(set.For(c))
		left += math.Abs(j.Calibrated.TPOT/j.TPOT - 1)
		in += math.Abs(tpot/j.TPOT - 1)
		n++
	}
	if !(left > 1.02*in) {
		t.Errorf("stored answers are off by %.4f, in sample %.4f over %d rows: make validate", left/float64(n), in/float64(n), n)
	}
}

func TestReadJudgedMistakes(t *testing.T) {
	m := []Measurement{{ID: "a"}, {ID: "b"}}
	head := []string{"row_id", "class", "architecture", "suspect", "calibrated_ttft_ms", "calibrated_tpot_ms", "reference_ttft_ms", "reference_tpot_ms"}
	for want, rows := range map[string][][]string{
		"1 rows for 2 measurements":           {head, {"a", "exact", "X", "", "1", "2", "3", "4"}},
		"row 2 is c, the measurement b":       {head, {"a", "exact", "X", "", "1", "2", "3", "4"}, {"c", "", "", "", "", "", "", ""}},
		"-1 rows for 2 measurements: make va": nil,
	} {
		if _, err := readJudged(m, rows); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
	got, err := readJudged(m, [][]string{head, {"a", "exact", "X", "", "1", "2", "", ""}, {"b", "", "", "", "", "", "", ""}})
	if err != nil || len(got) != 1 || got[0].Calibrated != (Answer{1, 2}) || !math.IsNaN(got[0].Reference.TPOT) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestKnown(t *testing.T) {
	var stored []Judged
	add := func(n int, system, backend, architecture, mode string, suspect bool, factor float64) {
		for range n {
			stored = append(stored, Judged{
				Measurement:  &Measurement{System: system, Backend: backend, Mode: mode, TTFT: 100, TPOT: 10},
				Architecture: architecture, Suspect: suspect, Calibrated: Answer{100 * factor, 10 * factor}, Reference: Answer{math.NaN(), math.NaN()},
			})
		}
	}
	add(5, "h200_sxm", "vllm", "A", "agg", false, 0.9)
	add(7, "h200_sxm", "vllm", "A", "agg", true, 9)
	add(4, "h100_sxm", "vllm", "A", "agg", false, 2)
	add(1, "h200_sxm", "sglang", "A", "agg", false, 3)
	add(1, "h200_sxm", "vllm", "C", "agg", false, 1.5)
	calibrated := func(j *Judged) Answer { return j.Calibrated }
	for _, c := range []struct {
		like Like
		rows int
		tpot float64
		of   string
	}{
		{Like{"agg", "h200_sxm", "vllm", "A"}, 5, 0.1, "h200_sxm, vllm and this model"},
		{Like{"agg", "h100_sxm", "vllm", "A"}, 9, (5*0.1 + 4) / 9, "vllm and this model on other systems"},
		{Like{"agg", "h200_sxm", "vllm", "B"}, 10, (5*0.1 + 4 + 0.5) / 10, "vllm with other systems and models"},
		{Like{"agg", "h200_sxm", "trtllm", "B"}, 11, (5*0.1 + 4 + 0.5 + 2) / 11, "other systems, engines and models"},
	} {
		e, ok := Known(SumErrors(stored, calibrated), c.like)
		if !ok || e.Rows != c.rows || math.Abs(e.TPOT-c.tpot) > 1e-9 || math.Abs(e.TTFT-c.tpot) > 1e-9 || e.Of != c.of {
			t.Errorf("%v: %+v", c.like, e)
		}
	}
	if e, _ := Known(SumErrors(stored, calibrated), Like{"agg", "h200_sxm", "vllm", "A"}); math.Abs(e.TPOTBias+0.1) > 1e-9 {
		t.Errorf("bias is %v, want -0.1", e.TPOTBias)
	}
	for _, missing := range []func(*Judged) Answer{func(j *Judged) Answer { return j.Reference }} {
		if e, ok := Known(SumErrors(stored, missing), Like{"agg", "h200_sxm", "vllm", "A"}); ok {
			t.Errorf("without answers: %+v", e)
		}
	}
	if _, ok := Known(SumErrors(stored, calibrated), Like{"disagg", "h200_sxm", "vllm", "A"}); ok {
		t.Error("an error without measurements of disaggregated serving")
	}
}

var update = flag.Bool("update", false, "write data/errors.csv")

// The stored errors are those of the stored predictions; -update writes them.
func TestStoredErrors(t *testing.T) {
	stored, err := Stored()
	if err != nil {
		t.Fatal(err)
	}
	want := formatErrors(map[string][]ErrorSum{
		"calibrated": SumErrors(stored, func(j *Judged) Answer { return j.Calibrated }),
		"reference":  SumErrors(stored, func(j *Judged) Answer { return j.Reference }),
	}, "calibrated", "reference")
	if *update {
		if err := os.WriteFile("data/errors.csv", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if errorsCSV != want {
		t.Error("data/errors.csv is not of data/judged.csv.gz: make validate")
	}
	for _, estimator := range []string{"calibrated", "reference"} {
		if sums, err := StoredErrors(estimator); err != nil || len(sums) == 0 {
			t.Errorf("%s: %d sums, %v", estimator, len(sums), err)
		}
	}
	if _, err := parseErrors("a,b\n"); err == nil {
		t.Error("a table of other columns was read")
	}
}

// Who alters what the simulation predicts raises Revision, and then writes the figures of
// this test anew. Constants have no say in them: fits begin with these.
func TestRevision(t *testing.T) {
	cases, _ := shippedCases(t)
	start := Start()
	ttft, tpot := 0.0, 0.0
	for _, c := range cases {
		first, per := c.means(&start)
		ttft += math.Log(first) / float64(len(cases))
		tpot += math.Log(per) / float64(len(cases))
	}
	if got, want := fmt.Sprintf("revision %d: %.5f %.5f", Revision, ttft, tpot), "revision 1: 5.49082 2.68574"; got != want {
		t.Errorf("predictions with the constants that fits start from: %s, want %s: raise Revision", got, want)
	}
}

// Sets that predict otherwise have other digests.
func TestDigest(t *testing.T) {
	s, err := ShippedSet()
	if err != nil {
		t.Fatal(err)
	}
	other := *s
	other.All[HostStep] *= 2
	if s.Digest() == other.Digest() || len(s.Digest()) != 32 {
		t.Errorf("digests %s and %s", s.Digest(), other.Digest())
	}
}
