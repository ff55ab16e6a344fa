package jobs

import (
	"slices"
	"testing"
)

func TestAxisValues(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       []float64
	}{
		{"scalar", "ttft: 5", []float64{5}},
		{"spellings", "ttft: [1e3, 0x10, 1_0, .5]", []float64{.5, 10, 16, 1000}},
		{"steps", "ttft: {from: 100, to: 500, step: 200}", []float64{100, 300, 500}},
		{"steps that miss the end", "ttft: {from: 100, to: 499, step: 200}", []float64{100, 300}},
		{"decimal steps", "ttft: {from: 0.1, to: 0.5, step: 0.1}", []float64{.1, .2, .3, .4, .5}},
		{"factor", "ttft: {from: 100, to: 800, factor: 2}", []float64{100, 200, 400, 800}},
		{"one value", "ttft: {from: 7, to: 7, step: 1}", []float64{7}},
		{"mixed", "ttft: [3, {from: 1, to: 4, step: 1}, 2.5]", []float64{1, 2, 2.5, 3, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := mustParse(t, least+c.line+"\n").TTFT; !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	gpus := "models: all\nsystems: all\nbackends: all\nisl: 9\nosl: 9\ngpus: "
	for _, c := range []struct {
		value string
		want  []int
	}{
		{"8", []int{8}},
		{"[16, 8.0, 8]", []int{8, 16}},
		{"{from: 10, to: 60, factor: 1.5}", []int{10, 15, 23, 34, 51}}, // 22.5, 33.75, 50.625
		{"{from: 8, to: 32, step: 8}", []int{8, 16, 24, 32}},
	} {
		if got := mustParse(t, gpus+c.value+"\n").GPUs; !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.value, got, c.want)
		}
	}
}

func TestAxisMistakes(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"ttft: 0", []string{"7: ttft: 0 is not a positive number"}},
		{"ttft: [.nan, .inf, -.inf]", []string{"7: .nan is not a positive number", "7: .inf is not a finite number", "7: -.inf is not a positive number"}},
		{"ttft: 1e300", []string{"7: 1e300 is above 1000000000000"}},
		{"ttft: soon", []string{`7: ttft: the text "soon" is not a positive number`}},
		{"ttft: true", []string{`7: ttft: the boolean true is not`}},
		{"ttft: 2026-01-01", []string{`7: ttft: a value tagged !!timestamp is not`}},
		{"ttft: [[1]]", []string{`7: ttft: a list is not`}},
		{"ttft: !!int abc", []string{`7: ttft: the number abc is not`}},
		{"ttft: '12'", []string{`7: ttft: "12" is text: remove the quotes`}},
		{"ttft: []", []string{`7: ttft: has no value`}},
		{"ttft:\n  - 3\n  - -4\n  - x", []string{`9: -4 is not`, `10: the text "x"`}},
		{"ttft: {from: 1, to: 9}", []string{"7: ttft range: give step or factor, not both"}},
		{"ttft: {from: 1, to: 9, step: 1, factor: 2}", []string{"7: ttft range: give step or factor, not both"}},
		{"ttft: {from: 9, to: 1, step: 1}", []string{"7: ttft range: to is below from"}},
		{"ttft: {from: 1, to: 9, step: 0}", []string{"7: ttft range: step: 0 is not a positive number"}},
		{"ttft: {from: 1, to: 9, factor: 1}", []string{"7: ttft range: factor: 1 is not a number above 1"}},
		{"ttft: {from: 1, to: 9, factor: .nan}", []string{"7: ttft range: factor: .nan is not a number above 1"}},
		{"ttft: {from: a, step: 1}", []string{`7: ttft range: from: the text "a"`, "7: ttft range: to is missing"}},
		{"ttft: {from: 1, to: 1e9, step: 1}", []string{"7: ttft: more than 100000 values"}},
		{"ttft: {from: 1, to: 1e9, factor: 1.0000000000000002}", []string{"7: ttft: more than 100000 values"}},
		{"ttft: {from: 1, to: 2, step: 4.9e-324}", []string{"7: ttft: more than 100000 values"}},
		{"ttft: {from: 1, to: 2000, step: 1}\ntpot: {from: 1, to: 2000, step: 1}", []string{"7: ttft and tpot make 4000000 pairs of limits"}},
		{"prefix: {from: 0, to: 9, factor: 2}", []string{"7: prefix range: a factor never leaves 0"}},
		{"prefix: {from: 0, to: 9, step: 1.5}", []string{"7: prefix range: step: 1.5 is not a positive whole number"}},
		{"prefix: 1.5", []string{"7: prefix: 1.5 is not a whole number"}},
		{"prefix: 99999999999", []string{"7: prefix: 99999999999 is above 2147483647"}},
	} {
		t.Run(c.line, func(t *testing.T) { wantFaults(t, least+c.line+"\n", c.want...) })
	}
}
