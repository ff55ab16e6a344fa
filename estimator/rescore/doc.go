// Package rescore answers a question of package search with the figures of the
// calibrated estimator.
//
// What is searched are replicas: an aggregated worker, or some prefill and some
// decode workers. Each is simulated with ever more requests in flight, and every
// simulation is a row; rows are then ranked as the reference search ranks its own.
//
// Two rules keep it short. More requests in flight make nobody faster, so the climb
// ends a margin beyond the limits ([Search.Score]). And which numbers of prefill and
// decode workers belong together is taken from the reference matching under laxer
// limits ([NewDisagg]). Tests hold both against simulating everything.
//
// Everything here is pure. Replicas may be scored at the same time.
package rescore
