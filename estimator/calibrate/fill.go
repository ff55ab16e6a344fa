package calibrate

import "math"

// hold returns for how many more steps prompts wait for others.
func (s *simulation) hold() int {
	if s.schedule.WaitSteps == 0 && (s.schedule.BalanceSteps == 0 || len(s.ranks) == 1) {
		return 0
	}
	patience := 0
	with, tokens, decoding := 0, 0, false
	for i := range s.ranks {
		r := &s.ranks[i]
		if len(r.waiting)+len(r.prompts) > 0 {
			with++
		}
		decoding = decoding || len(r.running) > 0
		tokens = max(tokens, r.wanted())
	}
	if with == 0 || !decoding {
		return 0
	}
	if len(s.ranks) > 1 && with < len(s.ranks) {
		patience = s.schedule.BalanceSteps
	}
	if tokens < s.schedule.WaitTokens {
		patience = max(patience, s.schedule.WaitSteps)
	}
	return max(0, patience-s.waited)
}

// wanted is the number of tokens of a step that computes all prompts of a rank.
func (r *rank) wanted() int {
	n := len(r.running)
	for _, q := range r.prompts {
		n += q.isl - q.done
	}
	for _, q := range r.waiting {
		n += q.isl - q.done
	}
	return n
}

// place hands a request to the rank with the least to do.
func (s *simulation) place(r *request) {
	at, least := 0, math.MaxInt
	for i := range s.ranks {
		if have := len(s.ranks[i].waiting) + s.ranks[i].admitted; have < least {
			at, least = i, have
		}
	}
	s.ranks[at].waiting = append(s.ranks[at].waiting, r)
}

// fill chooses the prompt tokens of a rank's step.
func (s *simulation) fill(r *rank) (tokens, attention, heads float64) {
	budget := s.schedule.TokenBudget
	if !s.schedule.PromptsAlone {
		budget -= len(r.running)
	}
	take := func(q *request) bool {
		left := q.isl - q.done
		chunk := left
		if left > budget {
			if s.schedule.Chunked {
				chunk = budget
			} else if tokens > 0 {
				return false
			}
		}
		if chunk <= 0 {
			return false
		}
		attention += s.cost.k.promptAttention(float64(q.done), float64(q.done+chunk))
		q.done += chunk
		budget -= chunk
		tokens += float64(chunk)
		if q.done == q.isl {
			heads++
		}
		return true
	}
	for _, q := range r.prompts {
		if !take(q) {
			return tokens, attention, heads
		}
	}
	for len(r.waiting) > 0 && budget > 0 && r.admitted < s.schedule.MaxSequences {
		q := r.waiting[0]
		need := q.need(s.schedule.ReserveOutput)
		if r.admitted > 0 && r.reserved+need > float64(s.schedule.KVTokens) {
			break
		}
		if !take(q) {
			break
		}
		r.waiting = r.waiting[1:]
		r.admit(need)
		r.prompts = append(r.prompts, q)
	}
	return tokens, attention, heads
}
