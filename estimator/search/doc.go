// Package search finds the serving configurations worth looking at: it
// enumerates worker layouts and candidates, has the estimator score them,
// matches prefill with decode workers, and ranks what meets the limits.
//
// The reference search keeps AIConfigurator 0.6.0's heuristics step by step, so
// that its published tables come out to the last digit: a grid of integer TPOT
// targets, the ten best rows of each, skipped batches, worker counts whose GPU
// total is on a list. [MatchAll] is the exhaustive matching that a sweep uses:
// it depends on no latency limit and never does worse.
//
// Result rows are rounded to three decimals before they are compared, by both
// searches; see [estimator.Round3].
package search
