package estimator

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const qwen32 = `{"architectures": ["Qwen3ForCausalLM"], "num_hidden_layers": 64, "num_attention_heads": 64,
	"num_key_value_heads": 8, "head_dim": 128, "hidden_size": 5120, "intermediate_size": 25600, "vocab_size": 151936,
	"max_position_embeddings": 40960, "torch_dtype": "bfloat16"}`

// A config.json gives the same figures as the catalogue.
func TestConfigEqualsCatalogue(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(qwen32), 0o644); err != nil {
		t.Fatal(err)
	}
	want, err := LookupModel("Qwen/Qwen3-32B")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, filepath.Join(dir, "config.json")} {
		got, err := LookupModel(name)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != name {
			t.Errorf("id is %q, want %q", got.ID, name)
		}
		same := *want
		same.ID, same.Builtin = got.ID, ""
		if !reflect.DeepEqual(*got, same) {
			t.Errorf("got %+v, want %+v", *got, same)
		}
	}
}

func TestConfigMistakes(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"not JSON", `{`, `[`, "invalid character"},
		{"no architecture", `["Qwen3ForCausalLM"]`, `[]`, `"architectures" is missing`},
		{"unknown architecture", "Qwen3For", "Qwen3For2", `did you mean "Qwen3ForCausalLM"`},
		{"missing field", `"vocab_size"`, `"vocabulary"`, `"vocab_size" is missing`},
		{"null field", `"num_key_value_heads": 8`, `"num_key_value_heads": null`, `"num_key_value_heads" is missing`},
		{"zero", `"hidden_size": 5120`, `"hidden_size": 0`, `"hidden_size" is 0, want 1 to`},
		{"huge", `"hidden_size": 5120`, `"hidden_size": 999999999`, `want 1 to`},
		{"head size", `"head_dim": 128`, `"head_dim": 0`, `head size is 0`},
	} {
		_, err := parseConfig([]byte(strings.Replace(qwen32, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(qwen32))
	f.Add([]byte(`{"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 1e3}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseConfig(b)
		if err == nil && (m.Layers < 1 || m.Heads < 1 || m.HeadDim < 1 || m.Family == "") {
			t.Fatalf("accepted %+v", m)
		}
	})
}
