package estimator

import (
	"fmt"

	"servegrid/internal/suggest"
)

// Kind says which phases a static run has.
type Kind string

// The kinds of static runs: a fixed batch goes through its context phase, its
// decode steps, or both.
const (
	StaticBoth       Kind = "static"
	StaticContext    Kind = "static_ctx"
	StaticGeneration Kind = "static_gen"
)

// ParseKind returns the kind of that name.
func ParseKind(name string) (Kind, error) {
	kinds := []string{string(StaticBoth), string(StaticContext), string(StaticGeneration)}
	for _, k := range kinds {
		if k == name {
			return Kind(k), nil
		}
	}
	return "", suggest.Unknown("kind of static run", name, kinds)
}

// Static is the result of one static run.
type Static struct {
	Context, Generation float64 // ms; 0 for a phase that the run does not have
	TTFT, TPOT          float64 // ms
	RequestLatency      float64 // ms
	SeqPerS             float64
	TokensPerS          float64
	TokensPerSPerGPU    float64
	TokensPerSPerUser   float64
	Memory              Memory
	OutOfMemory         bool
}

// Static runs b sequences on each data-parallel rank. correction multiplies
// every latency; 1 leaves them as they are.
func (p *Plan) Static(kind Kind, b int, w Workload, correction float64) (Static, error) {
	if b < 1 {
		return Static{}, fmt.Errorf("batch is %d, want at least 1", b)
	}
	var s Static
	var err error
	if kind != StaticGeneration {
		if s.Context, err = p.Context(b, w); err != nil {
			return Static{}, err
		}
	}
	if kind != StaticContext {
		if s.Generation, err = p.Generation(b, w); err != nil {
			return Static{}, err
		}
	}
	s.Context, s.Generation = float64(s.Context*correction), float64(s.Generation*correction)
	steps := float64(w.OSL - 1)
	s.TTFT = s.Context
	if steps > 0 {
		s.TPOT = s.Generation / steps
	}
	s.RequestLatency = s.TTFT + float64(s.TPOT*steps)

	l := p.Layout
	pp, tp, dp := float64(l.PP), float64(l.TP), float64(l.DP)
	if s.RequestLatency > 0 {
		s.SeqPerS = float64(b*l.DP) / s.RequestLatency * 1000 * pp
	}
	shown, tokens := w, b*w.ISL
	switch kind {
	case StaticBoth:
		s.TokensPerS = s.SeqPerS * float64(w.OSL)
	case StaticContext:
		s.TokensPerS = s.SeqPerS
		shown.OSL = 1
	case StaticGeneration:
		s.TokensPerS = s.SeqPerS * steps
		tokens = b
	}
	s.TokensPerSPerGPU = s.TokensPerS / tp / pp / dp
	if s.TPOT > 0 {
		s.TokensPerSPerUser = 1000 / s.TPOT
	}
	s.Memory = p.Memory(b, shown, tokens)
	s.OutOfMemory = !p.Fits(s.Memory.Total())
	return s, nil
}
