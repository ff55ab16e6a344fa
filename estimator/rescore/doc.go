// Package rescore answers a question of package search with the figures of the
// calibrated estimator.
//
// What is searched are replicas: an aggregated worker, or some prefill and some
// decode workers. Each is simulated with ever more requests in flight, and every
// simulation is a row; rows are then ranked as the reference search ranks its own.
//
// Two rules keep it short. More requests in flight make nobody faster, so a climb takes
// strides, ends a margin beyond the limits or where it gains nothing any more, and then
// fills in what it left out around the last row within them ([Search.Score]): what is
// never simulated gives less than a per cent more. And where many numbers of prefill and
// decode workers are possible, those are simulated that could give the most if nothing
// waited ([NewDisagg]): in the tests, no less than all of them. Both are held against
// simulating everything.
//
// Everything here is pure. Replicas may be scored at the same time.
package rescore
