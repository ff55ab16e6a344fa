package jobs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// installedVersions is what the tests pretend to have tables for.
var installedVersions = map[string][]string{
	"h200_sxm/vllm":    {"0.11.0", "0.12.0"},
	"h200_sxm/trtllm":  {"1.0.0rc3", "1.2.0rc5"},
	"h100_sxm/vllm":    {"0.12.0"},
	"gb200_sxm/trtllm": {"1.2.0rc5", "1.20"},
}

func testKnown() Known {
	models := []string{"Qwen/Qwen3-32B-FP8", "Qwen/Qwen3-8B", "meta-llama/Llama-3.1-8B"}
	return Known{
		Models:   models,
		Systems:  []string{"h200_sxm", "h100_sxm", "a100_sxm", "gb200_sxm"},
		Backends: []string{"trtllm", "vllm", "sglang"},
		ResolveModel: func(name string) (string, error) {
			if name == "QWEN3_32B" {
				return models[0], nil
			}
			for _, m := range models {
				if m == name {
					return m, nil
				}
			}
			return "", unknown("model", name, models)
		},
		Versions: func(system, backend string) []string { return installedVersions[system+"/"+backend] },
	}
}

// least is a file with nothing but the required keys; a test appends to it.
const least = `models: QWEN3_32B
systems: h200_sxm
backends: vllm
gpus: 8
isl: 4000
osl: 500
`

func mustParse(t *testing.T, src string) *Spec {
	t.Helper()
	s, err := Parse("nightly.yaml", []byte(src), testKnown())
	if err != nil {
		t.Fatalf("Parse:\n%v\nof:\n%s", err, src)
	}
	return s
}

// faults parses a faulty file and returns its mistakes as "line: text".
func faults(t *testing.T, src string) []string {
	t.Helper()
	s, err := Parse("nightly.yaml", []byte(src), testKnown())
	if err == nil {
		t.Fatalf("no mistake found, spec %+v of:\n%s", s, src)
	}
	if s != nil {
		t.Errorf("a spec comes with the error %v", err)
	}
	var m *Mistake
	if !errors.As(err, &m) || m.File != "nightly.yaml" {
		t.Fatalf("error %v is not a *Mistake of the file", err)
	}
	var out []string
	for _, line := range strings.Split(err.Error(), "\n") {
		rest, ok := strings.CutPrefix(line, "nightly.yaml:")
		if !ok {
			t.Errorf("line without file: %q", line)
		}
		out = append(out, rest)
	}
	return out
}

// wantFaults checks that exactly the wanted mistakes are found, in order; each
// wanted text needs to be only a part of the message after its line.
func wantFaults(t *testing.T, src string, want ...string) {
	t.Helper()
	got := faults(t, src)
	ok := len(got) == len(want)
	for i := 0; ok && i < len(want); i++ {
		line, text, _ := strings.Cut(want[i], ": ")
		ok = strings.HasPrefix(got[i], line+": ") && strings.Contains(got[i], text)
	}
	if !ok {
		t.Errorf("mistakes of\n%s\ngot:\n  %s\nwant parts:\n  %s", numbered(src), strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func numbered(src string) string {
	var b strings.Builder
	for i, line := range strings.Split(src, "\n") {
		fmt.Fprintf(&b, "%3d %s\n", i+1, line)
	}
	return b.String()
}
