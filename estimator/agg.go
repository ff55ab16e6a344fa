package estimator

import "math"

// AggPoints is a column block of aggregated candidates of one plan and workload.
// The caller fills the first two columns; [Plan.ScoreAgg] sizes and fills the
// others. All slices have the same length, row i is one candidate.
type AggPoints struct {
	BatchSize []int32 // sequences per data-parallel rank
	CtxTokens []int32 // context tokens scheduled in a mixed step

	TTFT, TPOT        []float64 // ms
	RequestLatency    []float64 // ms
	SeqPerS           []float64 // requests/s of the worker
	TokensPerS        []float64 // output tokens/s of the worker
	TokensPerSPerGPU  []float64
	TokensPerSPerUser []float64
	MemoryGiB         []float64
	Status            []Status
	scratch           []float64
}

// Status is what became of one candidate.
type Status uint8

// The states of a candidate.
const (
	OK          Status = iota
	OutOfMemory        // scored, but it does not fit
	NoData             // not scored: beyond the tables; its metrics are 0
)

// Len returns the number of candidates.
func (p *AggPoints) Len() int { return len(p.BatchSize) }

// Reset empties the block and keeps its memory.
func (p *AggPoints) Reset() { p.BatchSize, p.CtxTokens = p.BatchSize[:0], p.CtxTokens[:0] }

// Append adds a candidate.
func (p *AggPoints) Append(batch, ctxTokens int) {
	p.BatchSize = append(p.BatchSize, int32(batch))
	p.CtxTokens = append(p.CtxTokens, int32(ctxTokens))
}

func (p *AggPoints) grow() {
	n := p.Len()
	for _, c := range p.metrics() {
		*c = resize(*c, n)
	}
	p.Status = resize(p.Status, n)
}

func (p *AggPoints) metrics() []*[]float64 {
	return []*[]float64{
		&p.TTFT, &p.TPOT, &p.RequestLatency, &p.SeqPerS, &p.TokensPerS, &p.TokensPerSPerGPU, &p.TokensPerSPerUser, &p.MemoryGiB,
	}
}

// Select cuts a scored block to some of its candidates, given by rising index.
func (p *AggPoints) Select(rows []int) {
	for _, c := range p.metrics() {
		*c = gather(*c, rows)
	}
	p.BatchSize, p.CtxTokens, p.Status = gather(p.BatchSize, rows), gather(p.CtxTokens, rows), gather(p.Status, rows)
}

