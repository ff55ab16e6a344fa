package grid

import (
	"fmt"
	"slices"
	"strings"

	"servegrid/jobs"
)

// WorkloadsPerShard is the most workloads that one shard scores. Large enough
// that compiling a plan and making files are small parts of a shard (with a quarter
// of it the files of a "keep: all" sweep took as long as their rows), small enough
// that a killed run loses little. The cut is part of the shards' keys: changing it
// makes every stored shard of a longer list obsolete.
const WorkloadsPerShard = 128

// Space is the cartesian space of one sweep. It is immutable and safe for
// concurrent use.
type Space struct {
	combos    []Combo
	workloads []jobs.Workload
	gpus      []int
}

// Shard is a unit of work: one combination with a slice of the workloads.
// Workloads and GPUs are shared between shards and must not be changed.
type Shard struct {
	Index     int // position in [Space.Shards]
	Combo     Combo
	Slice     int // number of the workload slice, from 0
	Workloads []jobs.Workload
	GPUs      []int // GPU budgets, ascending
}

// New lays out the space of a spec, which it copies. The function versions
// returns the installed versions of a system and backend, oldest first, or none;
// it must return the same on every call.
//
// With versions "all" a system and backend contribute each installed version,
// with "latest" the newest, with explicit names those that are installed. Where
// that leaves nothing they still contribute one combination, of version "" or
// the first name asked for, so that coverage can say that there is no data.
func New(spec *jobs.Spec, versions func(system, backend string) []string) *Space {
	return &Space{
		combos:    combosOf(spec, versions),
		workloads: slices.Clone(spec.Workloads),
		gpus:      slices.Clone(spec.GPUs),
	}
}

// Combos returns the combinations in the order of their shards.
func (s *Space) Combos() []Combo { return slices.Clone(s.combos) }

// Shards returns all shards in an order that depends only on the spec and the
// installed versions: by model, system, backend, version (oldest first), slice
// of the workloads in file order.
func (s *Space) Shards() []Shard {
	var out []Shard
	for _, c := range s.combos {
		slice := 0
		for w := range slices.Chunk(s.workloads, WorkloadsPerShard) {
			out = append(out, Shard{Index: len(out), Combo: c, Slice: slice, Workloads: w, GPUs: s.gpus})
			slice++
		}
	}
	return out
}

// Name describes the shard for progress and errors, such as
// "Qwen/Qwen3-32B-FP8 on h200_sxm, vllm 0.12.0". Slices after the first say
// which part they are, counted from 1.
func (s Shard) Name() string {
	var b strings.Builder
	c := s.Combo
	fmt.Fprintf(&b, "%s on %s", c.Model, c.System)
	if c.DecodeSystem != c.System {
		fmt.Fprintf(&b, " and %s", c.DecodeSystem)
	}
	if fmt.Fprintf(&b, ", %s", c.Backend); c.Version != "" {
		fmt.Fprintf(&b, " %s", c.Version)
	}
	if s.Slice > 0 {
		fmt.Fprintf(&b, ", part %d", s.Slice+1)
	}
	return b.String()
}
