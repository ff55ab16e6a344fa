// Package rescore answers a question of package search with the figures of the
// calibrated estimator.
//
// What is searched are replicas: an aggregated worker, or some prefill and some
// decode workers. Each is simulated with ever more requests in flight, and every
// simulation is a row; rows are then ranked as the reference search ranks its own.
//
// Two rules keep it short. More requests in flight make nobody faster, so a climb ends
// a margin beyond the limits, or where it gains nothing any more ([Search.Score]): what
// is left out gives less than a per cent more. And where many numbers of prefill and
// decode workers are possible, the reference search names those that are worth a
// simulation ([NewDisagg]): in the tests that costs 3 % at most. Both are held against
// simulating everything.
//
// Everything here is pure. Replicas may be scored at the same time.
package rescore
