package jobs

import (
	"errors"
	"testing"
)

// FuzzParse checks that no file brings Parse down, that every error is a
// *Mistake with a line, and that what parses survives a round trip.
func FuzzParse(f *testing.F) {
	demo, _ := Shipped("demo")
	f.Add(demo)
	for _, s := range []string{
		least, noWorkload, "",
		least + "ttft: [1, {from: 1, to: 10, factor: 1.5}, .inf, 0x1F, 1_0.5]\n",
		least + "name: '1.0'\nwarehouse: \"a\\u00e9 #b: c\"\nversions: [0.12.0]\n",
		noWorkload + "workloads: [&w {isl: 9, osl: 9, prefix: 1}, *w]\nkeep: all\n",
		"&a {models: *a, systems: [*a], backends: !!binary aGk=, <<: *a}\n",
		"gpus: !!int x\nisl: !!float 3\nosl: {from: 1, to: 5, step: .nan}\n---\n...\n",
		"? {a: b}\n: [c]\nmodels: |\n  x\n  y\n# end\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		s, err := Parse("fuzz.yaml", src, testKnown())
		if err == nil {
			reparse(t, s)
			return
		}
		var m *Mistake
		if !errors.As(err, &m) || m.Line < 1 {
			t.Fatalf("not a mistake with a line: %v", err)
		}
	})
}
