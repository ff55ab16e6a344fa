package estimator

import "math"

// schedule is how the candidates of one workload run their steps: all of a
// candidate that no plan has a say in.
type schedule struct {
	w        Workload
	rows     []scheduled     // one per candidate; empty: not prepared
	contexts []contextTokens // the distinct numbers of context tokens
}

// scheduled is how one candidate runs its steps.
type scheduled struct {
	batch      float64 // sequences per data-parallel rank
	decoding   float64 // requests that decode in a mixed step
	full       float64 // tokens of a mixed step, cached ones included
	fresh      float64 // of these the ones to compute
	waves      float64 // steps that one request's context is spread over
	queue      float64 // mixed steps that a request waits for, in units of its own
	mixedSteps float64 // mixed steps per batch of requests
	mixedTPOT  float64 // mixed steps that count for TPOT
	onlySteps  float64 // generation-only steps per batch of requests
	tpotSteps  float64 // steps that count for TPOT
	tokens     float64 // tokens of a mixed step, for memory
	kvTokens   float64 // tokens of the KV cache
	context    int32   // index of the context tokens
	possible   bool    // false: no request would decode
}

// contextTokens is a number of context tokens per mixed step.
type contextTokens struct {
	tokens   int
	requests int     // whose context is in a mixed step
	waves    float64 // steps that one context is spread over
	cached   int     // prefix tokens that a mixed step skips
}

func (s *schedule) forget() { s.rows = s.rows[:0] }

// prepare schedules the candidates for a workload, unless that is done already.
func (s *schedule) prepare(w Workload, batches, ctx []int32) {
	if len(s.rows) == len(batches) && s.w == w {
		return
	}
	s.w, s.rows, s.contexts = w, resize(s.rows, len(batches)), s.contexts[:0]
	at := -1 // index of the last context tokens
	for i := range s.rows {
		at = s.context(int(ctx[i]), at)
		w.schedule(&s.rows[i], int(batches[i]), &s.contexts[at])
		s.rows[i].context = int32(at)
	}
}

// context returns the index of c context tokens. Candidates come sorted, so they
// usually are the ones after those of the candidate before.
func (s *schedule) context(c, before int) int {
	if next := before + 1; next < len(s.contexts) && s.contexts[next].tokens == c {
		return next
	}
	for i := range s.contexts {
		if s.contexts[i].tokens == c {
			return i
		}
	}
	s.contexts = append(s.contexts, contextTokens{
		tokens: c, requests: ceilDiv(c, s.w.ISL), waves: float64(ceilDiv(s.w.ISL, c)), cached: s.w.Prefix * (c / s.w.ISL),
	})
	return len(s.contexts) - 1
}

// schedule says how b sequences run with c context tokens per mixed step.
func (w *Workload) schedule(st *scheduled, b int, c *contextTokens) {
	isl, osl := float64(w.ISL), float64(w.OSL)
	steps := math.Ceil(isl * float64(b) / float64(c.tokens)) // to finish all contexts of a batch
	*st = scheduled{
		batch: float64(b), waves: c.waves, queue: min(2+(steps-3)/2/10, 4), kvTokens: float64(b*w.ISL + b*w.OSL),
	}
	decoding, tokens := 0, b-c.requests+c.tokens
	switch {
	case b == 1:
		st.mixedSteps, st.onlySteps = 1, osl-1
		tokens = c.tokens
	case steps >= osl:
		st.mixedSteps, st.mixedTPOT = steps, steps
		decoding = max(1, int(FloorDiv(float64(b), steps/osl)))
	default:
		st.mixedSteps, st.mixedTPOT, st.onlySteps = steps, max(1, steps-3), osl-steps
		decoding = b - c.requests
	}
	full := c.tokens + decoding
	st.decoding, st.full, st.fresh, st.tokens = float64(decoding), float64(full), float64(full-c.cached), float64(tokens)
	st.tpotSteps = st.mixedTPOT + st.onlySteps
	st.possible = decoding > 0 || decoding == 0 && b == 1
}
