// Package estimator predicts what a serving configuration does: columns of
// candidates in, columns of latencies, throughput and memory out.
//
// A [Config] names a model, its numeric formats, the parallel layout of one
// worker and the kernel measurements to use. [Compile] turns it into a [Plan]
// once: every operator of a phase but attention is a function of one number, the
// token count, and piecewise linear in it, so all of them fold into one curve;
// attention becomes a small surface over batch and length. Scoring a candidate
// is then a few look-ups on short sorted arrays.
//
// The formulas are those of AIConfigurator 0.6.0 ("reference"); the tests
// compare with its answers. The package is pure: same input, same bits out, on
// every platform; it knows no files, goroutines, clocks or logs.
//
// Units: latencies ms, memory bytes or GiB (2^30 bytes) as the name says,
// lengths tokens, sizes ways.
package estimator

// Revision of the formulas. It is part of every shard key: raise it whenever a
// change here or in package perftables can change a result. TestRevision
// reminds of it.
const Revision = 1
