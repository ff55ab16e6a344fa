package calibrate

import (
	_ "embed"
	"encoding/csv"
	"strconv"
	"strings"
	"sync"
)

// deploymentsCSV holds the settings that the engines of the shipped measurements ran
// with, where they differ from the engine's own. The first line that fits a
// measurement speaks for it: * and an empty cell fit all, tp_below and
// concurrency_from bound the tensor parallel size and the concurrency. Negative slots
// are that many less than there are requests in flight. Source: the public scripts
// of SemiAnalysisAI/InferenceX (Apache-2.0), named in the last column.
//
//go:embed data/deployments.csv
var deploymentsCSV string

type deployment struct {
	run, backend, architecture, system, precision string

	isl, osl, tpBelow, concurrencyFrom int // 0 = any

	stepTokens, slots, waitSteps, receiveSteps int
	waitShare                                  float64 // of the tokens of a step
}

// deployments reads them once.
var deployments = sync.OnceValue(func() []deployment {
	rows, err := csv.NewReader(strings.NewReader(deploymentsCSV)).ReadAll()
	if err != nil {
		panic("calibrate: data/deployments.csv: " + err.Error())
	}
	number := func(s string) float64 {
		if s == "" {
			return 0
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			panic("calibrate: data/deployments.csv: " + err.Error())
		}
		return v
	}
	integer := func(s string) int { return int(number(s)) }
	var all []deployment
	for _, r := range rows[1:] {
		all = append(all, deployment{
			run: r[0], backend: r[1], architecture: r[2], system: r[3], precision: r[4],
			isl: integer(r[5]), osl: integer(r[6]), tpBelow: integer(r[7]), concurrencyFrom: integer(r[8]),
			stepTokens: integer(r[9]), slots: integer(r[10]), waitSteps: integer(r[11]), waitShare: number(r[12]), receiveSteps: integer(r[13]),
		})
	}
	return all
})

// inferenceX is the run whose scripts are public.
const inferenceX = "InferenceX"

// published reports whether a measurement is of InferenceX's runs. NVIDIA's gap
// analyses of single models hold the same figures, rounded.
func published(m *Measurement) bool {
	return strings.Contains(m.Source, inferenceX) || strings.HasSuffix(m.Source, "-gap-analysis.csv")
}

// fits reports whether a deployment is that of a measurement.
func (d *deployment) fits(m *Measurement, architecture string, tp int) bool {
	text := func(want, have string) bool { return want == "*" || want == have }
	number := func(want, have int) bool { return want == 0 || want == have }
	run := strings.HasSuffix(m.Source, d.run)
	if d.run == inferenceX {
		run = published(m)
	}
	return run && d.backend == m.Backend && d.architecture == architecture && text(d.system, m.System) && text(d.precision, m.Precision) &&
		number(d.isl, m.ISL) && number(d.osl, m.OSL) && (d.tpBelow == 0 || tp < d.tpBelow) && m.Concurrency >= d.concurrencyFrom
}

// asDeployed changes a schedule to the settings that a measurement was made with.
func (s *Schedule) asDeployed(m *Measurement, architecture string, tp, inFlight int) {
	all := deployments()
	for i := range all {
		d := &all[i]
		if !d.fits(m, architecture, tp) {
			continue
		}
		if d.stepTokens > 0 {
			s.TokenBudget = d.stepTokens
		}
		s.MaxSequences = d.slots
		if d.slots < 0 {
			s.MaxSequences = max(1, inFlight+d.slots)
		}
		s.WaitSteps, s.WaitTokens = d.waitSteps, int(d.waitShare*float64(d.stepTokens))
		s.ReceiveSteps = d.receiveSteps
		return
	}
}
