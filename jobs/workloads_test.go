package jobs

import (
	"slices"
	"testing"
)

const noWorkload = "models: all\nsystems: all\nbackends: all\ngpus: 8\n"

func TestProduct(t *testing.T) {
	s := mustParse(t, noWorkload+"isl: [2000, 1000]\nosl: {from: 10, to: 20, step: 10}\nprefix: [500, 0]\n")
	want := []Workload{
		{2000, 10, 500}, {2000, 10, 0}, {2000, 20, 500}, {2000, 20, 0},
		{1000, 10, 500}, {1000, 10, 0}, {1000, 20, 500}, {1000, 20, 0},
	}
	if !slices.Equal(s.Workloads, want) {
		t.Errorf("got %v, want %v", s.Workloads, want)
	}
	s = mustParse(t, noWorkload+"isl: [9, 9]\nosl: [9, {from: 8, to: 9, step: 1}]\n")
	if want := []Workload{{9, 9, 0}, {9, 8, 0}}; !slices.Equal(s.Workloads, want) {
		t.Errorf("duplicates: got %v, want %v", s.Workloads, want)
	}
}

func TestOneWorkloadWithoutAList(t *testing.T) {
	s := mustParse(t, noWorkload+"workloads: {isl: 4000, osl: 500}\n")
	if want := []Workload{{4000, 500, 0}}; !slices.Equal(s.Workloads, want) {
		t.Errorf("got %v, want %v", s.Workloads, want)
	}
}

func TestWorkloadMistakes(t *testing.T) {
	for _, c := range []struct {
		lines string
		want  []string
	}{
		{"workloads: []", []string{"5: workloads: has no value"}},
		{"workloads: 4000/500", []string{`5: an entry is {isl: …, osl: …, prefix: …}, not the text "4000/500"`}},
		{"workloads: [{isl: 8, osl: 1}]", []string{"5: osl: 1 is not a whole number of at least 2 (the aggregated model divides by osl - 1)"}},
		{"workloads: [{isl: 8, osl: 2, prefix: 8}]", []string{"5: prefix 8 is not below isl 8"}},
		{"workloads:\n- {isl: 8, osl: 2}\n- {isl: 0, osl: 2, prefix: 1, ols: 3}", []string{
			`7: unknown key "ols": did you mean "osl"?`, "7: isl: 0 is not a positive whole number"}},
		{"workloads: [{isl: [1, 2], osl: 2}]", []string{"5: isl: a list is not a positive whole number"}},
		{"workloads: [{isl: 8, osl: 2}]\nosl: 7", []string{"6: osl: workloads are already listed on line 5"}},
		{"isl: [10, 5]\nosl: 2\nprefix:\n- 4\n- 5\n- {from: 6, to: 9, step: 1}", []string{
			"9: prefix: 5 is not below isl 5", "10: prefix: 6 is not below isl 5"}},
		{"isl: {from: 1, to: 2000, step: 1}\nosl: {from: 2, to: 2001, step: 1}", []string{"5: isl, osl and prefix make 4000000 workloads: at most 1000000"}},
		{"isl: 5", []string{`1: key "osl" is missing: the axes isl and osl go together`}},
		{"prefix: 5", []string{`1: key "isl" is missing`, `1: key "osl" is missing`}},
	} {
		t.Run(c.lines, func(t *testing.T) { wantFaults(t, noWorkload+c.lines+"\n", c.want...) })
	}
}
