package estimator

import (
	"math"
	"testing"

	"servegrid/perftables"
)

// scoreScalar is [Plan.ScoreAgg] as the formulas read: one candidate after the
// other, nothing shared between them but one context size. It returns the plan's error when a phase has no measurements at all; single
// candidates beyond the tables get status [NoData].
//
// A mixed step runs the context tokens of some requests and one decode step of
// the others; when all contexts are done, generation-only steps follow. The
// model is the reference's (AIConfigurator 0.6.0, in-flight batching).
func (p *Plan) scoreScalar(w Workload, pts *AggPoints) error {
	if err := firstError(p.contextErr, p.generationErr); err != nil {
		return err
	}
	pts.grow()
	s := scalarScorer{plan: p, w: w, isl: float64(w.ISL), osl: float64(w.OSL)}
	s.column = p.newColumn(nil, middleStep(w))
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

// scalarSteps is how one candidate schedules its steps, and what they cost.
type scalarSteps struct {
	steps      float64 // steps to finish all contexts of a batch
	waves      float64 // steps that one request's context is spread over
	mixedSteps float64 // mixed steps per batch of requests
	mixedTPOT  float64 // mixed steps that count for TPOT
	onlySteps  float64 // generation-only steps per batch of requests
	mixed      float64 // latency of a mixed step, ms
	only       float64 // latency of a generation-only step, ms
	tokens     int     // tokens of a mixed step, for memory
}

// scalarScorer holds what the candidates of one workload share.
type scalarScorer struct {
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
func (s *scalarScorer) context(c int) {
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
func (s *scalarScorer) steps(b, c int) (scalarSteps, bool) {
	if c != s.lastCtx {
		s.context(c)
	}
	if !s.ctxOK {
		return scalarSteps{}, false
	}
	p := s.plan
	st := scalarSteps{steps: math.Ceil(s.isl * float64(b) / float64(c)), waves: s.waves}
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
		return scalarSteps{}, false
	}

	// Mixed step: all operators over the new tokens, context attention of the
	// requests in prefill, generation attention of those that decode.
	full := c + decoding
	layers, ok := p.context.at(float64(full - s.cached))
	if !ok {
		return scalarSteps{}, false
	}
	logits, ok := p.logits.at(1)
	if shortest, longest := p.attendable(1); !ok || float64(full) < shortest || float64(full) > longest {
		return scalarSteps{}, false
	}
	st.mixed = layers + logits + s.ctxAttention
	if decoding > 0 {
		batch := float64(decoding * p.stepTokens())
		if _, ok := p.generation.at(batch); !ok {
			return scalarSteps{}, false
		}
		v, ok := s.column.at(batch)
		if !ok {
			return scalarSteps{}, false
		}
		st.mixed += v
	}

	if alone > 0 {
		batch := float64(alone * p.stepTokens())
		layers, ok1 := p.generation.at(batch)
		attention, ok2 := s.column.at(batch)
		if !ok1 || !ok2 {
			return scalarSteps{}, false
		}
		st.only = layers + attention
	}
	return st, true
}

// The fast scoring gives the same bits as the formulas one by one: for every
// model family, database mode and layout, in the order of a search and in any
// other, with a prefix and without.
func TestScoreAggEqualsScalar(t *testing.T) {
	modes := []perftables.Mode{perftables.Silicon, perftables.Hybrid, perftables.Empirical, perftables.SOL}
	workloads := []Workload{{ISL: 4000, OSL: 500}, {ISL: 3000, OSL: 300, Prefix: 1000}, {ISL: 100, OSL: 2}, {ISL: 9000, OSL: 2000}, {ISL: 600, OSL: 100, Prefix: 599}}
	scored, beyond := 0, 0
	for _, model := range []string{
		"Qwen/Qwen3-32B-FP8", "meta-llama/Llama-3.1-70B", "Qwen/Qwen3-235B-A22B", "deepseek-ai/DeepSeek-V3", "openai/gpt-oss-120b",
		"nvidia/Llama-3_3-Nemotron-Super-49B-v1",
	} {
		m, err := LookupModel(model)
		if err != nil {
			t.Fatal(err)
		}
		for _, backend := range perftables.Backends {
			tables := perftables.Embedded()
			db, err := tables.Open("h200_sxm", backend, tables.Latest("h200_sxm", backend))
			if err != nil {
				t.Fatal(err)
			}
			for _, mode := range modes {
				for _, l := range []Layout{{1, 1, 1, 1, 1}, {8, 1, 1, 1, 8}, {8, 1, 1, 8, 1}, {2, 1, 2, 1, 4}, {4, 2, 1, 4, 1}} {
					db := db.WithMode(mode)
					c := Config{Model: m, DB: db, Quant: DefaultQuant(m, db), Layout: l}
					if m.Family == DeepSeek {
						c.NextN, c.AcceptRates = 1, []float64{0.85, 0.3, 0, 0, 0}
					}
					p, err := Compile(c)
					if err != nil {
						continue // cannot be laid out so
					}
					var got, want AggPoints
					for _, w := range workloads {
						for _, pts := range []*AggPoints{&got, &want} {
							pts.Reset()
							for _, b := range []int{1, 2, 3, 7, 8, 100, 511, 512, 700, 5} {
								for _, ctx := range []int{512, w.ISL, 4096, 8192, 2 * w.ISL, 20000, 1} {
									pts.Append(b, ctx)
								}
							}
						}
						errGot, errWant := p.ScoreAgg(w, &got), p.scoreScalar(w, &want)
						if (errGot == nil) != (errWant == nil) {
							t.Fatalf("%s, %s %s, %v: error %v, want %v", model, backend, mode, l, errGot, errWant)
						}
						if errGot != nil {
							continue
						}
						for i, st := range want.Status {
							if st == NoData {
								beyond++
							} else {
								scored++
							}
							if got.Status[i] != st {
								t.Fatalf("%s, %s %s, %v, %+v, batch %d, %d context tokens: status %d, want %d",
									model, backend, mode, l, w, want.BatchSize[i], want.CtxTokens[i], got.Status[i], st)
							}
							wants := want.metrics()
							for k, col := range got.metrics() {
								if math.Float64bits((*col)[i]) != math.Float64bits((*wants[k])[i]) {
									t.Fatalf("%s, %s %s, %v, %+v, batch %d, %d context tokens: metric %d is %v, want %v",
										model, backend, mode, l, w, want.BatchSize[i], want.CtxTokens[i], k, (*col)[i], (*wants[k])[i])
								}
							}
						}
					}
				}
			}
		}
	}
	if scored < 10000 || beyond < 1000 {
		t.Errorf("only %d candidates with and %d without data", scored, beyond)
	}
}
