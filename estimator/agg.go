package estimator

import "math"

// AggPoints is a column block of aggregated candidates of one plan and workload.
// The caller fills the first two columns by [AggPoints.Append]; [Plan.ScoreAgg]
// sizes and fills the others. Scoring the same block for one plan after the
// other is faster than filling it anew. All slices have the same length, row i is one candidate.
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

	schedule schedule
	scratch  scratch
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
func (p *AggPoints) Reset() {
	p.BatchSize, p.CtxTokens = p.BatchSize[:0], p.CtxTokens[:0]
	p.schedule.forget()
}

// Append adds a candidate.
func (p *AggPoints) Append(batch, ctxTokens int) {
	p.BatchSize = append(p.BatchSize, int32(batch))
	p.CtxTokens = append(p.CtxTokens, int32(ctxTokens))
	p.schedule.forget()
}

// AggPoint is one candidate that has been scored elsewhere; see [AggPoints].
type AggPoint struct {
	BatchSize, CtxTokens                                                                            int
	TTFT, TPOT, RequestLatency, SeqPerS, TokensPerS, TokensPerSPerGPU, TokensPerSPerUser, MemoryGiB float64
	Status                                                                                          Status
}

// Add adds a candidate with what it does.
func (p *AggPoints) Add(c AggPoint) {
	n := p.Len()
	p.Append(c.BatchSize, c.CtxTokens)
	values := [...]float64{c.TTFT, c.TPOT, c.RequestLatency, c.SeqPerS, c.TokensPerS, c.TokensPerSPerGPU, c.TokensPerSPerUser, c.MemoryGiB}
	for i, column := range p.metrics() {
		*column = append((*column)[:n], values[i])
	}
	p.Status = append(p.Status[:n], c.Status)
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
	p.schedule.forget()
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
	pts.schedule.prepare(w, pts.BatchSize, pts.CtxTokens)
	s := aggScorer{plan: p, w: w}
	s.prepare(pts)
	// Prices first, then metrics: loops that each do one thing are faster than one
	// that does all, as the divisions of the second overlap.
	s.price(pts)
	p.aggMetrics(w, pts)
	pts.blank()
	return nil
}

// aggMetrics turns the prices of the steps into metrics.
func (p *Plan) aggMetrics(w Workload, pts *AggPoints) {
	rows := pts.schedule.rows
	n := len(rows)
	mixeds, onlies := pts.scratch.mixed[:n], pts.scratch.only[:n]
	ttfts, tpots, latencies := pts.TTFT[:n], pts.TPOT[:n], pts.RequestLatency[:n]
	seqs, tokenRates, perGPUs := pts.SeqPerS[:n], pts.TokensPerS[:n], pts.TokensPerSPerGPU[:n]
	perUsers, memories, status := pts.TokensPerSPerUser[:n], pts.MemoryGiB[:n], pts.Status[:n]
	osl1 := float64(w.OSL) - 1
	pp, tp, dp := float64(p.Layout.PP), float64(p.Layout.TP), float64(p.Layout.DP)
	perGPU, exact := reciprocal(p.Layout.GPUs())
	memory, capacity := p.memory, p.memory.capacity/GiB

	for i := range rows {
		st, mixed, only := &rows[i], mixeds[i], onlies[i]
		ttft := float64(mixed * st.waves * st.queue)
		tpot := (float64(mixed*st.mixedTPOT) + float64(only*st.onlySteps)) / st.tpotSteps
		tokens := 1000 / (float64(st.mixedSteps*mixed) + float64(st.onlySteps*only)) * st.batch * osl1 * pp * dp

		ttfts[i], tpots[i] = ttft, tpot
		latencies[i] = ttft + float64(tpot*osl1)
		seqs[i] = tokens / osl1
		tokenRates[i] = tokens
		if exact {
			perGPUs[i] = tokens * perGPU
		} else {
			perGPUs[i] = tokens / pp / tp / dp
		}
		perUsers[i] = 1000 / tpot
		gib := memory.sum(st.tokens, st.kvTokens)
		memories[i] = gib
		if status[i] == OK && !(gib < capacity) {
			status[i] = OutOfMemory
		}
	}
}

// blank clears the metrics of candidates without data.
func (p *AggPoints) blank() {
	for i, st := range p.Status {
		if st == NoData {
			for _, c := range p.metrics() {
				(*c)[i] = 0
			}
		}
	}
}

// reciprocal returns 1/n, and whether multiplying by it is the same as dividing
// by n's factors one after the other: it is for powers of two.
func reciprocal(n int) (r float64, exact bool) { return 1 / float64(n), n&(n-1) == 0 }

// aggScorer prices the steps of the candidates of one plan and workload.
type aggScorer struct {
	plan     *Plan
	w        Workload
	contexts []contextSide // by the schedule's index of context tokens
	decode   column        // generation attention of one step
	simple   bool          // nothing but curves and columns is asked

	logits            float64 // head projection of a mixed step, ms
	shortest, longest float64 // tokens that a mixed step may have
	least, most       float64 // tokens that a decode step may have; of a simple scorer
}

// contextSide is what the candidates of one number of context tokens share.
type contextSide struct {
	attention float64 // of a mixed step, ms
	ok        bool
	piece     int // of the context curve, where the last candidate was
}

// scratch is memory that a block keeps from one plan to the next.
type scratch struct {
	column      []float64
	contexts    []contextSide
	mixed, only []float64 // ms of a mixed and of a generation-only step, by candidate
}

