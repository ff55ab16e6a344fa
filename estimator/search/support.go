package search

import (
	"fmt"
	"strings"

	"servegrid/estimator"
)

// The words of coverage: whether a combination can be served at all, and why
// not. The rule for a combination is [Support]'s; a sweep uses the same words for
// single layouts.
const (
	StatusSupported = "supported" // a layout has a result that fits in memory; of disaggregated serving on both sides
	StatusNoFit     = "no_fit"    // layouts can be scored, and none fits in memory
	StatusNoData    = "no_data"   // layouts cannot be scored for want of measurements
	StatusRefused   = "refused"   // nothing is tried: no tables, or not for the formats chosen
)

// Support is the verdict on one way of serving a model on a database.
type Support struct {
	Mode   string // Agg or Disagg
	Status string
	Reason string // why it is not supported

	// Worker layouts that were tried, and what became of them. Disaggregated
	// serving counts prefill and decode layouts both.
	Layouts, OK, OutOfMemory, Failed int

	Quant estimator.Quant // formats chosen; zero when refused
}

// Supported reports whether the way of serving has any result.
func (s *Support) Supported() bool { return s.Status == StatusSupported }

// What support is judged by: one sequence on every worker layout, at no latency
// limit.
// Source: the probe behind the recorded support matrix of AIConfigurator 0.6.0.
var probeWorkload = estimator.Workload{ISL: 1024, OSL: 128}

const (
	probeBatch = 1
	probeGPUs  = 8 // largest aggregated worker
)

// Support judges both ways of serving a model on a database with everything at
// its default. A database that cannot be opened is refused.
func (c *Catalog) Support(m *estimator.Model, system, backend, version string) []Support {
	db, err := c.tables.Open(system, backend, version)
	if err != nil {
		return []Support{Refused(Agg, err), Refused(Disagg, err)}
	}
	return NewTask(m, db).Support()
}

// Support judges both ways of serving the task's model on its databases, in its
// formats. Its GPUs, workload and limits play no part.
func (t *Task) Support() []Support { return []Support{t.supportAgg(), t.supportDisagg()} }

// Refused is the verdict on a way of serving of which nothing can be tried.
func Refused(mode string, err error) Support {
	return Support{Mode: mode, Status: StatusRefused, Reason: err.Error()}
}

func (t *Task) supportAgg() Support {
	config := t.config(AggRole)
	if err := estimator.CheckQuant(&config, true, true); err != nil {
		return Refused(Agg, err)
	}
	p := probe(config, AggRole, func(plan *estimator.Plan) (float64, error) { return probeAgg(plan, probeWorkload) })
	s := Support{Mode: Agg, Status: p.status(), Quant: config.Quant}
	s.add(&p)
	if !s.Supported() {
		s.Reason = p.reason()
	}
	return s
}

func (t *Task) supportDisagg() Support {
	configs := [...]estimator.Config{t.config(PrefillRole), t.config(DecodeRole)}
	for i := range configs {
		if err := estimator.CheckQuant(&configs[i], i == 0, i == 1); err != nil {
			return Refused(Disagg, err)
		}
	}
	prefill := probe(configs[0], PrefillRole, probePrefill)
	decode := probe(configs[1], DecodeRole, probeDecode)
	s := Support{Mode: Disagg, Quant: configs[0].Quant}
	s.add(&prefill)
	s.add(&decode)
	s.Status, s.Reason = bothSides(&prefill, &decode)
	return s
}

// bothSides is the verdict on disaggregated serving. Where both sides fail, one
// that surely does not fit decides: data for the other would not help.
func bothSides(prefill, decode *probed) (status, reason string) {
	p, d := prefill.status(), decode.status()
	switch {
	case p == StatusSupported && d == StatusSupported:
		return StatusSupported, ""
	case d == StatusSupported:
		return p, "prefill: " + prefill.reason()
	case p == StatusSupported:
		return d, "decode: " + decode.reason()
	}
	if status = StatusNoData; p == StatusNoFit || d == StatusNoFit {
		status = StatusNoFit
	}
	if r := prefill.reason(); r == decode.reason() {
		return status, "prefill and decode: " + r
	}
	return status, "prefill: " + prefill.reason() + "; decode: " + decode.reason()
}

