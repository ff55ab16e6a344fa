package report

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func write(t *testing.T, f *Final) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// cells returns the table below the heading of the named experiment, cells
// trimmed and joined by '|', one line per row.
func cells(report, name string) string {
	_, after, _ := strings.Cut(report, "\n"+name+" Top Configurations: ")
	var b strings.Builder
	for i, line := range strings.Split(after, "\n") {
		if i > 0 && line == "" {
			break
		}
		if !strings.HasPrefix(line, "|") {
			continue
		}
		b.WriteByte('\n')
		for j, c := range strings.Split(strings.Trim(line, "|"), "|") {
			if j > 0 {
				b.WriteByte('|')
			}
			b.WriteString(strings.TrimSpace(c))
		}
	}
	return b.String()
}

func TestGuideCells(t *testing.T) {
	got := write(t, guideFinal())
	for name, want := range guideCells {
		if c := cells(got, name); c != want {
			t.Errorf("%s: cells\n%s\nwant the guide's\n%s", name, c, want)
		}
	}
}

func TestGolden(t *testing.T) {
	cases := map[string]func(f *Final){
		"normal": func(*Final) {},
		"wide":   func(f *Final) { f.AllColumns, f.Plot = true, false },
		"none_met": func(f *Final) {
			f.Chosen, f.Notes = "", nil
			for i := range f.Experiments {
				e := &f.Experiments[i]
				e.Limits.TPOT, e.Binding = 10, "TPOT"
				e.BestAlone = Latencies{TTFT: 61.5, TPOT: 10.4, RequestLatency: 5300.25}
				e.Closest, e.Rows = &e.Rows[0], nil
			}
		},
		"one_failed": func(f *Final) {
			f.Chosen, f.Unicode = "agg", false
			e := &f.Experiments[1]
			e.Rows, e.Frontier = nil, nil
			e.Failed = "no nccl table for h200_sxm\nrun: servegrid cli support --system h200_sxm"
		},
		"moe_wide": moeWide,
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			f := guideFinal()
			change(f)
			got := write(t, f)
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("differs from %s; got\n%s", path, got)
			}
		})
	}
}