// prepare works out what does not differ between candidates.
func (s *aggScorer) prepare(pts *AggPoints) {
	p := s.plan
	s.decode = p.newColumn(pts.scratch.column, middleStep(s.w))
	pts.scratch.column = s.decode.values
	s.simple = s.decode.values != nil && len(p.generation.direct) == 0
	if s.simple {
		s.least, s.most = max(p.generation.sum.first, p.batches[0]), min(p.generation.sum.last, p.batches[len(p.batches)-1])
		if !s.decode.ok {
			s.most = math.Inf(-1)
		}
	}
	s.shortest, s.longest = p.attendable(1)
	var ok bool
	if s.logits, ok = p.logits.at(1); !ok {
		s.longest = math.Inf(-1)
	}
	pts.scratch.contexts = resize(pts.scratch.contexts, len(pts.schedule.contexts))
	s.contexts = pts.scratch.contexts
	for i, c := range pts.schedule.contexts {
		s.contexts[i] = s.context(c)
	}
}

// context works out the context side of a mixed step.
func (s *aggScorer) context(c contextTokens) (side contextSide) {
	p := s.plan
	fresh := s.w.ISL - s.w.Prefix
	attention, ok := p.attend(float64(c.requests), float64(fresh), float64(s.w.Prefix))
	// The reference also prices the rest of that context phase and throws it
	// away; where that has no data the candidate has none.
	_, ok1 := p.context.at(float64(c.requests * fresh))
	_, ok2 := p.logits.at(float64(c.requests))
	return contextSide{attention: attention / c.waves, ok: ok && ok1 && ok2}
}

// price prices the mixed and the generation-only step of every candidate in ms, and
// marks those that lie beyond the tables.
func (s *aggScorer) price(pts *AggPoints) {
	rows, n := pts.schedule.rows, pts.Len()
	pts.scratch.mixed, pts.scratch.only = resize(pts.scratch.mixed, n), resize(pts.scratch.only, n)
	mixed, status := pts.scratch.mixed, pts.Status
	switch {
	case s.simple && len(s.plan.context.direct) == 0:
		s.priceMixed(rows, mixed, status)
	default:
		for i := range rows {
			v, ok := s.mixed(&rows[i])
			mixed[i], status[i] = v, known(ok)
		}
	}
	s.priceOnly(rows, pts.scratch.only, status)
}

// known is the status of a candidate that has a price, or none.
func known(ok bool) Status {
	if ok {
		return OK
	}
	return NoData
}

// mixed is the price of a mixed step: all operators over the new tokens, context
// attention of the requests in prefill, generation attention of those that decode.
func (s *aggScorer) mixed(st *scheduled) (float64, bool) {
	side := &s.contexts[st.context]
	if !s.attends(st, side) {
		return 0, false
	}
	layers, ok := s.plan.context.from(&side.piece, st.fresh)
	if !ok {
		return 0, false
	}
	sum := layers + s.logits + side.attention
	if st.decoding > 0 {
		v, ok := s.attention(st.decoding * float64(s.plan.stepTokens()))
		if !ok {
			return 0, false
		}
		sum += v
	}
	return sum, true
}

// attends reports whether the context side of a mixed step has a price.
func (s *aggScorer) attends(st *scheduled, side *contextSide) bool {
	return st.possible && side.ok && st.full >= s.shortest && st.full <= s.longest
}

// priceMixed is mixed for all rows of a simple scorer. This is the innermost loop of a
// sweep: nothing in it is called.
func (s *aggScorer) priceMixed(rows []scheduled, mixed []float64, status []Status) {
	p, perStep, least, most := s.plan, float64(s.plan.stepTokens()), s.least, s.most
	pairs, pairOf, values := p.pairs, p.pairOf, s.decode.values
	pieces, first, last := p.context.sum.pieces, p.context.sum.first, p.context.sum.last
	contexts, logits := s.contexts, s.logits
	mixed, status = mixed[:len(rows)], status[:len(rows)]
	for i := range rows {
		st := &rows[i]
		side := &contexts[st.context]
		ok := s.attends(st, side) && st.fresh >= first && st.fresh <= last
		sum := 0.0
		if ok {
			side.piece = seek(pieces, side.piece, st.fresh)
			sum = pieces[side.piece].At(st.fresh) + logits + side.attention
			if st.decoding > 0 {
				if b := float64(st.decoding * perStep); b < least || b > most {
					ok = false
				} else if int(b) < len(pairOf) {
					k := pairOf[int(b)]
					sum += pairs[k].between(values[k], values[k+1], b)
				} else {
					sum += p.interpolate(values, b)
				}
			}
		}
		mixed[i], status[i] = sum, known(ok)
	}
}

// priceOnly prices the generation-only step, which candidates of one batch share.
func (s *aggScorer) priceOnly(rows []scheduled, only []float64, status []Status) {
	p, perStep := s.plan, float64(s.plan.stepTokens())
	piece, batch, step, ok := 0, math.NaN(), 0.0, false
	for i := range rows {
		st := &rows[i]
		if only[i] = 0; st.onlySteps == 0 {
			continue
		}
		if st.batch != batch {
			batch = st.batch
			layers, ok1 := p.generation.from(&piece, batch*perStep)
			attention, ok2 := s.decode.at(batch * perStep)
			step, ok = layers+attention, ok1 && ok2
		}
		if only[i] = step; !ok {
			status[i] = NoData
		}
	}
}

// attention is the generation attention of a batch, when the other operators of
// a decode step have an answer too.
func (s *aggScorer) attention(batch float64) (float64, bool) {
	if !s.simple {
		if _, ok := s.plan.generation.at(batch); !ok {
			return 0, false
		}
		return s.decode.at(batch)
	}
	if batch < s.least || batch > s.most {
		return 0, false
	}
	return s.plan.interpolate(s.decode.values, batch), true
}
