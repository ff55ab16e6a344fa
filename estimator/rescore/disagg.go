package rescore

import (
	"math"
	"sync"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
)

// laxer is the factor on the limits under which the reference search names the
// deployments that are worth a simulation: its estimates of TTFT are off by half.
const laxer = 4

// NewDisagg prepares the deployments of prefill and decode workers that the reference
// search names for the task under laxer limits; every pair of workers with its best
// numbers where the task is exhaustive.
func NewDisagg(t *search.Task, constants *calibrate.Set) *Search {
	s := &Search{task: t, mode: search.Disagg}
	named := search.SearchDisagg(lax(t))
	s.dropped = named.Dropped
	if s.err = named.Err; s.err != nil {
		return s
	}
	engines := engines{constants: constants, of: map[*estimator.Plan]func() (*calibrate.Engine, error){}}
	seen := map[deployment]bool{}
	for i := range named.Rows {
		r := &named.Rows[i]
		d := deployment{r.Prefill.Plan, r.Decode.Plan, r.PrefillWorkers, r.DecodeWorkers, r.Prefill.BatchSize}
		if !seen[d] {
			seen[d] = true
			s.replicas = append(s.replicas, &disaggregated{d, engines.get(d.prefill), engines.get(d.decode)})
		}
	}
	return s
}

// lax returns the task under laxer limits.
func lax(t *search.Task) *search.Task {
	out := *t
	out.Limits.TTFT *= laxer
	out.Limits.RequestLatency *= laxer
	if out.Limits.TTFT == 0 && out.Limits.RequestLatency == 0 {
		out.Limits.TTFT = math.MaxFloat32
	}
	return &out
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
