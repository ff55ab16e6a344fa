package calibrate

import (
	"cmp"
	"fmt"
	"math"

	"servegrid/estimator"
)

// Like names what an answer is about, to find how far such answers have been off.
type Like struct{ Mode, System, Backend, Architecture string }

// Architecture names what a model is: the same for every checkpoint of one.
func Architecture(m *estimator.Model) string {
	if m.Builtin == "" {
		return m.ID
	}
	return m.Builtin
}

// GPUSystem is the name that the tables have for the system of a measurement.
func (m *Measurement) GPUSystem() string { return cmp.Or(spelled[m.System], m.System) }

// KnownError is how far answers have been from measurements that no constant of theirs
// was fitted to; shares, as [Figure] has them.
type KnownError struct {
	Rows               int
	TPOT, TTFT         float64 // mean absolute errors
	TPOTBias, TTFTBias float64
	Of                 string // what the measurements have in common
}

// leastKnown is how many measurements of the same kind say something about the next.
const leastKnown = 5

// ErrorSum adds up how far one estimator's answers have been off from measurements of
// one kind.
type ErrorSum struct {
	Like
	Rows               int
	TPOT, TTFT         float64 // sums of absolute errors, as shares
	TPOTBias, TTFTBias float64
}

// SumErrors sums up the errors of an estimator, whose answers answer picks, by what
// they were about.
func SumErrors(stored []Judged, answer func(*Judged) Answer) (sums []ErrorSum) {
	at := map[Like]int{}
	for i := range stored {
		j := &stored[i]
		a := answer(j)
		if j.Suspect || math.IsNaN(a.TPOT) || math.IsNaN(a.TTFT) {
			continue
		}
		like := Like{j.Mode, j.GPUSystem(), j.Backend, j.Architecture}
		if _, ok := at[like]; !ok {
			at[like] = len(sums)
			sums = append(sums, ErrorSum{Like: like})
		}
		tpot, ttft := a.TPOT/j.TPOT-1, a.TTFT/j.TTFT-1
		sums[at[like]].add(&ErrorSum{Rows: 1, TPOT: math.Abs(tpot), TTFT: math.Abs(ttft), TPOTBias: tpot, TTFTBias: ttft})
	}
	return sums
}

func (e *ErrorSum) add(o *ErrorSum) {
	e.Rows += o.Rows
	e.TPOT, e.TTFT = e.TPOT+o.TPOT, e.TTFT+o.TTFT
	e.TPOTBias, e.TTFTBias = e.TPOTBias+o.TPOTBias, e.TTFTBias+o.TTFTBias
}

// Known looks up how far answers have been off: those about the same system, engine,
// model and way of serving where there are enough, else those about engine and model,
// else about the engine, else all of that way of serving. ok is false without any.
func Known(sums []ErrorSum, l Like) (e KnownError, ok bool) {
	levels := []struct {
		of   string
		same func(s *ErrorSum) bool
	}{
		{fmt.Sprintf("%s, %s and this model", l.System, l.Backend), func(s *ErrorSum) bool { return s.Like == l }},
		{l.Backend + " and this model on other systems", func(s *ErrorSum) bool { return s.Backend == l.Backend && s.Architecture == l.Architecture }},
		{l.Backend + " with other systems and models", func(s *ErrorSum) bool { return s.Backend == l.Backend }},
		{"other systems, engines and models", func(*ErrorSum) bool { return true }},
	}
	for _, level := range levels {
		var all ErrorSum
		for i := range sums {
			if s := &sums[i]; s.Mode == l.Mode && level.same(s) {
				all.add(s)
			}
		}
		if all.Rows >= leastKnown {
			n := float64(all.Rows)
			return KnownError{all.Rows, all.TPOT / n, all.TTFT / n, all.TPOTBias / n, all.TTFTBias / n, level.of}, true
		}
	}
	return KnownError{}, false
}
