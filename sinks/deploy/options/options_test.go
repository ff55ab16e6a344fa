package options

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
)

func set(t testing.TB, program, version string) *Set {
	t.Helper()
	s, ok := Of(program, version)
	if !ok {
		t.Fatalf("no list of %s %s", program, version)
	}
	return s
}

// Every list says where it came from, is sorted, and has only forms, types and
// references to other options that make sense.
func TestListsAreWhole(t *testing.T) {
	files, err := fs.Glob(data, "data/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d lists, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			text, err := fs.ReadFile(data, file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), "\n# Origin: ") {
				t.Error("no origin")
			}
			base := strings.TrimSuffix(strings.TrimPrefix(file, "data/"), ".txt")
			program, version, _ := strings.Cut(base, "-")
			s := set(t, program, version)
			var inFile []string
			for line := range strings.Lines(string(text)) {
				if !strings.HasPrefix(line, "#") {
					inFile = append(inFile, strings.Fields(line)[0])
				}
			}
			if !slices.Equal(inFile, s.Names()) {
				t.Error("not sorted by name")
			}
			for _, name := range s.Names() {
				o, _ := s.Lookup(name)
				if hasType := o.Type != "" || o.Choices != nil; hasType == (o.Form == Switch) {
					t.Errorf("%s: form %s with type %q", name, o.Form, o.Type)
				}
				if o.Form != Switch {
					// Neither the form nor the type is unknown, which would panic.
					_ = o.Check("x")
				}
				if of := o.AliasOf + o.Negates; of != "" && !s.Has(of) {
					t.Errorf("%s refers to %s, which is not listed", name, of)
				}
				if found, err := s.Find("--" + strings.ReplaceAll(name, "-", "_")); err != nil || found.Name != name {
					t.Errorf("%s: found %q, %v", name, found.Name, err)
				}
			}
		})
	}
}