func (s *Support) add(p *probed) {
	s.Layouts += p.layouts
	s.OK += p.ok
	s.OutOfMemory += p.oom
	s.Failed += p.failed
}

// probed counts what became of the layouts of one role.
type probed struct {
	layouts, ok, oom, failed int

	smallest NoFitError // the least memory that a layout which does not fit needs
	first    error      // the first failure
}

// probe tries every layout of a role. try returns the GiB that a worker needs
// for one sequence, or why it has no figures.
func probe(config estimator.Config, role Role, try func(*estimator.Plan) (float64, error)) probed {
	var p probed
	for _, layout := range Layouts(&config, role) {
		if role == AggRole && layout.GPUs() > probeGPUs {
			continue
		}
		p.layouts++
		config.Layout = layout
		plan, err := estimator.Compile(config)
		need := 0.0
		if err == nil {
			need, err = try(plan)
		}
		switch {
		case err != nil:
			if p.failed++; p.first == nil {
				p.first = fmt.Errorf("%s: %w", layout.Short(config.Model.IsMoE()), err)
			}
		case plan.Fits(need):
			p.ok++
		default:
			if p.oom++; p.oom == 1 || need < p.smallest.Need {
				p.smallest = NoFitError{Need: need, Have: plan.CapacityGiB()}
			}
		}
	}
	return p
}

// status is the verdict on one role. A layout that cannot be scored might fit,
// so that one is enough for [StatusNoData].
func (p *probed) status() string {
	switch {
	case p.ok > 0:
		return StatusSupported
	case p.failed > 0:
		return StatusNoData
	}
	return StatusNoFit
}

// reason says why no layout works.
func (p *probed) reason() string {
	var parts []string
	if p.oom > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d worker layouts do not fit in memory, the smallest %s", p.oom, p.layouts, &p.smallest))
	}
	if p.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d worker layouts cannot be scored, the first is %s", p.failed, p.layouts, p.first))
	}
	return strings.Join(parts, "; ")
}

// probeAgg, probePrefill and probeDecode score one sequence on a worker and
// return the GiB that it needs.

func probeAgg(plan *estimator.Plan, w estimator.Workload) (float64, error) {
	var pts estimator.AggPoints
	pts.Append(probeBatch, w.ISL)
	if err := plan.ScoreAgg(w, &pts); err != nil {
		return 0, err
	}
	if pts.Status[0] == estimator.NoData {
		return 0, fmt.Errorf("batch %d with %d context tokens is beyond the tables", probeBatch, w.ISL)
	}
	return pts.MemoryGiB[0], nil
}

func probePrefill(plan *estimator.Plan) (float64, error) {
	pt, err := plan.Prefill(probeBatch, probeWorkload, DefaultTuning.PrefillCorrection)
	return pt.MemoryGiB, err
}

func probeDecode(plan *estimator.Plan) (float64, error) {
	column, err := plan.Decode(probeWorkload, DefaultTuning.DecodeCorrection)
	if err != nil {
		return 0, err
	}
	pt, err := column.At(probeBatch)
	return pt.MemoryGiB, err
}

// LargestContext returns the longest input, of the powers of two up to the
// model's longest context, for which one sequence fits on an aggregated worker
// and is covered by the tables, its input computed in one step; and the smallest
// layout that takes it. It is 0 when there is none.
func (t *Task) LargestContext() (isl int, layout estimator.Layout) {
	config := t.config(AggRole)
	if estimator.CheckQuant(&config, true, true) != nil {
		return 0, layout
	}
	for _, l := range Layouts(&config, AggRole) {
		if l.GPUs() > probeGPUs {
			continue
		}
		config.Layout = l
		plan, err := estimator.Compile(config)
		if err != nil {
			continue
		}
		for n := 1; n <= t.Model.MaxPositions; n *= 2 {
			if n < isl || n == isl && l.GPUs() >= layout.GPUs() {
				continue
			}
			need, err := probeAgg(plan, estimator.Workload{ISL: n, OSL: probeWorkload.OSL})
			if err == nil && plan.Fits(need) {
				isl, layout = n, l
			}
		}
	}
	return isl, layout
}
