package deploy

import (
	"strings"
	"testing"

	"servegrid/internal/deploytest"
)

// Whatever is set, it is refused in a message or gives files that decode.
func FuzzOverrides(f *testing.F) {
	for _, s := range []string{
		"Workers.agg.max_num_seqs=2048", "K8sConfig.name_prefix=-_-", "K8sConfig.extra_env={A: b}", "Workers.agg.extra_cli_args=[--x, y]",
		"BenchConfig.concurrency=[1, 2]", "K8sConfig.k8s_pvc_name=", "Workers.agg.extra_engine_args={seed: 1}", "ServiceConfig.model_path=it's \"a\" $model",
		"K8sConfig:\n  k8s_image: x\n", "Workers: {agg: {speculative_decoding_type: mtp}}", "a: &a [*a]\n", "DynConfig.mode: agg\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(*Overrides) error{
			func(o *Overrides) error { return o.Add("--generator-set", []string{text}) },
			func(o *Overrides) error { return o.addYAML("fuzz.yaml", []byte(text)) },
		} {
			var o Overrides
			if err := read(&o); err != nil {
				if strings.TrimSpace(err.Error()) == "" {
					t.Error("an empty message")
				}
				continue
			}
			for _, c := range []Choice{guideAgg(), trtDisagg(), sglangAgg()} {
				p, err := Resolve(c, &o, RuntimeOptions{})
				if err != nil {
					continue
				}
				files, err := p.Files("fuzz")
				if err != nil {
					t.Fatalf("%s: %v", c.Backend, err)
				}
				for _, file := range files {
					if strings.HasSuffix(file.Name, ".yaml") {
						if _, err := deploytest.Split(file.Content); err != nil {
							t.Fatalf("%s: %v\n%s", file.Name, err, file.Content)
						}
					}
				}
			}
		}
	})
}
