package importer

import (
	"os"
	"slices"
	"strings"
	"testing"

	"servegrid/perftables"
)

const systemText = `gpu:
  mem_bw: 1.0e12
  mem_capacity: 80000000000
  bfloat16_tc_flops: 500000000000000
  sm_version: 90
node:
  num_gpus_per_node: 8
  intra_node_bw: 64000000000
  inter_node_bw: 25000000000
misc:
  nccl_version: '2.1'
`

// parquetEntry is testdata/gemm_perf.parquet at a path of release 0.12.0. It is an
// excerpt of data/h200_sxm/gemm/trtllm/1.3.0rc20 of aiconfigurator-core 0.12.0
// (NVIDIA, Apache-2.0).
func parquetEntry(t *testing.T, path string) entry {
	t.Helper()
	b, err := os.ReadFile("testdata/gemm_perf.parquet")
	if err != nil {
		t.Fatal(err)
	}
	return entry{name: path, text: string(b)}
}

// The rules of release 0.12.0: which engine versions there are, and where each
// takes its tables from.
func TestReleaseLayout(t *testing.T) {
	const bmm = "kernel_source,bmm_dtype,op_name,num_heads,num_tokens,latency\n"
	files := []entry{
		{"systems/new_gpu.yaml", systemText, ""},
		{"systems/query_versions.yaml", "defaults:\n  trtllm: {current: \"1.1\", previous: \"1.0\"}\n  sglang: {current: \"1.1\"}\n", ""},
		parquetEntry(t, "systems/data/new_gpu/gemm/trtllm/1.0/gemm_perf.parquet"),
		parquetEntry(t, "systems/data/new_gpu/gemm/trtllm/1.2/gemm_perf.parquet"),
		parquetEntry(t, "systems/data/new_gpu/gemm/trtllm/0.9/gemm_perf.parquet"),
		{"systems/data/new_gpu/gemm/trtllm/1.1/reuse.yaml", "reuse:\n- {table: gemm_perf, from_version: \"0.9\"}\n", ""},
		{"systems/data/new_gpu/gemm/trtllm/1.2/collection_meta.yaml", "tables:\n  gemm_perf: {status: partial}\n", ""},
		parquetEntry(t, "systems/data/new_gpu/kda/trtllm/1.2/kda_perf.parquet"),
		parquetEntry(t, "systems/data/gemm_perf.parquet"),
		// Measured in part, and the rest is that of another version.
		parquetEntry(t, "systems/data/new_gpu/gemm/sglang/1.1/gemm_perf.parquet"),
		{"systems/data/new_gpu/gemm/sglang/1.1/reuse.yaml", "reuse:\n- {table: gemm_perf, from_version: \"0.9\"}\n", ""},
		parquetEntry(t, "systems/data/new_gpu/gemm/sglang/0.9/gemm_perf.parquet"),
		parquetEntry(t, "systems/data/new_gpu/gemm/sglang/1.0/gemm_perf.parquet"),
	}
	p, err := importBytes(t, "x.zip", zipOf(t, files...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	uses := map[string][]string{}
	for _, f := range p.Files {
		if want := strings.Contains(f.File, "trtllm/1.2/gemm"); f.Partial != want {
			t.Errorf("%s: partial %v, want %v", f.File, f.Partial, want)
		}
		uses[strings.TrimPrefix(f.File, "systems/data/")] = append(f.Tables, f.Reason)
	}
	for file, want := range map[string][]string{
		"new_gpu/gemm/trtllm/0.9/gemm_perf.parquet": {"new_gpu/trtllm/1.1/gemm.tbl", "new_gpu/trtllm/1.2/gemm.tbl", ""},
		"new_gpu/gemm/trtllm/1.0/gemm_perf.parquet": {"new_gpu/trtllm/1.0/gemm.tbl", ""},
		"new_gpu/gemm/trtllm/1.2/gemm_perf.parquet": {"new_gpu/trtllm/1.2/gemm.tbl", ""},
		"new_gpu/kda/trtllm/1.2/kda_perf.parquet":   {`kind "kda" is not known`},
		"new_gpu/gemm/sglang/1.1/gemm_perf.parquet": {"new_gpu/sglang/1.1/gemm.tbl", ""},
		"new_gpu/gemm/sglang/0.9/gemm_perf.parquet": {"new_gpu/sglang/1.1/gemm.tbl", ""},
		"new_gpu/gemm/sglang/1.0/gemm_perf.parquet": {"the engine versions that are offered take that of 0.9 and 1.1"},
		"gemm_perf.parquet":                         {"its path is not …/<system>/<backend>/<version>/<kind>"},
	} {
		if !slices.Equal(uses[file], want) {
			t.Errorf("%s: in %q, want %q", file, uses[file], want)
		}
	}
	if len(p.Tables) != 4 || p.Generation != perftables.GenerationRaw || len(p.Systems) != 1 || p.Systems[0].NCCLVersion != "2.1" {
		t.Errorf("%d tables of generation %s on %+v", len(p.Tables), p.Generation, p.Systems)
	}

	// What a release measured twice: the fastest kernel, of one kernel the first.
	both := bmm + "a,bfloat16,mla_gen_pre,1,1,3\na,bfloat16,mla_gen_pre,1,1,1\nb,bfloat16,mla_gen_pre,1,1,2\n"
	for prefer, want := range map[string]float64{"": 2, "a": 3, "b": 2} {
		tab, err := Read("mla_bmm.csv", []byte(both), perftables.KindMLABMM, Rows{Fastest: true, Prefer: prefer})
		if err != nil || tab.Slices[0].Rows[0].Latency != want || tab.Slices[0].Key[0] != "float16" {
			t.Errorf("preferring %q: %+v, %v; want %v", prefer, tab, err, want)
		}
	}
}

// A table of the user's own, with a name for its engine version.
func TestOwnTable(t *testing.T) {
	own := Options{System: "h200_sxm", Backend: "vllm", Version: "0.12.0-mine"}
	p, err := importBytes(t, "gemm.csv", []byte("gemm_dtype,m,n,k,latency\nfp8,1,64,64,0.01\nfp8,2,64,64,0.02\n"), own)
	if err != nil || len(p.Tables["h200_sxm/vllm/0.12.0-mine/gemm.tbl"]) == 0 || p.Generation != perftables.GenerationRaw {
		t.Fatalf("%+v, %v", p, err)
	}
	for name, c := range map[string]struct {
		file, text string
		o          Options
		want       string
	}{
		"unknown kind":   {"gem.csv", "gemm_dtype,m,n,k,latency\nfp8,1,64,64,0.01\n", own, `did you mean "gemm"`},
		"given kind":     {"x.csv", "a\n", Options{System: "h200_sxm", Backend: "vllm", Version: "1", Kind: "gem"}, `did you mean "gemm"`},
		"unknown system": {"gemm.csv", "gemm_dtype,m,n,k,latency\nfp8,1,64,64,0.01\n", Options{System: "h200_sxn", Backend: "vllm", Version: "1"}, `did you mean "h200_sxm"`},
		"a line":         {"gemm.csv", "gemm_dtype,m,n,k,latency\nfp8,1,64,64,0.01\nfp8,2,64,x,0.01\n", own, `gemm.csv: line 3: k is "x"`},
		"not positive":   {"gemm.csv", "gemm_dtype,m,n,k,latency\nfp8,1,64,64,-1\n", own, "line 2: latency is -1, want more than 0"},
		"empty format":   {"gemm.csv", "gemm_dtype,m,n,k,latency\n,1,64,64,1\n", own, "line 2: gemm_dtype is empty"},
		"pointer":        {"gemm.csv", lfsPrefix + "v1\noid sha256:ab\nsize 3\n", own, "Git LFS pointer"},
		"no column":      {"gemm.csv", "gemm_dtype,m,n,latency\nfp8,1,64,1\n", own, "column k is missing"},
	} {
		_, err := importBytes(t, c.file, []byte(c.text), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestSystemDescription(t *testing.T) {
	p, err := importBytes(t, "my_gpu.yaml", []byte(systemText), Options{})
	if err != nil || len(p.Systems) != 1 || p.Systems[0].Name != "my_gpu" || p.Systems[0].MemBandwidth != 1e12 || len(p.Tables) != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	for i := range known {
		s, err := System(known[i].Name, SystemTemplate(&known[i]))
		want := known[i]
		want.NCCLVersion = ""
		if err != nil || s != want {
			t.Errorf("template of %s reads back as %+v, %v", want.Name, s, err)
		}
	}
	for text, want := range map[string]string{
		strings.Replace(systemText, "mem_bw", "mem_bandwidth", 1):                    "field mem_bandwidth not found",
		strings.Replace(systemText, "mem_bw: 1.0e12", "mem_bw: -1", 1):               "gpu.mem_bw (bytes/s) is -1, want a number above 0",
		strings.Replace(systemText, "  mem_capacity: 80000000000\n", "", 1):          "gpu.mem_capacity (bytes) is 0",
		strings.Replace(systemText, "nccl_version: '2.1'", "nccl_version: ../..", 1): "misc.nccl_version",
		"a: 1\n": "it describes no system",
		"":       "it describes no system",
	} {
		if _, err := importBytes(t, "my_gpu.yaml", []byte(text), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want one with %q", text, err, want)
		}
	}
	if _, err := importBytes(t, "My GPU.yaml", []byte(systemText), Options{}); err == nil || !strings.Contains(err.Error(), "name of the system") {
		t.Errorf("a bad name: %v", err)
	}
}

// The header of every template is read back.
func TestTableTemplates(t *testing.T) {
	for _, k := range perftables.KindNames() {
		b, err := TableTemplate(perftables.Kind(k))
		if err != nil {
			t.Fatal(err)
		}
		values := strings.Repeat("1,", strings.Count(string(b), ",")) + "1\n"
		tab, err := Read(k+".csv", append(b, values...), perftables.Kind(k), Rows{})
		if err != nil || tab.Kept() != 1 {
			t.Errorf("%s: %v", k, err)
		}
	}
}
