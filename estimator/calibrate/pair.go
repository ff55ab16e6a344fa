package calibrate

import (
	"container/heap"
	"math"
	"slices"

	"servegrid/estimator"
)

// Pool is the workers of one role of a disaggregated deployment, all alike.
type Pool struct {
	cost    *StepCost
	Workers int
	Ranks   int // data-parallel ranks of a worker, in lockstep

	StepTokens int // prefill: prompt tokens that a rank's step has room for; one prompt always fits

	MaxSequences  int // decode: per rank
	KVTokens      int // decode: tokens that the KV cache of a rank holds
	ReserveOutput float64
}

// Pair is a replica of disaggregated serving: prefill workers compute prompts and
// send their KV cache to decode workers, which do nothing else than decode.
type Pair struct {
	Prefill, Decode Pool
	Transfer        float64 // ms for the KV cache of one token
}

// side is the workers of one role, priced.
type side struct {
	plan    *estimator.Plan
	cost    *StepCost
	workers int
}

// newPair is how engines run disaggregated: a prefill step has room for so many tokens
// a rank, a decode worker for as many sequences as its KV cache holds.
func newPair(prefill, decode side, stepTokens int, d Deployment) Pair {
	layout := decode.plan.Layout
	s := NewSchedule(decode.plan.DB.Backend, decode.plan, Load{}, d)
	return Pair{
		Prefill: Pool{cost: prefill.cost, Workers: prefill.workers, Ranks: prefill.plan.Layout.DP, StepTokens: stepTokens},
		Decode: Pool{
			cost: decode.cost, Workers: decode.workers, Ranks: layout.DP, MaxSequences: s.MaxSequences,
			KVTokens: NewBudget(decode.plan, s.MaxSequences, d).Tokens, ReserveOutput: s.ReserveOutput,
		},
		Transfer: TransferPerToken(prefill.plan, decode.plan),
	}
}

// TransferPerToken is how long the KV cache of one token takes from a prefill to a
// decode worker, ms: what one GPU holds of it, at the rate of its network link. The
// side that is cut into fewer parts has the fewer links.
func TransferPerToken(prefill, decode *estimator.Plan) float64 {
	bytes := max(kvPerToken(prefill), kvPerToken(decode))
	return 1000 * bytes / min(prefill.DB.System.InterNodeBW, decode.DB.System.InterNodeBW)
}

// kvPerToken is what one GPU holds of the KV cache of a token, bytes.
func kvPerToken(p *estimator.Plan) float64 {
	const probe = 1 << 20 // tokens
	return p.Memory(1, estimator.Workload{ISL: probe}, 1).KVCache * estimator.GiB / probe
}

// pairRun is a disaggregated deployment at work. Its workers have clocks of their
// own; the one that is furthest behind moves next, so that what it sends never comes
// too late for another.
type pairRun struct {
	pair    *Pair
	load    Load
	prefill []prefillWorker
	decode  []decodeWorker
	next    int // of the requests
	out     Outcome

	shortest float64 // from the start of a prompt to its arrival at a decode worker
}

type prefillWorker struct {
	now, front float64 // when its last step ended, when its front process is free
	queue      []*request
}

type decodeWorker struct {
	now, front float64
	arriving   []*request // in the order in which their KV caches are there
	ranks      []rank
}

// SimulatePair serves a closed loop with a disaggregated deployment. Prompts go to
// the prefill worker with the shortest queue and are computed in the order of
// arrival; a decode worker streams the first token when it has the KV cache and room
// for the sequence.
func SimulatePair(p *Pair, l Load) Outcome {
	s := &pairRun{pair: p, load: l, prefill: make([]prefillWorker, p.Prefill.Workers), decode: make([]decodeWorker, p.Decode.Workers), shortest: shortestPrefill(p, l)}
	for i := range s.decode {
		s.decode[i].ranks = make([]rank, p.Decode.Ranks)
	}
	s.out.TTFT, s.out.TPOT = make([]float64, l.Requests), make([]float64, l.Requests)
	s.out.First = min(l.Concurrency, l.Requests)
	for range s.out.First {
		s.send(0)
	}
	for s.step() {
	}
	for i := range s.decode {
		s.out.Elapsed = max(s.out.Elapsed, s.decode[i].front)
	}
	return s.out
}