// gather moves the chosen elements to the front; rows rise, so nothing is
// overwritten before it is read.
func gather[T any](v []T, rows []int) []T {
	for to, from := range rows {
		v[to] = v[from]
	}
	return v[:len(rows)]
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// ScoreAgg scores every candidate of the block for a workload with osl >= 2. It
// returns the plan's error when a phase has no measurements at all; single
// candidates beyond the tables get status [NoData].
//
// A mixed step runs the context tokens of some requests and one decode step of
// the others; when all contexts are done, generation-only steps follow. The
// model is the reference's (AIConfigurator 0.6.0, in-flight batching).
func (p *Plan) ScoreAgg(w Workload, pts *AggPoints) error {
	if err := firstError(p.contextErr, p.generationErr); err != nil {
		return err
	}
	pts.grow()
	s := aggScorer{plan: p, w: w, isl: float64(w.ISL), osl: float64(w.OSL)}
	s.column = p.newColumn(pts.scratch, middleStep(w))
	pts.scratch = s.column.values
	s.lastCtx = -1
	pp, tp, dp := float64(p.Layout.PP), float64(p.Layout.TP), float64(p.Layout.DP)

	for i := range pts.BatchSize {
		b := float64(pts.BatchSize[i])
		st, ok := s.steps(int(pts.BatchSize[i]), int(pts.CtxTokens[i]))
		if !ok {
			pts.TTFT[i], pts.TPOT[i], pts.RequestLatency[i], pts.SeqPerS[i] = 0, 0, 0, 0
			pts.TokensPerS[i], pts.TokensPerSPerGPU[i], pts.TokensPerSPerUser[i], pts.MemoryGiB[i] = 0, 0, 0, 0
			pts.Status[i] = NoData
			continue
		}
		ttft := float64(st.mixed * st.waves * min(2+(st.steps-3)/2/10, 4))
		tpot := (float64(st.mixed*st.mixedTPOT) + float64(st.only*st.onlySteps)) / (st.mixedTPOT + st.onlySteps)
		tokens := 1000 / (float64(st.mixedSteps*st.mixed) + float64(st.onlySteps*st.only)) * b * (s.osl - 1) * pp * dp

		pts.TTFT[i], pts.TPOT[i] = ttft, tpot
		pts.RequestLatency[i] = ttft + float64(tpot*(s.osl-1))
		pts.SeqPerS[i] = tokens / (s.osl - 1)
		pts.TokensPerS[i] = tokens
		pts.TokensPerSPerGPU[i] = tokens / pp / tp / dp
		pts.TokensPerSPerUser[i] = 1000 / tpot
		pts.MemoryGiB[i] = p.memory.total(int(pts.BatchSize[i]), w, st.tokens)
		pts.Status[i] = OK
		if !p.memory.fits(pts.MemoryGiB[i]) {
			pts.Status[i] = OutOfMemory
		}
	}
	return nil
}

// aggSteps is how one candidate schedules its steps, and what they cost.
type aggSteps struct {
	steps      float64 // steps to finish all contexts of a batch
	waves      float64 // steps that one request's context is spread over
	mixedSteps float64 // mixed steps per batch of requests
	mixedTPOT  float64 // mixed steps that count for TPOT
	onlySteps  float64 // generation-only steps per batch of requests
	mixed      float64 // latency of a mixed step, ms
	only       float64 // latency of a generation-only step, ms
	tokens     int     // tokens of a mixed step, for memory
}

// aggScorer holds what the candidates of one workload share.
type aggScorer struct {
	plan     *Plan
	w        Workload
	isl, osl float64
	column   column // generation attention of one step

	// Context side of the last ctx tokens seen: candidates come sorted so that
	// neighbours usually share it, and there are few distinct values.
	lastCtx      int
	contexts     int     // requests whose context is in a mixed step
	waves        float64 // steps that one context is spread over
	cached       int     // prefix tokens that a mixed step skips
	ctxAttention float64 // ms of a mixed step
	ctxOK        bool
}

// context works out the context side of a mixed step of c tokens.
func (s *aggScorer) context(c int) {
	p := s.plan
	s.lastCtx = c
	s.contexts = ceilDiv(c, s.w.ISL)
	s.waves = float64(ceilDiv(s.w.ISL, c))
	s.cached = s.w.Prefix * (c / s.w.ISL)
	fresh := s.w.ISL - s.w.Prefix
	attention, ok := p.attend(float64(s.contexts), float64(fresh), float64(s.w.Prefix))
	// The reference also prices the rest of that context phase and throws it
	// away; where that has no data the candidate has none.
	_, ok1 := p.context.at(float64(s.contexts * fresh))
	_, ok2 := p.logits.at(float64(s.contexts))
	s.ctxAttention = attention / s.waves
	s.ctxOK = ok && ok1 && ok2
}

// steps prices one candidate. It reports false when it lies beyond the tables.
func (s *aggScorer) steps(b, c int) (aggSteps, bool) {
	if c != s.lastCtx {
		s.context(c)
	}
	if !s.ctxOK {
		return aggSteps{}, false
	}
	p := s.plan
	st := aggSteps{steps: math.Ceil(s.isl * float64(b) / float64(c)), waves: s.waves}
	decoding, alone := 0, b // requests that decode in a mixed and in a generation-only step
	switch {
	case b == 1:
		st.mixedSteps, st.onlySteps = 1, s.osl-1
		st.tokens = c
	case st.steps >= s.osl:
		st.mixedSteps, st.mixedTPOT = st.steps, st.steps
		decoding, alone = max(1, int(FloorDiv(float64(b), st.steps/s.osl))), 0
		st.tokens = b - s.contexts + c
	default:
		st.mixedSteps, st.mixedTPOT, st.onlySteps = st.steps, max(1, st.steps-3), s.osl-st.steps
		decoding = b - s.contexts
		st.tokens = b - s.contexts + c
	}
	if decoding < 0 || decoding == 0 && b > 1 {
		return aggSteps{}, false
	}

	// Mixed step: all operators over the new tokens, context attention of the
	// requests in prefill, generation attention of those that decode.
	full := c + decoding
	layers, ok := p.context.at(float64(full - s.cached))
	if !ok {
		return aggSteps{}, false
	}
	logits, ok := p.logits.at(1)
	if !ok || !p.attendable(1, float64(full)) {
		return aggSteps{}, false
	}
	st.mixed = layers + logits + s.ctxAttention
	if decoding > 0 {
		batch := float64(decoding * p.stepTokens())
		if _, ok := p.generation.at(batch); !ok {
			return aggSteps{}, false
		}
		v, ok := s.column.at(batch)
		if !ok {
			return aggSteps{}, false
		}
		st.mixed += v
	}

	if alone > 0 {
		batch := float64(alone * p.stepTokens())
		layers, ok1 := p.generation.at(batch)
		attention, ok2 := s.column.at(batch)
		if !ok1 || !ok2 {
			return aggSteps{}, false
		}
		st.only = layers + attention
	}
	return st, true
}
