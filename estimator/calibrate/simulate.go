package calibrate

import (
	"math"
	"slices"
)

// Schedule is how an engine fills its steps.
type Schedule struct {
	// PromptsAlone: a step computes prompts or decodes, prompts first (SGLang).
	// Otherwise prompts run beside the decoding sequences.
	PromptsAlone bool

	// Chunked: a prompt may be computed over several steps.
	Chunked bool

	TokenBudget  int // tokens of a step, those of decoding sequences included
	MaxSequences int // per data-parallel rank
	KVTokens     int // tokens that the KV cache of a rank holds

	// BalanceSteps is how many steps prompts of one data-parallel rank wait for
	// those of the others.
	BalanceSteps int

	// WaitSteps is how many decode steps prompts wait for more of them, as long as
	// a step with those that are there would have less than WaitTokens tokens
	// (TensorRT-LLM's batch_wait_timeout_iters and batch_wait_max_tokens_ratio).
	WaitSteps, WaitTokens int

	// ReceiveSteps is how many decode steps apart the scheduler looks for new
	// requests (SGLang's scheduler_recv_interval); 0 is 1.
	ReceiveSteps int

	// ReserveOutput is the share of an output that a sequence needs KV cache for
	// when it is admitted: 1 where the engine never evicts.
	ReserveOutput float64
}

// Load is the traffic of a run.
type Load struct {
	Concurrency int     // requests in flight, closed loop from a burst; 0 = Poisson
	Rate        float64 // requests per ms, Poisson
	Requests    int     // how many are served

	ISL, OSL int
	Prefix   int     // input tokens found in the prefix cache
	MinShare float64 // lengths are uniform in [MinShare, 1] of ISL and OSL
}

// Outcome is what the clients of a run saw.
type Outcome struct {
	TTFT, TPOT []float64 // ms, by request in the order of arrival
	Elapsed    float64   // ms, until the last token
	Tokens     float64   // output tokens
	First      int       // requests of the burst at the start
	Most       int       // most sequences that ran at a time, per rank
}

// simulation runs an engine with its front process and its clients.
type simulation struct {
	cost     *StepCost
	schedule Schedule
	load     Load
	ranks    []rank
	now      float64
	intake   float64   // when the front process is free to take a request in
	outlet   float64   // when it is free to send tokens out
	requests []request // of the whole run
	next     int       // of them
	pending  []*request
	arrival  float64 // when the next request of an open loop arrives
	waited   int     // steps that prompts have waited for others
	since    int     // decode steps since the scheduler looked for new requests
	out      Outcome
}

// Simulate serves a load with an engine of that many data-parallel ranks in
// lockstep. The same load gives the same run: lengths come from a fixed low-discrepancy
// sequence, Poisson gaps from a fixed random one.
func Simulate(cost *StepCost, schedule Schedule, ranks int, load Load) Outcome {
	s := &simulation{cost: cost, schedule: schedule, load: load, ranks: make([]rank, ranks), requests: make([]request, load.Requests)}
	s.out.TTFT, s.out.TPOT = make([]float64, load.Requests), make([]float64, load.Requests)
	if load.Concurrency > 0 {
		s.out.First = min(load.Concurrency, load.Requests)
		for range s.out.First {
			s.send(0)
		}
		s.arrival = math.Inf(1)
	} else {
		s.arrive()
	}
	for s.step() {
	}
	s.out.Elapsed = s.outlet
	return s.out
}

// arrive draws when the next request of an open loop arrives.
func (s *simulation) arrive() {
	if s.next >= s.load.Requests {
		s.arrival = math.Inf(1)
		return
	}
	s.arrival -= math.Log(1-random(s.next)) / s.load.Rate
}

// fraction is the i-th number in (0, 1) of the additive sequence of an irrational.
func fraction(i int, alpha float64) float64 {
	_, f := math.Modf(0.5 + float64(i+1)*alpha)
	return f
}

// send lets a client send the next request.
func (s *simulation) send(at float64) {
	if s.next >= s.load.Requests {
		return
	}
	r := &s.requests[s.next]
	*r = s.load.request(s.next, at)
	s.next++
	s.intake = max(s.intake, at) + s.cost.c[FrontRequest] + s.cost.c[FrontPrompt]*float64(r.isl)/1000
	r.ready = s.intake
	s.pending = append(s.pending, r)
}

