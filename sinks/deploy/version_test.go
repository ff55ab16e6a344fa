package deploy

import (
	"strings"
	"testing"
)

func TestRuntime(t *testing.T) {
	for _, c := range []struct {
		backend, data  string
		o              RuntimeOptions
		image, dialect string
		note           string
	}{
		{vLLM, "0.12.0", RuntimeOptions{}, "vllm-runtime:0.8.0", "0.12.0", ""},
		{trtLLM, "1.2.0rc5", RuntimeOptions{}, "tensorrtllm-runtime:0.8.0", "1.2.0rc5", "carries 1.2.0rc6.post1"},
		{trtLLM, "1.0.0rc3", RuntimeOptions{}, "tensorrtllm-runtime:0.6.0", "1.0.0rc3", "carries 1.1.0rc5"},
		{trtLLM, "1.0.0", RuntimeOptions{}, "tensorrtllm-runtime:0.6.0", "1.0.0rc7", "carries 1.1.0rc5"},
		{trtLLM, "1.0.0rc6", RuntimeOptions{}, "tensorrtllm-runtime:0.6.0", "1.0.0rc4", "carries 1.1.0rc5"},
		{sgLang, "0.5.6.post2", RuntimeOptions{}, "sglang-runtime:0.8.0", "0.5.6.post2", ""},
		{sgLang, "0.5.5.post3", RuntimeOptions{}, "sglang-runtime:0.8.0", "0.5.5.post3", "carries 0.5.6.post2"},
		{vLLM, "unmeasured", RuntimeOptions{}, "vllm-runtime:0.8.0", "0.12.0", ""},
		{vLLM, "0.12.0", RuntimeOptions{DynamoVersion: "1.0.0"}, "vllm-runtime:1.0.0", "0.16.0", "carries 0.16.0"},
		{trtLLM, "1.2.0rc5", RuntimeOptions{ConfigVersion: "1.0.0rc3"}, "tensorrtllm-runtime:0.6.0", "1.0.0rc3", "carries 1.1.0rc5"},
		{trtLLM, "1.2.0rc5", RuntimeOptions{ConfigVersion: "1.0.0rc3", DynamoVersion: "0.7.0"}, "tensorrtllm-runtime:0.7.0", "1.0.0rc3", "carries 1.2.0rc2"},
		{vLLM, "0.99.0", RuntimeOptions{}, "vllm-runtime:1.3.0", "0.99.0", "carries 0.24.0"},
	} {
		r, err := newRuntime(c.backend, c.data, c.o)
		if err != nil {
			t.Errorf("%s %s: %v", c.backend, c.data, err)
			continue
		}
		if !strings.HasSuffix(r.Image, "/"+c.image) || r.Dialect != c.dialect {
			t.Errorf("%s %s %+v: image %s, dialect %s; want %s, %s", c.backend, c.data, c.o, r.Image, r.Dialect, c.image, c.dialect)
		}
		if (r.Note == "") != (c.note == "") || !strings.Contains(r.Note, c.note) {
			t.Errorf("%s %s %+v: note %q, want %q", c.backend, c.data, c.o, r.Note, c.note)
		}
	}
	for _, o := range []RuntimeOptions{{ConfigVersion: "newest"}, {DynamoVersion: "9.9.9"}} {
		if _, err := newRuntime(vLLM, "0.12.0", o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestVersionOrder(t *testing.T) {
	rising := []string{"0.20.0", "1.0.0rc3", "1.0.0rc6", "1.0.0", "1.1.0rc5", "1.2.0rc5", "1.2.0rc6", "1.2.0rc6.post1", "1.2.0"}
	for i := 1; i < len(rising); i++ {
		if mustVersion(rising[i-1]).compare(mustVersion(rising[i])) >= 0 {
			t.Errorf("%s is not before %s", rising[i-1], rising[i])
		}
	}
}

// TensorRT-LLM's file in each of its forms.
func TestDialects(t *testing.T) {
	for version, want := range map[string]struct{ has, lacks []string }{
		"0.20.0":   {[]string{"backend: pytorch", "\nmax_batch_size: 1", "kv_cache_config:"}, []string{"cuda_graph_config", "cache_transceiver_config", "overlap", "build_config"}},
		"1.0.0rc3": {[]string{"\nkv_cache_dtype: fp8", "build_config:\n  max_batch_size: 1"}, []string{"cache_transceiver_config", "\n  dtype:"}},
		"1.0.0rc5": {[]string{"backend: default\n", "build_config:\n  max_batch_size: 1", "\n  dtype: fp8"}, []string{"\nkv_cache_dtype"}},
		"1.0.0":    {[]string{"backend: DEFAULT\n", "build_config:\n  max_batch_size: 1"}, nil},
		"1.2.0rc5": {[]string{"backend: DEFAULT\n", "\nmax_batch_size: 1", "max_tokens_in_buffer: 5024", "\n  dtype: fp8"}, []string{"build_config"}},
	} {
		p, err := Resolve(trtDisagg(), nil, RuntimeOptions{ConfigVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.engineFile(&p.Roles[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range want.has {
			if !strings.Contains(string(b), s) {
				t.Errorf("%s lacks %q:\n%s", version, s, b)
			}
		}
		for _, s := range want.lacks {
			if strings.Contains(string(b), s) {
				t.Errorf("%s has %q:\n%s", version, s, b)
			}
		}
	}
}
