package calibrate

import "math"

// at is when the worker can run its next step; never without work.
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
		need := q.need(p.ReserveOutput)
		if r.admitted > 0 && (r.admitted >= p.MaxSequences || r.reserved+need > float64(p.KVTokens)) {
			return
		}
		w.arriving = w.arriving[1:]
		w.front = max(w.front, w.now) + p.cost.c[FrontToken]
		q.firstToken = w.front
		s.out.TTFT[q.id] = w.front - q.sent + p.cost.c[Transit]
		s.out.Tokens++
		if q.osl == 1 {
			s.send(w.front)
			continue
		}
		r.admit(need)
		r.start(q)
	}
}

// advance lets every sequence of a worker compute that many tokens, the last of them
// just now, and lets those that are done leave.
func (s *pairRun) advance(w *decodeWorker, steps int) {
	p := &s.pair.Decode
	n := 0
	for i := range w.ranks {
		n += w.ranks[i].advance(steps)
	}
	s.out.Tokens += float64(n * steps)
	work := float64(n) * p.cost.c[FrontToken]
	w.front = max(w.front+work*float64(steps), w.now+work)
	for i := range w.ranks {
		r := &w.ranks[i]
		for q := r.finished(); q != nil; q = r.finished() {
			r.release(q.need(p.ReserveOutput))
			s.out.TPOT[q.id] = (w.front - q.firstToken) / float64(q.osl-1)
			s.send(w.front)
		}
	}
}