// step runs one step of all ranks, or a number of equal ones. It reports false
// when all is served.
func (s *simulation) step() bool {
	for s.arrival <= s.now {
		s.send(s.arrival)
		s.arrive()
	}
	for s.since == 0 && len(s.pending) > 0 && s.pending[0].ready <= s.now {
		s.place(s.pending[0])
		s.pending = s.pending[1:]
	}
	tokens, attention, heads, n, length := 0.0, 0.0, 0.0, 0.0, 0.0
	prefill, busy := false, false
	hold := s.hold()
	for i := range s.ranks {
		if hold > 0 {
			break
		}
		t, a, h := s.fill(&s.ranks[i])
		prefill = prefill || t > 0
		tokens, attention, heads = max(tokens, t), max(attention, a), max(heads, h)
	}
	for i := range s.ranks {
		r := &s.ranks[i]
		if len(r.running) > 0 {
			busy = true
			n, length = max(n, float64(len(r.running))), max(length, r.lengths/float64(len(r.running)))
			s.out.Most = max(s.out.Most, len(r.running))
		}
	}
	switch {
	case prefill:
		if s.schedule.PromptsAlone {
			n = 0
		}
		s.now += s.cost.Mixed(tokens, attention, n, length, heads+n)
		if n > 0 {
			s.decode(1)
		}
		s.finishPrompts()
		s.waited, s.since = 0, 0
	case busy:
		s.decodeOnly(n, length, hold)
	default:
		s.since = 0
		s.now = max(s.now, s.nextEvent())
		return !math.IsInf(s.now, 1)
	}
	return true
}

// nextEvent is when the next request arrives at the front process or at the engine.
func (s *simulation) nextEvent() float64 {
	if len(s.pending) > 0 {
		return min(s.arrival, s.pending[0].ready)
	}
	return s.arrival
}

// finishPrompts moves whole prompts on to decoding; the step gave them their
// first token.
func (s *simulation) finishPrompts() {
	for i := range s.ranks {
		r := &s.ranks[i]
		r.prompts = slices.DeleteFunc(r.prompts, func(q *request) bool {
			if q.done < q.isl {
				return false
			}
			s.outlet = max(s.outlet, s.now) + s.cost.c[FrontToken]
			q.firstToken = s.outlet
			s.out.TTFT[q.id] = s.outlet - q.sent + s.cost.c[Transit]
			s.out.Tokens++
			if q.osl == 1 {
				s.leave(r, q)
				return true
			}
			r.start(q)
			return true
		})
	}
}

// decodeOnly runs steps without prompts until something happens: a sequence ends,
// a request arrives that could be admitted, or prompts have waited long enough.
func (s *simulation) decodeOnly(n, length float64, hold int) {
	steps := math.MaxInt
	if hold > 0 {
		steps = hold
	}
	for i := range s.ranks {
		if r := &s.ranks[i]; len(r.running) > 0 {
			steps = min(steps, r.running[0].finish-r.steps)
		}
	}
	// Attention grows by a token a step: its mean over steps is that of the middle.
	mean := func(steps int) float64 { return s.cost.Decode(n, length+float64(steps-1)/2) }
	cost := mean(steps)
	if wait := s.nextEvent() - s.now; wait < cost*float64(steps) {
		every := max(1, s.schedule.ReceiveSteps)
		until := max(1, int(math.Ceil(wait/mean(1))))
		until = max(1, int(math.Ceil(wait/mean(until))))      // attention has grown on the way
		seen := (s.since + until + every - 1) / every * every // when the scheduler looks
		steps = min(steps, seen-s.since)
		cost = mean(steps)
	}
	s.now += cost * float64(steps)
	s.since = (s.since + steps) % max(1, s.schedule.ReceiveSteps)
	if hold > 0 {
		s.waited += steps
	}
	s.decode(steps)
}

// decode lets every running sequence of every rank compute that many tokens, the
// last of them just now, and lets those that are done leave.
func (s *simulation) decode(steps int) {
	n := 0
	for i := range s.ranks {
		n += s.ranks[i].advance(steps)
	}
	s.out.Tokens += float64(n * steps)
	// The front process works on the tokens of every step; what it has left of
	// those before the last one delays the last.
	work := float64(n) * s.cost.c[FrontToken]
	s.outlet = max(s.outlet+work*float64(steps), s.now+work)
	for i := range s.ranks {
		r := &s.ranks[i]
		for q := r.finished(); q != nil; q = r.finished() {
			s.leave(r, q)
		}
	}
}

// leave ends a request; its client sends the next one.
func (s *simulation) leave(r *rank, q *request) {
	r.release(q.need(s.schedule.ReserveOutput))
	if q.osl > 1 {
		s.out.TPOT[q.id] = (s.outlet - q.firstToken) / float64(q.osl-1)
	}
	if s.load.Concurrency > 0 {
		s.send(s.outlet + s.cost.c[Transit])
	}
}
