package pipeline

import (
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"servegrid/estimator/search"
	"servegrid/grid"
	"servegrid/internal/schema"
	"servegrid/jobs"
	"servegrid/sinks"
)

// Estimate is what a sweep would do.
type Estimate struct {
	Combinations int // model, system, backend and version
	Refused      int // combinations that nothing can be scored of
	Shards       int
	Done         int // shards that an earlier run has scored
	Counts       Counts
	Rows         int64 // at most, with everything kept
}

// Plan counts the work of a sweep without scoring anything. Candidates that turn
// out to be beyond the tables are counted, so the numbers are upper bounds. dir
// may be nil: then no shard counts as done.
func Plan(spec *jobs.Spec, catalog *search.Catalog, dir sinks.Store) (*Estimate, error) {
	e := &Estimate{Counts: Counts{Rows: map[string]int64{}}}
	prefillBatches := len(search.DefaultTuning.Batches(search.PrefillRole))
	decodeBatches := len(search.DefaultTuning.Batches(search.DecodeRole))
	pricer := newPricer(spec)
	points := map[int]int64{} // aggregated candidates of a layout, by ISL
	shards := resolve(spec, catalog)
	if dir != nil {
		var err error
		if e.Done, err = countDone(dir, shards); err != nil {
			return nil, err
		}
	}
	for _, s := range shards {
		e.Shards++
		if s.Slice == 0 {
			e.Combinations++
			if s.refused != nil {
				e.Refused++
			}
		}
		if s.refused != nil {
			continue
		}
		layouts := search.Layouts(&s.combo.Config, search.AggRole)
		for _, w := range s.Workloads {
			for _, mode := range spec.ServingModes {
				if mode == jobs.ModeAgg {
					e.Counts.AggPoints += int64(len(layouts)) * pricer.count(points, w.ISL)
					continue
				}
				e.Counts.PrefillWorkers += int64(len(layouts) * prefillBatches)
				e.Counts.DecodeWorkers += int64(len(layouts) * decodeBatches)
				for _, gpus := range spec.GPUs {
					for _, p := range layouts {
						for _, d := range layouts {
							if p.GPUs()+d.GPUs() <= gpus {
								e.Counts.DisaggPairs += int64(prefillBatches * decodeBatches)
							}
						}
					}
				}
			}
		}
	}
	e.Counts.Rows[schema.AggPoints.Name] = e.Counts.AggPoints
	e.Counts.Rows[schema.Workers.Name] = e.Counts.PrefillWorkers + e.Counts.DecodeWorkers
	e.Rows = e.Counts.TotalRows()
	return e, nil
}

// countDone counts the shards that an earlier run has scored: those with a receipt whose
// files are there with their sizes.
func countDone(dir sinks.Store, shards []shard) (int, error) {
	files, err := dir.List(shardsDir)
	if err != nil {
		return 0, err
	}
	sizes := map[string]int64{}
	for _, f := range files {
		sizes[f.Name] = f.Size
	}
	var done atomic.Int64
	var reading errgroup.Group
	reading.SetLimit(dir.AtOnce())
	for i := range shards {
		if _, ok := sizes[receiptName(shards[i].key)]; !ok {
			continue
		}
		reading.Go(func() error {
			r, err := readReceipt(dir, shards[i].key)
			if r != nil && r.present(sizes) {
				done.Add(1)
			}
			return err
		})
	}
	err = reading.Wait()
	return int(done.Load()), err
}

// CountShards returns how many shards a sweep has: the most processes that can share
// it with something to do for each.
func CountShards(spec *jobs.Spec, catalog *search.Catalog) int {
	return len(grid.New(spec, catalog.Versions).Shards())
}
