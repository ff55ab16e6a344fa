package jobs

import (
	"strings"
	"testing"
)

func TestDocumentMistakes(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"empty", "", []string{"1: the file is empty"}},
		{"comments only", "# nothing\n", []string{"1: the file is empty"}},
		{"empty document", "---\n", []string{"2: a sweep file is a mapping, not an empty value"}},
		{"list", "- a\n", []string{"1: not a list"}},
		{"second document", least + "---\nname: x\n", []string{"7: a second YAML document begins here"}},
		{"second document broken", least + "---\nname: [\n", []string{"8: not valid YAML"}},
		{"first line broken", "a: b: c\n", []string{"1: mapping values are not allowed"}},
		{"tab", "a:\n\t- b\n", []string{"2: cannot start any token"}},
		{"unclosed", "name: x\nmodels: [a, b\nsystems: c\n", []string{"1: not valid YAML here or just below: did not find expected ',' or ']'"}},
		{"unknown alias", "name: x\nmodels: *all\n", []string{"2: unknown anchor 'all' referenced"}},
		{"control character", "name: x\nmodels: \x00\n", []string{"2: control characters are not allowed"}},
		{"not UTF-8", "name: x\nmodels: \xff\n", []string{"2: not valid YAML"}},
	} {
		t.Run(c.name, func(t *testing.T) { wantFaults(t, c.src, c.want...) })
	}
}

func TestAliases(t *testing.T) {
	s := mustParse(t, `
models: all
systems: &h [h200_sxm]
backends: vllm
gpus: &n [8, {from: 16, to: 64, factor: 2}]
workloads: [&w {isl: 100, osl: 10}, *w, {isl: &x 200, osl: *x}]
ttft: *n
`)
	if len(s.Workloads) != 2 || s.Workloads[1] != (Workload{200, 200, 0}) || len(s.TTFT) != 4 {
		t.Errorf("got %+v", s)
	}
}

func TestAliasesToThemselves(t *testing.T) {
	wantFaults(t, least+"name: &n [*n]\n", "7: name: wants a name, not a list")
	wantFaults(t, least+"ttft: &t [*t, *t]\n", "7: ttft: a list is not a positive number")
	wantFaults(t, "&root\nmodels: *root\nsystems: all\nbackends: all\ngpus: 8\nworkloads: *root\n",
		"1: models: wants a name, not a mapping", "1: workload: isl is missing", "1: workload: osl is missing",
		`2: workload: unknown key "models"`,
		`3: unknown key "systems"`, `4: unknown key "backends"`, `5: unknown key "gpus"`, `6: unknown key "workloads"`)
}

// A small file must not expand to a large one, nor take quadratic time.
func TestAliasBomb(t *testing.T) {
	long := "{isl: 1, osl: 2" + strings.Repeat(", bad: 1", 2000) + "}"
	src := "models: all\nsystems: all\nbackends: all\ngpus: 8\nworkloads: [&w " + long + strings.Repeat(", *w", 50_000) + "]\n"
	if got := faults(t, src); len(got) != 1 {
		t.Errorf("%d mistakes, want the one distinct", len(got))
	}
	laughs := "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nmodels: *c\n"
	if got := faults(t, laughs); !strings.Contains(strings.Join(got, "\n"), "models: wants a name, not a list") {
		t.Errorf("got %q", got)
	}
}