// send lets a client send the next request.
func (s *pairRun) send(at float64) {
	if s.next >= s.load.Requests {
		return
	}
	r := s.load.request(s.next, at)
	s.next++
	w := &s.prefill[0]
	for i := range s.prefill {
		if v := &s.prefill[i]; len(v.queue) < len(w.queue) || len(v.queue) == len(w.queue) && v.now < w.now {
			w = v
		}
	}
	c := s.pair.Prefill.cost.c
	w.front = max(w.front, at) + c[FrontRequest] + c[FrontPrompt]*float64(r.isl)/1000
	r.ready = w.front
	w.queue = append(w.queue, r)
}

// at is when the worker can run its next step; never without work.
func (w *prefillWorker) at() float64 {
	if len(w.queue) == 0 {
		return math.Inf(1)
	}
	return max(w.now, w.queue[0].ready)
}

func (w *decodeWorker) at() float64 {
	for i := range w.ranks {
		if w.ranks[i].admitted > 0 {
			return w.now
		}
	}
	if len(w.arriving) == 0 {
		return math.Inf(1)
	}
	return max(w.now, w.arriving[0].ready)
}

// step moves the worker that is furthest behind. It reports false when all is served.
func (s *pairRun) step() bool {
	first, least := -1, math.Inf(1)
	for i := range s.prefill {
		if t := s.prefill[i].at(); t < least {
			first, least = i, t
		}
	}
	second := -1
	for i := range s.decode {
		if t := s.decode[i].at(); t < least {
			second, least = i, t
		}
	}
	switch {
	case second >= 0:
		s.decodeStep(&s.decode[second], least)
	case first >= 0:
		s.prefillStep(&s.prefill[first], least)
	default:
		return false
	}
	return true
}

// prefillStep computes prompts that have arrived, first come first served, each on
// the rank with the fewest tokens while it has room.
func (s *pairRun) prefillStep(w *prefillWorker, at float64) {
	p := &s.pair.Prefill
	tokens, attention, heads := make([]float64, p.Ranks), make([]float64, p.Ranks), make([]float64, p.Ranks)
	n := 0
	for n < len(w.queue) && w.queue[n].ready <= at {
		q := w.queue[n]
		r := argMin(tokens)
		if fresh := float64(q.isl - q.done); tokens[r] > 0 && tokens[r]+fresh > float64(p.StepTokens) {
			break
		} else {
			tokens[r] += fresh
		}
		attention[r] += p.cost.k.promptAttention(float64(q.done), float64(q.isl))
		heads[r]++
		n++
	}
	w.now = at + p.cost.Mixed(slices.Max(tokens), slices.Max(attention), 0, 0, slices.Max(heads))
	for _, q := range w.queue[:n] {
		q.ready = w.now + s.pair.Transfer*float64(q.isl)
		s.hand(q)
	}
	w.queue = w.queue[n:]
}

func argMin(v []float64) int {
	least := 0
	for i := range v {
		if v[i] < v[least] {
			least = i
		}
	}
	return least
}

// hand sends a computed prompt to the decode worker with the fewest sequences.
func (s *pairRun) hand(q *request) {
	to, least := 0, math.MaxInt
	for i := range s.decode {
		if n := s.decode[i].sequences(); n < least {
			to, least = i, n
		}
	}
	w := &s.decode[to]
	at := len(w.arriving)
	for at > 0 && w.arriving[at-1].ready > q.ready {
		at--
	}
	w.arriving = slices.Insert(w.arriving, at, q)
}

func (w *decodeWorker) sequences() int {
	n := len(w.arriving)
	for i := range w.ranks {
		n += w.ranks[i].admitted
	}
	return n
}