// moeWide is a MoE model on 32 GPUs with power figures: attention-DP factors
// and the power column.
func moeWide(f *Final) {
	dp8 := Worker{Workers: 1, Parallel: "tp1pp1dp8etp1ep8", BS: 12, TP: 1, PP: 1, DP: 8}
	*f = Final{
		Model: "deepseek-ai/DeepSeek-V3", IsMoE: true, TotalGPUs: 32, Chosen: "agg", AllColumns: true,
		Experiments: []Experiment{{Name: "agg", Rows: []Row{{
			TokensPerSecPerGPUCluster: 295.93, TokensPerSecPerUser: 25.7, TTFT: 1500, TPOT: 38.9, RequestLatency: 20911.1,
			RequestRate: 4.744, PowerW: 612.34, Concurrency: 96, ReplicaGPUs: 8, Replicas: 4, Backend: "trtllm", IsMoE: true,
			Agg: dp8,
		}}}},
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9]*m")

func TestColor(t *testing.T) {
	f := guideFinal()
	plain := write(t, f)
	if escapes.MatchString(plain) {
		t.Error("escape codes without Color")
	}
	f.Color = true
	colored := write(t, f)
	for _, want := range []string{"Chosen: \x1b[1mdisagg\x1b[0m at", "|    \x1b[1m397.31\x1b[0m    |"} {
		if !strings.Contains(colored, want) {
			t.Errorf("no %q", want)
		}
	}
	if n, want := strings.Count(colored, "\x1b[1m"), 1+6; n != want {
		t.Errorf("%d bold texts, want the chosen name and six cells", n)
	}
	if escapes.ReplaceAllString(colored, "") != plain {
		t.Error("colour moves text")
	}
}

func TestBoxWidth(t *testing.T) {
	for i, line := range strings.Split(write(t, guideFinal()), "\n")[:20] {
		boxed := strings.HasPrefix(line, "*")
		if boxed && utf8.RuneCountInString(line) != 80 || strings.HasPrefix(line, "  --") && line != "  "+strings.Repeat("-", 76) {
			t.Errorf("line %d: %q", i+1, line)
		}
	}
}

func TestChosenWithoutRows(t *testing.T) {
	f := guideFinal()
	f.Experiments[1].Rows = nil
	for _, chosen := range []string{"disagg", "other"} {
		f.Chosen = chosen
		var b bytes.Buffer
		if err := Write(&b, f); err == nil || !strings.Contains(err.Error(), chosen) {
			t.Errorf("chosen %q: error %v", chosen, err)
		}
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestWriterError(t *testing.T) {
	broken := errors.New("broken pipe")
	if err := Write(brokenWriter{broken}, guideFinal()); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func TestSummaryLines(t *testing.T) {
	drop := func(i int) func(*Final) {
		return func(f *Final) { f.Experiments[i].Rows = nil }
	}
	for _, tc := range []struct {
		name   string
		chosen string
		change func(*Final)
		has    string
		hasNot string
	}{
		{"both", "disagg", func(*Final) {}, "    Disagg vs Agg: 1.31x\n", "none"},
		{"no agg row", "disagg", drop(0), "    Disagg vs Agg: infx\n", ""},
		{"no disagg row", "agg", drop(1), "    Disagg vs Agg: 0.00x\n", ""},
		{"agg alone", "agg", func(f *Final) { f.Experiments = f.Experiments[:1] }, "Chosen: agg at 397.31 tokens/s/gpu\n", "Disagg vs Agg"},
		{"disagg failed", "agg", func(f *Final) { f.Experiments[1] = Experiment{Name: "disagg", Failed: "no data"} }, "  no data\n", "Disagg vs Agg"},
		{"nothing met", "", func(f *Final) { drop(0)(f); drop(1)(f) }, "Chosen: none (no configuration met the limits)\n", "Overall Best"},
		{"all failed", "", func(f *Final) { f.Experiments = []Experiment{{Name: "agg", Failed: "no data"}} }, "Chosen: none (every experiment failed)\n", "met the limits"},
		{"throughput", "disagg", func(*Final) {}, "    - Best Throughput: 4,174.20 tokens/s\n", ""},
		{"own budget", "agg", func(f *Final) { f.Experiments[0].TotalGPUs = 16 }, "16 (8=4x2)", "Best Throughput: 3,178"},
		{"title", "agg", func(f *Final) { f.Title = "Even" }, "\n*" + strings.Repeat(" ", 37) + "Even" + strings.Repeat(" ", 37) + "*\n", ""},
		{"backend", "agg", func(f *Final) { f.ShowBackend = true }, "| Rank | backend | tokens/s/gpu |", "req/s"},
		{"no plot", "agg", func(f *Final) { f.Plot = false }, "", "Pareto Frontier"},
		{"no limits known", "", func(f *Final) { drop(0)(f); f.Experiments[0].Binding = "TTFT" },
			"No configuration was found. Limit on TTFT: 600.00ms. Limit on TPOT: 16.67ms.\n  Binding limit: TTFT\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := guideFinal()
			f.Chosen = tc.chosen
			tc.change(f)
			got := write(t, f)
			if !strings.Contains(got, tc.has) {
				t.Errorf("no %q in\n%s", tc.has, got)
			}
			if tc.hasNot != "" && strings.Contains(got, tc.hasNot) {
				t.Errorf("%q in\n%s", tc.hasNot, got)
			}
		})
	}
}

func TestCentre(t *testing.T) {
	for _, tc := range []struct {
		text  string
		width int
		want  string
	}{
		{"abc", 6, " abc  "}, // odd text: leftover right
		{"ab", 5, "  ab "},   // even text: leftover left
		{"ab", 6, "  ab  "},  // no leftover
		{"abc", 3, "abc"},    // fits exactly
		{"abcd", 3, "abcd"},  // too long
		{"", 3, "  " + " "},  // nothing
		{"äöü", 6, " äöü  "}, // characters, not bytes
	} {
		if got := centre(tc.text, tc.width); got != tc.want {
			t.Errorf("centre(%q, %d) = %q, want %q", tc.text, tc.width, got, tc.want)
		}
	}
}

func TestThousands(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0.00", 999.994: "999.99", 999.996: "1,000.00", 1000: "1,000.00", 4174.2: "4,174.20",
		123456.789: "123,456.79", 1234567: "1,234,567.00", -1234.5: "-1,234.50", -999: "-999.00",
		math.Inf(1): "+Inf",
	} {
		if got := thousands(v); got != want {
			t.Errorf("thousands(%v) = %s, want %s", v, got, want)
		}
	}
}