// Facts that the deployment relies on, one by one, so that a list made from the
// wrong file cannot pass.
func TestKnownOptions(t *testing.T) {
	fp8 := []string{"auto", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc", "fp8_ds_mla"}
	tests := []struct {
		program, version string
		want             Option
	}{
		{"vllm", "0.12.0", Option{Name: "no-enable-prefix-caching", Form: Switch, Negates: "enable-prefix-caching"}},
		{"vllm", "0.12.0", Option{Name: "gpu-memory-utilization", Form: Value, Type: "float"}},
		{"vllm", "0.12.0", Option{Name: "max-model-len", Form: Value, Type: "size"}},
		{"vllm", "0.12.0", Option{Name: "kv-cache-dtype", Form: Value, Choices: fp8}},
		{"vllm", "0.12.0", Option{Name: "cudagraph-capture-sizes", Form: Values, Type: "int"}},
		{"vllm", "0.12.0", Option{Name: "speculative-config", Form: Value, Type: "json"}},
		{"vllm", "0.12.0", Option{Name: "hf-token", Form: Optional, Type: "string"}},
		{"sglang", "0.5.6.post2", Option{Name: "tp-size", Form: Value, Type: "int", AliasOf: "tensor-parallel-size"}},
		{"sglang", "0.5.6.post2", Option{Name: "disaggregation-mode", Form: Value, Choices: []string{"null", "prefill", "decode"}}},
		{"sglang", "0.5.6.post2", Option{Name: "cuda-graph-bs", Form: Values, Type: "int"}},
		{"sglang", "0.5.6.post2", Option{Name: "enable-dp-attention", Form: Switch}},
		{"trtllm", "1.2.0rc5", Option{Name: "kv_cache_config.enable_block_reuse", Form: Value, Type: "bool"}},
		{"dynamo.vllm", "0.8.0", Option{Name: "is-prefill-worker", Form: Switch}},
		{"dynamo.vllm", "0.8.0", Option{Name: "connector", Form: Any, Type: "string"}},
		{"dynamo.trtllm", "0.8.0", Option{Name: "extra-engine-args", Form: Value, Type: "string"}},
		{"dynamo.sglang", "0.8.0", Option{Name: "dump-config-to", Form: Value, Type: "string"}},
		{"dynamo.frontend", "0.8.0", Option{Name: "router-mode", Form: Value, Choices: []string{"round-robin", "random", "kv"}}},
	}
	for _, test := range tests {
		got, _ := set(t, test.program, test.version).Lookup(test.want.Name)
		if got.Name != test.want.Name || got.Form != test.want.Form || got.Type != test.want.Type ||
			got.AliasOf != test.want.AliasOf || got.Negates != test.want.Negates || !slices.Equal(got.Choices, test.want.Choices) {
			t.Errorf("%s %s: got %+v, want %+v", test.program, test.version, got, test.want)
		}
	}
	for _, test := range []struct{ program, version, name string }{
		{"vllm", "0.12.0", "is-prefill-worker"},
		{"sglang", "0.5.6.post2", "enable-expert-parallel"},
		{"dynamo.trtllm", "0.8.0", "model"},
		{"dynamo.frontend", "0.8.0", "version"},
		{"trtllm", "1.0.0rc3", "cache_transceiver_config.backend"},
		{"trtllm", "1.0.0rc4", "max_batch_size"},
		{"trtllm", "1.2.0rc5", "build_config.max_batch_size"},
	} {
		if set(t, test.program, test.version).Has(test.name) {
			t.Errorf("%s %s has %s", test.program, test.version, test.name)
		}
	}
}

func TestOfUnknown(t *testing.T) {
	for _, test := range []struct{ program, version string }{{"vllm", "0.11.0"}, {"llama", "1"}, {"", ""}, {"../data/vllm", "0.12.0"}} {
		if _, ok := Of(test.program, test.version); ok {
			t.Errorf("there is a list of %q %q", test.program, test.version)
		}
	}
}

func TestFind(t *testing.T) {
	tests := []struct{ program, version, name, want, err string }{
		{"vllm", "0.12.0", "gpu_memory_utilization", "gpu-memory-utilization", ""},
		{"vllm", "0.12.0", "--max-num-seqs", "max-num-seqs", ""},
		{"trtllm", "1.2.0rc5", "kv-cache-config.dtype", "kv_cache_config.dtype", ""},
		{"vllm", "0.12.0", "gpu_memory_utilisation", "", `vllm 0.12.0 has no option "gpu_memory_utilisation": did you mean "gpu-memory-utilization"?`},
		{"sglang", "0.5.6.post2", "mem_fraction_statik", "", `sglang 0.5.6.post2 has no option "mem_fraction_statik": did you mean "mem-fraction-static"?`},
		{"vllm", "0.12.0", "colour_of_the_machine_room", "", `vllm 0.12.0 has no option "colour_of_the_machine_room", nor one like it`},
	}
	for _, test := range tests {
		got, err := set(t, test.program, test.version).Find(test.name)
		if message(err) != test.err || got.Name != test.want {
			t.Errorf("%s: got %q, %v", test.name, got.Name, err)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// What Dynamo's modules and their engines declare is parsed by one parser, which
// refuses to have an option twice; And does, too.
func TestAnd(t *testing.T) {
	for _, test := range [][2]string{{"vllm", "0.12.0"}, {"sglang", "0.5.6.post2"}} {
		engine, module := set(t, test[0], test[1]), set(t, "dynamo."+test[0], "0.8.0")
		both := module.And(engine)
		if got, want := len(both.Names()), len(engine.Names())+len(module.Names()); got != want {
			t.Errorf("%s: %d options, want %d", test[0], got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	vllm := set(t, "dynamo.vllm", "0.8.0").And(set(t, "vllm", "0.12.0"))
	sglang := set(t, "dynamo.sglang", "0.8.0").And(set(t, "sglang", "0.5.6.post2"))
	tests := []struct {
		name string
		set  *Set
		args string
		err  string // a part of it; empty when the arguments are fine
	}{
		{"none", vllm, "", ""},
		{"values of every form", vllm, "--model m --is-prefill-worker --connector --cudagraph-capture-sizes 1 2 4 --hf-token --kv-cache-dtype fp8 --max-model-len 25.6k", ""},
		{"inline", vllm, `--gpu-memory-utilization=0.85 --speculative-config={"method":"mtp"}`, ""},
		{"negative number", sglang, "--model-path m --chunked-prefill-size -1", ""},
		{"unknown", vllm, "--max-num-seq 4", `did you mean "max-num-seqs"?`},
		{"option of another engine", sglang, "--enable-expert-parallel", "has no option"},
		{"underscores", sglang, "--tensor_parallel_size 2", `did you mean "tensor-parallel-size"?`},
		{"no value", vllm, "--max-num-seqs --model m", "needs a value"},
		{"no value at the end", vllm, "--model", "needs a value"},
		{"no values", sglang, "--cuda-graph-bs", "needs a value"},
		{"two values", vllm, "--max-num-seqs 1 2", `"2" follows no option that takes it`},
		{"value of a switch", vllm, "--enforce-eager true", `"true" follows no option that takes it`},
		{"inline value of a switch", vllm, "--enforce-eager=true", "takes no value"},
		{"empty inline value", vllm, "--model=", "type string"},
		{"int", vllm, "--max-num-seqs 1.5", "type int"},
		{"size", vllm, "--max-model-len 25.6K", "type size"},
		{"float", vllm, "--gpu-memory-utilization high", "type float"},
		{"json", vllm, "--speculative-config {method:mtp}", "type json"},
		{"choice", sglang, "--kv-cache-dtype fp8", `unknown value of option kv-cache-dtype "fp8"`},
		{"short option", vllm, "-tp 2", `"-tp" follows no option`},
	}
	for _, test := range tests {
		err := test.set.Check(strings.Fields(test.args))
		if (err == nil) != (test.err == "") || !strings.Contains(message(err), test.err) {
			t.Errorf("%s: %v, want %q", test.name, err, test.err)
		}
	}
}

// No argument list makes Check panic, and what it accepts it accepts twice over.
func FuzzCheck(f *testing.F) {
	vllm := set(f, "vllm", "0.12.0")
	for _, seed := range []string{"--model m", "--max-num-seqs", "--a=b", "--", "--=", "-", "--hf-token x --enforce-eager"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Fields(line)
		if vllm.Check(args) == nil && vllm.Check(append(args, args...)) != nil {
			t.Errorf("%q is fine once but not twice", line)
		}
	})
}
