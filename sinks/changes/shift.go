package changes

import (
	"cmp"
	"fmt"
	"slices"
)

// Shift is one frontier that differs between two runs.
type Shift struct {
	Combination
	Workload

	Change     string  // down, up, mixed, lost or new
	Loss, Gain float64 // shares; 0 where nothing is
	LossAt     Move
	GainAt     Move
}

// Combination is what is served by what. DecodeSystem equals System unless hardware is
// mixed.
type Combination struct {
	Model        string `json:"model"`
	System       string `json:"system"`
	DecodeSystem string `json:"decode_system"`
	Backend      string `json:"backend"`
	Version      string `json:"version"`
	Mode         string `json:"mode"`
}

// Workload is a question about a combination: tokens, and the GPU budget.
type Workload struct {
	ISL    int64 `json:"isl"`
	OSL    int64 `json:"osl"`
	Prefix int64 `json:"prefix"`
	GPUs   int64 `json:"gpus"`
}

func (w Workload) String() string {
	prefix := ""
	if w.Prefix > 0 {
		prefix = fmt.Sprintf(" (%d cached)", w.Prefix)
	}
	return fmt.Sprintf("ISL %d%s, OSL %d, %s", w.ISL, prefix, w.OSL, count(int(w.GPUs), "GPU", "GPUs"))
}

// Move leads from a point of the first run's frontier to one of the second's; in tokens/s.
type Move struct {
	PerUserA float64 `json:"tokens_per_s_per_user_a"`
	PerUserB float64 `json:"tokens_per_s_per_user_b"`
	PerGPUA  float64 `json:"tokens_per_s_per_gpu_cluster_a"`
	PerGPUB  float64 `json:"tokens_per_s_per_gpu_cluster_b"`
}

// Extreme is the largest loss or gain of a combination, and where it is.
type Extreme struct {
	Share float64 `json:"share"` // 0.05: 5 %
	Workload
	Move
}

// Frontier sums up the frontiers of a combination that differ.
type Frontier struct {
	Combination

	// Numbers of workloads and GPU budgets. One that is up in one place and down in
	// another counts twice.
	Down      int `json:"down"`
	Up        int `json:"up"`
	Lost      int `json:"lost"`
	New       int `json:"new"`
	Regressed int `json:"regressed"` // lost, or down by more than the threshold

	Loss *Extreme `json:"loss,omitempty"`
	Gain *Extreme `json:"gain,omitempty"`
}

// sumUp groups shifts, which are in order of their combination. Regressions come first,
// then the largest losses, then the largest gains.
func sumUp(shifts []Shift, threshold float64) []Frontier {
	var all []Frontier
	for i := range shifts {
		s := &shifts[i]
		if len(all) == 0 || all[len(all)-1].Combination != s.Combination {
			all = append(all, Frontier{Combination: s.Combination})
		}
		all[len(all)-1].add(s, threshold)
	}
	slices.SortStableFunc(all, func(a, b Frontier) int {
		return cmp.Or(cmp.Compare(min(b.Regressed, 1), min(a.Regressed, 1)), cmp.Compare(b.Lost, a.Lost),
			cmp.Compare(b.Loss.share(), a.Loss.share()), cmp.Compare(b.Gain.share(), a.Gain.share()))
	})
	return all
}

func (f *Frontier) add(s *Shift, threshold float64) {
	switch s.Change {
	case "lost":
		f.Lost++
	case "new":
		f.New++
	}
	if s.Loss > 0 {
		f.Down++
	}
	if s.Gain > 0 {
		f.Up++
	}
	if s.Change == "lost" || s.Loss > threshold {
		f.Regressed++
	}
	if s.Loss > f.Loss.share() {
		f.Loss = &Extreme{s.Loss, s.Workload, s.LossAt}
	}
	if s.Gain > f.Gain.share() {
		f.Gain = &Extreme{s.Gain, s.Workload, s.GainAt}
	}
}

func (e *Extreme) share() float64 {
	if e == nil {
		return 0
	}
	return e.Share
}
