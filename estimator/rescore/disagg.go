package rescore

import (
	"sync"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
)

// fewDeployments are simulated without asking which are worth it.
const fewDeployments = 64

// NewDisagg prepares the deployments of prefill and decode workers that are worth a
// simulation: all that there are where they are few or the task is exhaustive, else
// those that the reference search names under several limits on TTFT, and those next
// to them.
func NewDisagg(t *search.Task, constants *calibrate.Set) *Search {
	s := &Search{task: t, mode: search.Disagg}
	all := *t
	all.Exhaustive, all.Limits = true, search.Limits{}
	pairs := search.SearchDisagg(&all)
	s.dropped = pairs.Dropped
	if s.err = pairs.Err; s.err != nil {
		return s
	}
	keep := deployments(t, pairs.Rows, func(search.Row, [2]int) bool { return true })
	if len(keep) > fewDeployments && !t.Exhaustive {
		keep = named(t)
	}
	engines := engines{constants: constants, of: map[*estimator.Plan]func() (*calibrate.Engine, error){}}
	for _, d := range keep {
		s.replicas = append(s.replicas, &disaggregated{d, engines.get(d.prefill), engines.get(d.decode)})
	}
	return s
}

// deployments lists those of the workers of rows, with all their numbers that keep
// wants.
func deployments(t *search.Task, rows []search.Row, keep func(r search.Row, counts [2]int) bool) []deployment {
	var list []deployment
	seen := map[deployment]bool{}
	for _, r := range rows {
		d := deployment{prefill: r.Prefill.Plan, decode: r.Decode.Plan, prompts: r.Prefill.BatchSize}
		for _, n := range t.WorkerCounts(d.prefill.Layout.GPUs(), d.decode.Layout.GPUs()) {
			d.prefillWorkers, d.decodeWorkers = n[0], n[1]
			if !seen[d] && keep(r, n) {
				seen[d] = true
				list = append(list, d)
			}
		}
	}
	return list
}

// named lists the deployments that the reference search names, and those next to them:
// up to two workers' GPUs go to the other role.
func named(t *search.Task) []deployment {
	var rows []search.Row
	for _, l := range namingLimits(t) {
		asked := *t
		asked.Limits = l
		rows = append(rows, search.SearchDisagg(&asked).Rows...)
	}
	return deployments(t, rows, func(r search.Row, n [2]int) bool {
		prefill, decode := r.Prefill.Plan.Layout.GPUs(), r.Decode.Plan.Layout.GPUs()
		return abs(n[0]-r.PrefillWorkers)*prefill+abs(n[1]-r.DecodeWorkers)*decode <= 2*max(prefill, decode)
	})
}

func abs(n int) int { return max(n, -n) }

// namingLimits are the limits under which the reference search names deployments. Its
// TTFT is off by half and knows no load, so that what meets a limit may be what it
// takes for twice as slow or twice as fast; the last is the laxest.
func namingLimits(t *search.Task) []search.Limits {
	l := t.Limits
	switch {
	case l.RequestLatency > 0: // it tries every TTFT that leaves time for decoding
		l.TTFT = 0
		l.RequestLatency *= 2
		return []search.Limits{l}
	}
	least, most := l.TTFT/2, 4*l.TTFT
	if l.TTFT <= 0 { // without a limit
		least, most = 50, 50*1024
	}
	var list []search.Limits
	for ttft := least; ttft <= most; ttft *= 2 {
		list = append(list, search.Limits{TTFT: ttft, TPOT: l.TPOT})
	}
	return list
}

// engines holds one engine of each plan, made when it is first asked for.
type engines struct {
	constants *calibrate.Set
	of        map[*estimator.Plan]func() (*calibrate.Engine, error)
}

func (e *engines) get(p *estimator.Plan) func() (*calibrate.Engine, error) {
	f, ok := e.of[p]
	if !ok {
		f = sync.OnceValues(func() (*calibrate.Engine, error) { return calibrate.NewEngine(p, e.constants, p.DB.Version) })
		e.of[p] = f
	}
	return f
}

// deployment is what workers run together.
type deployment struct {
	prefill, decode               *estimator.Plan
	prefillWorkers, decodeWorkers int
	prompts                       int // of a prefill step
}

// disaggregated is a deployment of prefill and decode workers.
type disaggregated struct {
	deployment
	prefillEngine, decodeEngine func() (*calibrate.Engine, error)
}

func (d *disaggregated) layout() estimator.Layout { return d.decode.Layout }

func (d *disaggregated) climb(w estimator.Workload, add func(search.Row) bool) error {
	prefill, err := d.prefillEngine()
	if err != nil {
		return err
	}
	decode, err := d.decodeEngine()
	if err != nil {
		return err
	}
	sequences := d.decode.Layout.DP * d.decodeWorkers
	return climb(func(b int) (search.Row, error) {
		f, err := calibrate.ForecastPair(calibrate.Workers{Engine: prefill, Count: d.prefillWorkers}, calibrate.Workers{Engine: decode, Count: d.decodeWorkers},
			d.prompts, calibrate.ClosedLoop(b*sequences, w))
		if err == nil && b*sequences > f.MostConcurrent {
			err = &calibrate.NoRoomError{Budget: f.Budget, ISL: w.ISL, OSL: w.OSL, Batch: b}
		}
		return d.row(w, b, &f), err
	}, add)
}

func (d *disaggregated) row(w estimator.Workload, b int, f *calibrate.Forecast) search.Row {
	gpus := d.prefillWorkers*d.prefill.Layout.GPUs() + d.decodeWorkers*d.decode.Layout.GPUs()
	r := row(search.Disagg, w, &f.Prediction, b*d.decode.Layout.DP*d.decodeWorkers, gpus)
	r.PrefillWorkers, r.DecodeWorkers = d.prefillWorkers, d.decodeWorkers
	r.Prefill = &search.Worker{Plan: d.prefill, BatchSize: d.prompts, SeqPerS: estimator.Round3(r.SeqPerS / float64(d.prefillWorkers))}
	r.Decode = &search.Worker{Plan: d.decode, BatchSize: b, SeqPerS: estimator.Round3(r.SeqPerS / float64(d.decodeWorkers))}
	for role, worker := range map[search.Role]*search.Worker{search.PrefillRole: r.Prefill, search.DecodeRole: r.Decode} {
		m := r.Memory(role, w)
		worker.MemoryGiB = estimator.Round3(m.Total())
	}
	return r
}
