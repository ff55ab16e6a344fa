package pipeline

import (
	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/rescore"
	"servegrid/estimator/search"
	"servegrid/jobs"
)

// pricer scores the aggregated candidates of a layout with the estimator that a sweep
// asks for.
type pricer struct {
	spec      *jobs.Spec
	constants *calibrate.Set // of the calibrated estimator; nil: the reference scores
	simulated map[*estimator.Plan]simulatedWorker
}

type simulatedWorker struct {
	*rescore.Worker
	err error
}

func newPricer(spec *jobs.Spec) pricer {
	p := pricer{spec: spec, constants: constantsOf(spec)}
	p.forget()
	return p
}

// constantsOf are those of a sweep by the calibrated estimator, nil of another.
func constantsOf(spec *jobs.Spec) *calibrate.Set {
	if spec.Estimator != jobs.EstimatorCalibrated {
		return nil
	}
	s, err := calibrate.ShippedSet()
	if err != nil {
		panic("pipeline: constants that come with the program: " + err.Error()) // a test reads them
	}
	return s
}

// forget drops what belongs to the plans of a combination.
func (p *pricer) forget() { p.simulated = map[*estimator.Plan]simulatedWorker{} }

// cuts reports whether what is scored may be fewer candidates than were listed.
func (p *pricer) cuts() bool { return p.constants != nil || p.spec.Search == jobs.SearchReference }

// list fills points with the candidates of every layout.
func (p *pricer) list(w estimator.Workload, points *estimator.AggPoints) {
	points.Reset()
	if p.constants == nil {
		search.AppendAgg(points, w.ISL)
		return
	}
	for _, b := range search.AggBatches {
		points.Append(b, w.ISL)
	}
}

// count counts what is listed for an ISL; known holds what was counted.
func (p *pricer) count(known map[int]int64, isl int) int64 {
	if p.constants != nil {
		return int64(len(search.AggBatches))
	}
	n, ok := known[isl]
	if !ok {
		n = int64(search.CountAgg(isl))
		known[isl] = n
	}
	return n
}

// price scores the listed candidates of a layout, or those of them that are worth it.
func (p *pricer) price(lp *search.LayoutPlan, w estimator.Workload, points *estimator.AggPoints) error {
	if p.constants != nil {
		return p.simulate(lp, w, points)
	}
	if err := lp.Plan.ScoreAgg(w, points); err != nil || !p.cuts() {
		return err
	}
	// Only what the reference search evaluates.
	visited, err := search.Visit(points, w)
	if err == nil {
		points.Select(visited)
	}
	return err
}

func (p *pricer) simulate(lp *search.LayoutPlan, w estimator.Workload, points *estimator.AggPoints) error {
	k, ok := p.simulated[lp.Plan]
	if !ok {
		k.Worker, k.err = rescore.NewWorker(lp.Plan, p.constants)
		p.simulated[lp.Plan] = k
	}
	if k.err != nil {
		return k.err
	}
	return k.Score(w, points)
}
