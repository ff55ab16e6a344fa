package jobs

import (
	"slices"
	"strings"
	"testing"
)

func file(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

func TestAllKeepsTheKnownOrder(t *testing.T) {
	s := mustParse(t, file("models: [meta-llama/Llama-3.1-8B, all]", "systems: all", "backends: [sglang, all]", "gpus: 8", "isl: 9", "osl: 9", "versions: all"))
	want := [][]string{
		{"meta-llama/Llama-3.1-8B", "Qwen/Qwen3-32B-FP8", "Qwen/Qwen3-8B"},
		{"h200_sxm", "h100_sxm", "a100_sxm", "gb200_sxm"},
		{"sglang", "trtllm", "vllm"},
		{"all"},
	}
	for i, got := range [][]string{s.Models, s.Systems, s.Backends, s.Versions} {
		if !slices.Equal(got, want[i]) {
			t.Errorf("got %v, want %v", got, want[i])
		}
	}
}

func TestAllOfNothing(t *testing.T) {
	_, err := Parse("f.yaml", []byte(least+"name: x\n"), Known{})
	if err == nil || !strings.Contains(err.Error(), `unknown model "QWEN3_32B": there are none`) {
		t.Errorf("got %v", err)
	}
	_, err = Parse("f.yaml", []byte("systems: all\n"), Known{})
	if err == nil || !strings.Contains(err.Error(), "all stands for none") {
		t.Errorf("got %v", err)
	}
}

func TestSpecSharesNoMemory(t *testing.T) {
	known := testKnown()
	s, err := Parse("f.yaml", []byte(strings.Replace(least, "h200_sxm", "all", 1)), known)
	if err != nil {
		t.Fatal(err)
	}
	s.Systems[0] = "changed"
	if known.Systems[0] != "h200_sxm" {
		t.Error("the spec shares memory with Known")
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		name, line, want string
	}{
		{"installed elsewhere", "versions: [0.12.0, 1.2.0rc5]", `7: unknown version "1.2.0rc5": valid are 0.11.0, 0.12.0 of the chosen systems and backends`},
		{"misspelt", "versions: 0.12.1", `7: unknown version "0.12.1": did you mean`},
		{"all and more", "versions: [all, 0.12.0]", `7: "all" stands alone`},
		{"latest and more", "versions: [0.12.0, latest]", `7: "latest" stands alone`},
		{"none", "versions: []", `7: versions: has no value`},
	} {
		t.Run(c.name, func(t *testing.T) { wantFaults(t, least+c.line+"\n", c.want) })
	}
	if s := mustParse(t, least+"versions: 0.12.0\n"); !slices.Equal(s.Versions, []string{"0.12.0"}) {
		t.Errorf("got %v", s.Versions)
	}
	none := strings.NewReplacer("h200_sxm", "a100_sxm", "vllm", "sglang").Replace(least)
	wantFaults(t, none+"versions: 0.5\n", `7: unknown version "0.5": there are none`)
	mustParse(t, none) // latest of nothing is for the coverage table to tell
}

func TestServingModes(t *testing.T) {
	if s := mustParse(t, least+"serving_modes: disagg\n"); !slices.Equal(s.ServingModes, []string{"disagg"}) {
		t.Errorf("got %v", s.ServingModes)
	}
	wantFaults(t, least+"serving_modes: [dissag, agg]\n", `7: unknown serving mode "dissag": did you mean "disagg"?`)
	wantFaults(t, least+"serving_modes: []\n", `7: serving_modes: has no value`)
}

func TestNameFromFile(t *testing.T) {
	for file, want := range map[string]string{
		"a/b/nightly.yaml":              "nightly",
		"my sweep (2).yml":              "my-sweep-2-",
		"":                              "sweep",
		"-":                             "sweep",
		".hidden":                       "sweep",
		strings.Repeat("x", 80) + ".ya": strings.Repeat("x", 63),
	} {
		s, err := Parse(file, []byte(least), testKnown())
		if err != nil {
			t.Errorf("%q: %v", file, err)
		} else if s.Name != want || !validName.MatchString(s.Name) {
			t.Errorf("%q: name %q, want %q", file, s.Name, want)
		}
	}
}

func TestLongValuesAreClipped(t *testing.T) {
	got := faults(t, least+"name: "+strings.Repeat("ä", 10_000)+"\n")
	if len(got) != 1 || len(got[0]) > 300 {
		t.Errorf("got %q", got)
	}
}
