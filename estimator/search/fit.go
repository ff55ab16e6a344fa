package search

import "math"

// LeastGPUs is the size of the smallest replica that fits in memory, whatever the
// GPU budget and the latency limits; 0 when none does.
func (t *Task) LeastGPUs(mode string) int {
	free := *t
	free.Limits, free.Exhaustive, free.TotalGPUs = Limits{}, true, math.MaxInt32
	if mode == Agg {
		least := 0
		for _, r := range SearchAgg(&free).Rows {
			if least == 0 || r.ReplicaGPUs < least {
				least = r.ReplicaGPUs
			}
		}
		return least
	}
	sum := 0
	for _, role := range []Role{PrefillRole, DecodeRole} {
		workers, _, err := free.workers(role)
		if err != nil {
			return 0
		}
		least := workers[0].GPUs
		for _, w := range workers {
			least = min(least, w.GPUs)
		}
		sum += least
	}
	return sum
}
