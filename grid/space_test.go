package grid

import (
	"reflect"
	"slices"
	"testing"

	"servegrid/jobs"
)

var tables = map[string][]string{
	"h200/vllm":   {"0.9.0", "0.10.0", "0.12.0"}, // oldest first is not the order of text
	"h200/trtllm": {"1.0.0rc3"},
	"h100/vllm":   {"0.10.0"},
}

func installed(system, backend string) []string { return tables[system+"/"+backend] }

func spec(versions ...string) *jobs.Spec {
	return &jobs.Spec{
		Models:       []string{"m/b", "m/a"},
		Systems:      []string{"h200", "h100"},
		Backends:     []string{"vllm", "trtllm"},
		Versions:     versions,
		GPUs:         []int{8, 16},
		Workloads:    workloads(2),
		ServingModes: []string{jobs.ModeAgg, jobs.ModeDisagg},
		Keep:         jobs.KeepUseful,
		Estimator:    jobs.EstimatorReference,
		Search:       jobs.SearchExhaustive,
		DatabaseMode: jobs.DatabaseSilicon,
	}
}

func workloads(n int) []jobs.Workload {
	out := make([]jobs.Workload, n)
	for i := range out {
		out[i] = jobs.Workload{ISL: 1000 + i, OSL: 100}
	}
	return out
}

func TestVersionsOfCombos(t *testing.T) {
	for _, c := range []struct {
		name     string
		versions []string
		want     []string // of the first model
	}{
		{"all", []string{"all"}, []string{
			"h200 vllm 0.9.0", "h200 vllm 0.10.0", "h200 vllm 0.12.0", "h200 trtllm 1.0.0rc3",
			"h100 vllm 0.10.0", "h100 trtllm "}},
		{"latest", []string{"latest"}, []string{
			"h200 vllm 0.12.0", "h200 trtllm 1.0.0rc3", "h100 vllm 0.10.0", "h100 trtllm "}},
		{"one", []string{"0.10.0"}, []string{
			"h200 vllm 0.10.0", "h200 trtllm 0.10.0", "h100 vllm 0.10.0", "h100 trtllm 0.10.0"}},
		{"some, newest asked for first", []string{"0.12.0", "0.9.0", "1.0.0rc3"}, []string{
			"h200 vllm 0.9.0", "h200 vllm 0.12.0", "h200 trtllm 1.0.0rc3", "h100 vllm 0.12.0", "h100 trtllm 0.12.0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			combos := New(spec(c.versions...), installed).Combos()
			var got []string
			for i, o := range combos {
				if o.DecodeSystem != o.System {
					t.Errorf("%+v: decode system differs", o)
				}
				if want := []string{"m/b", "m/a"}[i*2/len(combos)]; o.Model != want {
					t.Errorf("combo %d is of model %s, want %s", i, o.Model, want)
				}
				if o.Model == "m/b" {
					got = append(got, o.System+" "+o.Backend+" "+o.Version)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestShards(t *testing.T) {
	for _, c := range []struct{ n, slices, last int }{
		{1, 1, 1}, {127, 1, 127}, {128, 1, 128}, {129, 2, 1}, {256, 2, 128}, {400, 4, 16},
	} {
		s := spec("latest")
		s.Workloads = workloads(c.n)
		space := New(s, installed)
		shards := space.Shards()
		if want := c.slices * len(space.Combos()); len(shards) != want {
			t.Fatalf("%d workloads: %d shards, want %d", c.n, len(shards), want)
		}
		var seen []jobs.Workload
		for i, sh := range shards {
			if sh.Index != i || sh.Slice != i%c.slices || sh.Combo != space.Combos()[i/c.slices] {
				t.Errorf("%d workloads: shard %d is out of order: %+v", c.n, i, sh)
			}
			if !slices.Equal(sh.GPUs, s.GPUs) {
				t.Errorf("shard %d: GPUs %v", i, sh.GPUs)
			}
			if i < c.slices {
				seen = append(seen, sh.Workloads...)
			}
		}
		if !slices.Equal(seen, s.Workloads) {
			t.Errorf("%d workloads: the slices hold %v", c.n, seen)
		}
		if got := len(shards[len(shards)-1].Workloads); got != c.last {
			t.Errorf("%d workloads: last slice has %d, want %d", c.n, got, c.last)
		}
	}
}

func TestSpaceIsACopy(t *testing.T) {
	s := spec("all")
	space := New(s, installed)
	before := space.Shards()
	s.Models[0], s.Workloads[0].ISL, s.GPUs[0] = "changed", 1, 1
	space.Combos()[0].Model = "changed"
	_ = append(before[0].Workloads, jobs.Workload{}) // must not reach the next slice
	if !reflect.DeepEqual(before, space.Shards()) || before[0].Combo.Model == "changed" || before[0].GPUs[0] == 1 {
		t.Error("the space changed with its spec")
	}
}

func TestShardName(t *testing.T) {
	c := Combo{"Qwen/Qwen3-32B-FP8", "h200_sxm", "h200_sxm", "vllm", "0.12.0"}
	noTables := c
	noTables.Version = ""
	mixed := c
	mixed.DecodeSystem = "h100_sxm"
	for _, x := range []struct {
		shard Shard
		want  string
	}{
		{Shard{Combo: c}, "Qwen/Qwen3-32B-FP8 on h200_sxm, vllm 0.12.0"},
		{Shard{Combo: c, Slice: 1}, "Qwen/Qwen3-32B-FP8 on h200_sxm, vllm 0.12.0, part 2"},
		{Shard{Combo: noTables}, "Qwen/Qwen3-32B-FP8 on h200_sxm, vllm"},
		{Shard{Combo: mixed}, "Qwen/Qwen3-32B-FP8 on h200_sxm and h100_sxm, vllm 0.12.0"},
	} {
		if got := x.shard.Name(); got != x.want {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
}

// The installed versions come from a map; its order must not show.
func TestOrderIsStable(t *testing.T) {
	first := New(spec("all"), installed).Shards()
	for range 20 {
		shuffled := make(map[string][]string)
		for k, v := range tables {
			shuffled[k] = slices.Clone(v)
		}
		again := New(spec("all"), func(s, b string) []string { return shuffled[s+"/"+b] }).Shards()
		if !reflect.DeepEqual(first, again) {
			t.Fatal("the order of shards changed")
		}
	}
}
