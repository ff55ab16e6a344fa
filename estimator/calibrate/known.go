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

// Known looks up how far answers have been off: those about the same system, engine,
// model and way of serving where there are enough, else those about engine and model,
// else about the engine, else all of that way of serving. answer picks the estimator. ok is false without any.
func Known(stored []Judged, l Like, answer func(*Judged) Answer) (e KnownError, ok bool) {
	levels := []struct {
		of   string
		same func(j *Judged) bool
	}{
		{fmt.Sprintf("%s, %s and this model", l.System, l.Backend), func(j *Judged) bool {
			return j.GPUSystem() == l.System && j.Backend == l.Backend && j.Architecture == l.Architecture
		}},
		{l.Backend + " and this model on other systems", func(j *Judged) bool { return j.Backend == l.Backend && j.Architecture == l.Architecture }},
		{l.Backend + " with other systems and models", func(j *Judged) bool { return j.Backend == l.Backend }},
		{"other systems, engines and models", func(*Judged) bool { return true }},
	}
	for _, level := range levels {
		e := KnownError{Of: level.of}
		for i := range stored {
			j := &stored[i]
			a := answer(j)
			if j.Suspect || j.Mode != l.Mode || math.IsNaN(a.TPOT) || math.IsNaN(a.TTFT) || !level.same(j) {
				continue
			}
			e.Rows++
			tpot, ttft := a.TPOT/j.TPOT-1, a.TTFT/j.TTFT-1
			e.TPOT, e.TTFT = e.TPOT+math.Abs(tpot), e.TTFT+math.Abs(ttft)
			e.TPOTBias, e.TTFTBias = e.TPOTBias+tpot, e.TTFTBias+ttft
		}
		if e.Rows >= leastKnown {
			for _, v := range []*float64{&e.TPOT, &e.TTFT, &e.TPOTBias, &e.TTFTBias} {
				*v /= float64(e.Rows)
			}
			return e, true
		}
	}
	return KnownError{}, false
}
