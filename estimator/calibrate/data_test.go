package calibrate

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
)

// shippedCases resolves the measurements that come with the program, once for all
// tests: none may change them.
func shippedCases(t *testing.T) (cases []*Case, refused map[string]int) {
	t.Helper()
	r := resolvedOnce()
	if r.err != nil {
		t.Fatal(r.err)
	}
	return slices.Clone(r.cases), r.refused
}

type resolved struct {
	cases   []*Case
	refused map[string]int
	err     error
}

var resolvedOnce = sync.OnceValue(func() (out resolved) {
	ms, err := Shipped()
	if err != nil {
		return resolved{err: err}
	}
	r := NewResolver()
	out.refused = map[string]int{}
	for i := range ms {
		c, err := r.Resolve(&ms[i])
		if err != nil {
			out.refused[err.Error()]++
			continue
		}
		out.cases = append(out.cases, c)
	}
	return out
})

// Every row is answered or refused for a reason, and more are answered than by the
// peers.
func TestCoverage(t *testing.T) {
	cases, refused := shippedCases(t)
	total, peers := len(cases), [2]int{}
	for _, n := range refused {
		total += n
	}
	classes := map[Class]int{}
	for _, c := range cases {
		classes[c.Class]++
		for k := range peers {
			if !math.IsNaN(c.Peer[k].TPOT) {
				peers[k]++
			}
		}
	}
	if total != 1973 {
		t.Errorf("%d rows answered or refused, want 1973", total)
	}
	if classes[Exact] != 361 || classes[Near] < 600 || classes[Cross] < 600 {
		t.Errorf("classes: %v", classes)
	}
	if len(cases) <= peers[0] || len(cases) <= peers[1] {
		t.Errorf("%d answered, the peers %v", len(cases), peers)
	}
}

// The shipped constants belong to the shipped measurements: predictions with them
// are about as good as the documentation says for rows that were in the fit.
func TestShippedConstants(t *testing.T) {
	set, err := ShippedSet()
	if err != nil {
		t.Fatal(err)
	}
	all, _ := shippedCases(t)
	cases := Trusted(all)
	for _, want := range []struct {
		class      Class
		tpot, ttft float64
	}{{Exact, 0.064, 0.2}, {Near, 0.1, 0.18}, {Cross, 0.142, 0.335}} {
		var of []*Case
		for _, c := range cases {
			if c.Class == want.class {
				of = append(of, c)
			}
		}
		answers := make([]Answer, len(of))
		parallel(len(of), func(i int) { answers[i].TTFT, answers[i].TPOT = of[i].means(set.For(of[i])) })
		e := Judge(of, func(i int) Answer { return answers[i] })
		if e.TPOT.MAPE > want.tpot || e.TTFT.MAPE > want.ttft {
			t.Errorf("%s: %d rows, TPOT off by %.3f and TTFT by %.3f, want at most %.3f and %.3f", want.class, e.N, e.TPOT.MAPE, e.TTFT.MAPE, want.tpot, want.ttft)
		}
	}
}

func TestSetRoundTrip(t *testing.T) {
	s, err := ShippedSet()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	if b.String() != string(constantsJSON) {
		t.Error("writing the shipped constants gives other bytes than they have")
	}
	for text, want := range map[string]string{
		`{}`:      "none for all engines",
		`{"x":1}`: "unknown field",
		strings.Replace(b.String(), `"launch": `, `"launch": -`, 1):        "constant launch is -",
		strings.Replace(b.String(), `"launch": `, `"lunch": `, 1):          "constant launch is 0",
		strings.Replace(b.String(), `"launch": `, `"a": 1, "launch": `, 1): `unknown constant "a"`,
	} {
		if _, err := ReadSet(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}

func TestParseMistakes(t *testing.T) {
	for cell, want := range map[string]string{
		"isl,abc": `row 1: isl is "abc", want a number`, "isl,1.5": "row 1: isl is 1.5, want a whole number",
		"ttft_ms,-1": `row 1: ttft_ms is "-1"`, "tpot_ms,NaN": `row 1: tpot_ms is "NaN"`,
	} {
		column, value, _ := strings.Cut(cell, ",")
		if _, err := readCSV(strings.NewReader(column + "\n" + value + "\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want one with %q", cell, err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	good := Measurement{Model: "Qwen/Qwen3-32B-FP8", System: "h200_sxm", Backend: "vllm", Version: "0.12.0", Mode: "agg", Concurrency: 8, ISL: 1000, OSL: 100}
	good.Layout.TP = 2
	r := NewResolver()
	if c, err := r.Resolve(&good); err != nil || c.Class != Exact || c.Measured() {
		t.Fatalf("class %v, measured %v, error %v", c.Class, c.Measured(), err)
	}
	for want, change := range map[string]func(m *Measurement){
		"how many prefill":   func(m *Measurement) { m.Mode = "disagg" },
		"want agg or disagg": func(m *Measurement) { m.Mode = "static" },
		"no concurrency":     func(m *Measurement) { m.Concurrency = 0 },
		"osl is 1":           func(m *Measurement) { m.OSL = 1 },
		"prefix is 1000":     func(m *Measurement) { m.Prefix = 1000 },
		"how it is laid out": func(m *Measurement) { m.Layout.TP = 0 },
		"unknown model":      func(m *Measurement) { m.Model = "no/such" },
		"no kernel tables":   func(m *Measurement) { m.System = "tpu" },
	} {
		m := good
		change(&m)
		if _, err := r.Resolve(&m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}

// A layout that was published with the product of its ways as GPUs is repaired.
func TestRealLayout(t *testing.T) {
	all, _ := shippedCases(t)
	for _, c := range all {
		if c.Disaggregated() {
			continue
		}
		if c.Layout.TP == 64 && c.Plan.Layout.TP != 8 || c.Layout.DP == 16 && c.Plan.Layout.DP != 4 {
			t.Fatalf("%s: %v became %v", c.ID, c.Layout, c.Plan.Layout)
		}
		if c.Plan.Layout.GPUs() > 16 {
			t.Fatalf("%s: %v on %d GPUs", c.ID, c.Plan.Layout, c.Plan.Layout.GPUs())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("isl,osl,tp\n1,2,3\n")
	f.Add("ttft_ms\n1e999\n")
	f.Add("model,system,backend,mode,isl,osl,concurrency,p_workers,p_tp,d_workers,d_tp,d_dp\nQwen/Qwen3-32B-FP8,h200_sxm,vllm,disagg,100,10,8,1,1,2,2,1\n")
	f.Fuzz(func(t *testing.T, text string) {
		ms, err := readCSV(strings.NewReader(text))
		if err != nil {
			return
		}
		r := NewResolver()
		for i := range ms {
			if m := &ms[i]; m.ISL > 1<<16 || m.OSL > 1<<12 || m.Concurrency > 64 || m.Batch > 64 {
				continue
			}
			c, err := r.Resolve(&ms[i])
			if err != nil {
				continue
			}
			k := Start()
			if p := c.Predict(&k); !(p.TTFT > 0) || !(p.TPOT > 0) {
				t.Errorf("%+v: prediction %+v", ms[i], p)
			}
		}
	})
}
