package calibrate

import "servegrid/estimator"

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
