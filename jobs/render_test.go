package jobs

import (
	"reflect"
	"strings"
	"testing"
)

// reparse checks that YAML() reads back to the same spec whatever the file is
// called.
func reparse(t *testing.T, s *Spec) {
	t.Helper()
	out := s.YAML()
	again, err := Parse("other.yaml", out, testKnown())
	if err != nil {
		t.Fatalf("rendered file does not parse: %v\n%s", err, out)
	}
	if !reflect.DeepEqual(s, again) {
		t.Fatalf("round trip changed the spec:\n%+v\n%+v\n%s", s, again, out)
	}
}

func TestYAMLRoundTrip(t *testing.T) {
	for _, more := range []string{
		"",
		"name: 'null'\n",
		"name: 2026-01-01\n",
		"name: '1e3'\nversions: all\n",
		"warehouse: 'C:\\x y: #1'\n",
		"warehouse: '*star &and'\n",
		"warehouse: '!tag'\n",
		"warehouse: 'größe 界'\n",
		"ttft: [0.0000001, 16.67, 1e12, 123456789.125]\n",
		"ttft: {from: 1, to: 10, factor: 1.1}\n",
		"prefix: {from: 0, to: 3999, step: 1}\n",
	} {
		reparse(t, mustParse(t, least+more))
	}
}

func TestYAMLIsReadable(t *testing.T) {
	got := string(mustParse(t, least+"ttft: 1000000\nversions: 0.12.0\n").YAML())
	want := `name: nightly
models:
  - Qwen/Qwen3-32B-FP8
systems: [h200_sxm]
backends: [vllm]
versions: [0.12.0]
gpus: [8]
workloads:
  - {isl: 4000, osl: 500, prefix: 0}
ttft: [1000000]
tpot: [30]
serving_modes: [agg, disagg]
estimator: reference
search: exhaustive
database_mode: SILICON
keep: useful
warehouse: ./warehouse
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// Every key that a file may hold is documented in the order of keys, and every
// field of Spec is rendered.
func TestYAMLHasEveryField(t *testing.T) {
	out := string(mustParse(t, least).YAML())
	refused := map[string]bool{"isl": true, "osl": true, "prefix": true} // rendered as workloads
	for _, u := range unsupported {
		refused[u.key] = true
	}
	for _, key := range keys {
		if has := strings.Contains("\n"+out, "\n"+key+":"); has == refused[key] {
			t.Errorf("key %s: rendered %v", key, has)
		}
	}
}