// decodeStep admits what has arrived and decodes until the next sequence ends or
// another one may arrive.
func (s *pairRun) decodeStep(w *decodeWorker, at float64) {
	p := &s.pair.Decode
	w.now = at
	s.admit(w)
	n, length, steps := 0.0, 0.0, math.MaxInt
	for i := range w.ranks {
		if r := &w.ranks[i]; len(r.running) > 0 {
			n, length = max(n, float64(len(r.running))), max(length, r.lengths/float64(len(r.running)))
			steps = min(steps, r.running[0].finish-r.steps)
			s.out.Most = max(s.out.Most, len(r.running))
		}
	}
	if n == 0 {
		return
	}
	cost := p.cost.Decode(n, length+float64(steps)/2)
	if until := math.Ceil((s.horizon(w) - at) / cost); until < float64(steps) {
		steps = max(1, int(until))
		cost = p.cost.Decode(n, length+float64(steps)/2)
	}
	w.now += cost * float64(steps)
	s.advance(w, steps)
}

// horizon is the earliest time at which something new may arrive at a decode worker:
// what is on its way, what a prefill worker computes next, or what a client sends when
// another decode worker ends its last request.
func (s *pairRun) horizon(w *decodeWorker) float64 {
	least := math.Inf(1)
	if len(w.arriving) > 0 && w.arriving[0].ready > w.now {
		least = w.arriving[0].ready
	}
	for i := range s.prefill {
		least = min(least, s.prefill[i].at()+s.shortest)
	}
	for i := range s.decode {
		if v := &s.decode[i]; v != w {
			least = min(least, v.at()+s.shortest)
		}
	}
	return least
}

// shortestPrefill is how long the shortest prompt of a load takes, alone, until its KV
// cache is with a decode worker.
func shortestPrefill(p *Pair, l Load) float64 {
	isl := max(1, math.Floor(float64(l.ISL)*l.MinShare))
	fresh := max(1, isl-float64(l.Prefix))
	return p.Prefill.cost.Mixed(fresh, 0, 0, 0, 1) + p.Transfer*isl
}

// admit starts sequences whose KV cache is there, on the rank with the fewest, while
// there is room. Each has its first token, which the prompt gave it.
func (s *pairRun) admit(w *decodeWorker) {
	p := &s.pair.Decode
	for len(w.arriving) > 0 && w.arriving[0].ready <= w.now {
		q := w.arriving[0]
		r := &w.ranks[0]
		for i := range w.ranks {
			if w.ranks[i].admitted < r.admitted {
				r = &w.ranks[i]
			}
		}
		need := float64(q.isl) + p.ReserveOutput*float64(q.osl)
		if r.admitted > 0 && (r.admitted >= p.MaxSequences || r.reserved+need > float64(p.KVTokens)) {
			return
		}
		w.arriving = w.arriving[1:]
		w.front = max(w.front, w.now) + p.cost.c[FrontToken]
		q.firstToken = w.front
		s.out.TTFT[q.id] = w.front - q.sent + p.cost.c[FirstToken]
		s.out.Tokens++
		if q.osl == 1 {
			s.send(w.front)
			continue
		}
		r.admitted++
		r.reserved += need
		r.lengths += float64(q.isl)
		q.finish = r.steps + q.osl - 1
		heap.Push(&r.running, q)
	}
}

// advance lets every sequence of a worker compute that many tokens, the last of them
// just now, and lets those that are done leave.
func (s *pairRun) advance(w *decodeWorker, steps int) {
	p := &s.pair.Decode
	n := 0
	for i := range w.ranks {
		r := &w.ranks[i]
		n += len(r.running)
		r.steps += steps
		r.lengths += float64(steps * len(r.running))
	}
	s.out.Tokens += float64(n * steps)
	work := float64(n) * p.cost.c[FrontToken]
	w.front = max(w.front+work*float64(steps), w.now+work)
	for i := range w.ranks {
		r := &w.ranks[i]
		for len(r.running) > 0 && r.running[0].finish <= r.steps {
			q := heap.Pop(&r.running).(*request)
			r.lengths -= float64(q.isl + q.osl - 1)
			r.admitted--
			r.reserved -= float64(q.isl) + p.ReserveOutput*float64(q.osl)
			s.out.TPOT[q.id] = (w.front - q.firstToken) / float64(q.osl-1)
			s.send(w.front)
		}
	}
}
