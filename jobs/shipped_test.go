package jobs

import (
	"slices"
	"testing"
)

func TestShippedSpecsParse(t *testing.T) {
	names := ShippedNames()
	if !slices.Contains(names, "demo") {
		t.Fatalf("no demo among %v", names)
	}
	for _, name := range names {
		src, ok := Shipped(name)
		if !ok {
			t.Fatalf("%s is listed but not there", name)
		}
		s, err := Parse(name+".yaml", src, testKnown())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s.Name != name {
			t.Errorf("%s calls itself %s", name, s.Name)
		}
		reparse(t, s)
	}
	if _, ok := Shipped("../shipped"); ok {
		t.Error("a path outside is found")
	}
}

// The documentation's examples ask about this workload and SLA.
func TestDemo(t *testing.T) {
	src, _ := Shipped("demo")
	s := mustParse(t, string(src))
	if n := len(s.Workloads); n != 24 {
		t.Errorf("%d workloads, want 24", n)
	}
	if !slices.Contains(s.Workloads, Workload{4000, 500, 0}) || !slices.Contains(s.GPUs, 8) ||
		!slices.Contains(s.TTFT, 600) || !slices.Contains(s.TPOT, 16.67) {
		t.Errorf("the documented question is not in the demo: %+v", s)
	}
}
