package calibrate

import (
	"math"
	"slices"
)

// pairRun is a disaggregated deployment at work. Its workers have clocks of their
// own; the one that is furthest behind moves next, so that what it sends never comes
// too late for another.
type pairRun struct {
	pair     *Pair
	load     Load
	prefill  []prefillWorker
	decode   []decodeWorker
	requests []request // of the whole run
	next     int       // of them
	out      Outcome

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
	s := &pairRun{pair: p, load: l, prefill: make([]prefillWorker, p.Prefill.Workers), decode: make([]decodeWorker, p.Decode.Workers), requests: make([]request, l.Requests), shortest: shortestPrefill(p, l)}
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
	r := &s.requests[s.next]
	*r = s.load.request(s.next, at)
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
		fresh := float64(q.isl - q.done)
		if tokens[r] > 0 && tokens[r]+fresh > float64(p.StepTokens) {
			break
		}
		tokens[r] += fresh
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
